"""DPoP proofs are read in one way, and only when the key inside signed them (RFC 9449 §4.3)."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from remit.core.oauth.dpop import Expected, Proof, Proven, judge_proof, normal
from remit.core.oauth.verdicts import Refusal
from remit.crypto.dpop import read_proof
from tests.crypto.making import NOW, compact
from tests.kit.dpop import key_of, proof
from tests.rules.tree import ROOT

VECTORS = json.loads((ROOT / "tests" / "conformance" / "vectors" / "dpop.json").read_text(encoding="utf-8"))
URL = "https://id.example/oauth/token"
KEY = key_of("ours")
RSA = key_of("rsa", "RS256")


def made(**changes):
    return proof(KEY, "POST", URL, at=NOW, **changes)


def headed(**header):
    return made(header=header)


@pytest.mark.requirement("DPOP-2", "DPOP-3", "DPOP-7")
@pytest.mark.parametrize("vector", VECTORS["proofs"], ids=["token request", "resource request"])
def test_the_proofs_of_the_standard(vector):
    read = read_proof(vector["proof"])
    assert isinstance(read, Proof)
    assert (read.jkt, read.jti, read.issued_at) == (VECTORS["jkt"], vector["jti"], vector["iat"])
    expected = Expected(method=vector["method"], target=normal(vector["url"]) or "", token=vector["token"])
    assert isinstance(judge_proof(read, expected, now=datetime.fromtimestamp(vector["iat"], UTC)), Proven)


@pytest.mark.requirement("DPOP-2")
@pytest.mark.parametrize("alg", ["ES256", "Ed25519", "EdDSA", "PS256"])
def test_each_algorithm_that_is_advertised(alg):
    key = key_of("any", alg)
    read = read_proof(proof(key, "POST", URL, at=NOW))
    assert isinstance(read, Proof)
    assert read.jkt == key.thumbprint()


@pytest.mark.requirement("DPOP-8")
def test_what_more_stands_there_does_not_matter():
    read = read_proof(proof(KEY, "POST", URL, at=NOW, header={"x": 1, "kid": "k"}, exp=1, nbf="x", extra={"a": []}))
    assert isinstance(read, Proof)


PADDED = KEY.jwk() | {"x": "AA" + str(KEY.jwk()["x"])}

BAD = {
    "nothing": "",
    "no JWT": "proof",
    "four parts": made() + ".a",
    "the header of another": "e30." + made().split(".", 1)[1],
    "typ is missing": headed(typ=...),
    "typ of an access token": headed(typ="at+jwt"),
    "typ of any JWT": headed(typ="JWT"),
    "typ is no text": headed(typ=["dpop+jwt"]),
    "alg is missing": headed(alg=...),
    "alg is none": compact({"typ": "dpop+jwt", "alg": "none", "jwk": KEY.jwk()}, {"jti": "1"}, KEY),
    "alg is no text": headed(alg=["ES256"]),
    "a shared secret": headed(alg="HS256"),
    "RS256, which nobody needs": proof(RSA, "POST", URL, at=NOW),
    "jwk is missing": headed(jwk=...),
    "jwk is no object": headed(jwk="key"),
    "jwk is a private key": headed(jwk=KEY.jwk() | {"d": "AA"}),
    "jwk is a secret": headed(jwk={"kty": "oct", "k": "AA"}),
    "jwk is of another kind": headed(jwk=RSA.jwk()),
    "jwk is for another algorithm": headed(jwk=KEY.jwk() | {"alg": "PS256"}),
    "jwk is for encryption": headed(jwk=KEY.jwk() | {"use": "enc"}),
    "jwk is no point of its curve": headed(jwk=KEY.jwk() | {"y": KEY.jwk()["x"]}),
    "something critical": headed(crit=["x"], x=1),
    "another key signed it": made(signer=key_of("theirs")),
    "jti is missing": made(jti=...),
    "jti is empty": made(jti=""),
    "jti is too long": made(jti="j" * 257),
    "jti is no text": made(jti=1),
    "htm is missing": made(htm=...),
    "htm is no text": made(htm=1),
    "htu is missing": made(htu=...),
    "htu is no text": made(htu={}),
    "iat is missing": made(iat=...),
    "iat is a text": made(iat=str(int(NOW.timestamp()))),
    "iat is true": made(iat=True),
    "claims are a list": compact({"typ": "dpop+jwt", "alg": "ES256", "jwk": KEY.jwk()}, [], KEY),
    "a claim stands twice": compact(
        {"typ": "dpop+jwt", "alg": "ES256", "jwk": KEY.jwk()}, b'{"jti":"1","jti":"2","htm":"POST"}', KEY
    ),
}


@pytest.mark.requirement("DPOP-2", "DPOP-3", "DPOP-8", "DPOP-18", "GEN-15", "GEN-16")
@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_what_is_no_proof(text):
    read = read_proof(text)
    assert isinstance(read, Refusal)
    assert read.code == "invalid_dpop_proof"


@pytest.mark.requirement("DPOP-6")
def test_one_key_has_one_thumbprint_however_its_numbers_are_written():
    read = read_proof(headed(jwk=PADDED))
    assert isinstance(read, Refusal) or read.jkt == KEY.thumbprint()
