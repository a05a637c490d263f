"""Access tokens that somebody else wrote, or that we wrote for something else."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.keys import KeyUse
from remit.crypto import keyring
from remit.crypto.compact import MAX_TOKEN, take_apart, write_base64url
from remit.crypto.jose import PrivateKey
from tests.crypto.making import (
    ACME,
    AT,
    GLOBEX,
    NOW,
    a_ring,
    claims_for,
    compact,
    key_for,
    keys_of,
    private_of,
    without,
)

RING = a_ring()
KEYS = keys_of(ACME)
OURS = key_for(ACME)
OUR_PRIVATE = private_of(ACME, OURS)
THEIRS = PrivateKey.generate("ES256")
TOKEN = RING.sign_access(ACME, KEYS, claims_for())
_parts = take_apart(TOKEN)
assert _parts is not None
HEADER = _parts.header
CLAIMS = _parts.claims() or {}


def read(token, *, now=NOW):
    return RING.read_access(ACME, KEYS, token, now=now)


def signed(header=HEADER, claims=CLAIMS, private=OUR_PRIVATE):
    return compact(header, claims, private)


def with_signature(signature: bytes) -> str:
    return f"{TOKEN.rpartition('.')[0]}.{write_base64url(signature).decode()}"


def test_what_the_forgeries_start_from_is_good():
    assert read(signed()) == CLAIMS | {"kid": OURS.kid}


ID_KEY = key_for(ACME, KeyUse.ID, "ES256")
AUDIT_KEY = key_for(ACME, KeyUse.AUDIT, "Ed25519")
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

HEADERS = {
    "unsigned": compact(HEADER | {"alg": "none"}, CLAIMS, None),
    "unsigned, with our signature left on": signed(HEADER | {"alg": "none"}),
    "unsigned in odd capitals": signed(HEADER | {"alg": "nOnE"}),
    "no algorithm": signed(without(HEADER, "alg")),
    "an algorithm of no known kind": signed(HEADER | {"alg": ["ES256"]}),
    "HMAC, so that our public key would be the secret": signed(HEADER | {"alg": "HS256"}),
    "another algorithm than the key's": signed(HEADER | {"alg": "Ed25519"}),
    "signed by another key under our kid": signed(private=THEIRS),
    "the key brought along": signed(HEADER | {"jwk": THEIRS.jwk()}, private=THEIRS),
    "the address of a key brought along": signed(HEADER | {"jku": "https://evil.example/jwks"}),
    "a certificate brought along": signed(HEADER | {"x5u": "https://evil.example/x"}),
    "an unknown critical header": signed(HEADER | {"crit": ["x"], "x": 1}),
    "an empty critical header": signed(HEADER | {"crit": []}),
    "an unencoded payload": signed(HEADER | {"b64": False}),
    "no kid": signed(without(HEADER, "kid")),
    "a kid that is a path": signed(HEADER | {"kid": "../../../dev/null"}),
    "a kid that is SQL": signed(HEADER | {"kid": "' or 1=1--"}),
    "a kid that is an object": signed(HEADER | {"kid": {"a": 1}}),
    "a kid that is a number": signed(HEADER | {"kid": 12}),
    "the kid of another tenant's key": signed(HEADER | {"kid": key_for(GLOBEX).kid}),
    "signed by our id-token key": signed(HEADER | {"kid": ID_KEY.kid}, private=private_of(ACME, ID_KEY)),
    "signed by our audit key": signed(
        HEADER | {"kid": AUDIT_KEY.kid, "alg": "Ed25519"}, private=private_of(ACME, AUDIT_KEY)
    ),
    "no type": signed(without(HEADER, "typ")),
    "the type of an id token": signed(HEADER | {"typ": "JWT"}),
    "the type of a client assertion": signed(HEADER | {"typ": "client-authentication+jwt"}),
    "a type that only begins like ours": signed(HEADER | {"typ": "at+jwt2"}),
    "a real id token": RING.sign_id(ACME, KEYS, "ES256", CLAIMS, access_token=TOKEN),
    "a member of the header given twice": signed(json.dumps(HEADER)[:-1].encode() + b',"typ":"at+jwt"}'),
    "a member of the claims given twice": signed(claims=json.dumps(CLAIMS)[:-1].encode() + b',"sub":"usr_9"}'),
    "claims that are a list": signed(claims=[CLAIMS]),
    "claims nested 2,000 deep": signed(claims=b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}"),
    "longer than any token": signed(claims=CLAIMS | {"x": "a" * MAX_TOKEN}),
    "another tenant's token": RING.sign_access(GLOBEX, keys_of(GLOBEX), claims_for(GLOBEX)),
}


@pytest.mark.requirement("BCP-17", "GEN-15", "GEN-16", "JAT-5")
@pytest.mark.parametrize("token", HEADERS.values(), ids=HEADERS)
def test_a_forged_token_says_nothing(token):
    assert read(token) is None


TYPES = ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"]


@pytest.mark.requirement("GEN-16", "JAT-6")
@pytest.mark.parametrize("typ", TYPES)
def test_the_type_has_one_meaning_in_every_spelling_of_rfc_9068(typ):
    assert read(signed(HEADER | {"typ": typ})) is not None


def test_a_token_may_be_older_than_every_stop():
    assert read(signed(claims=CLAIMS | {"epo": 0})) is not None


SIGNATURES = {
    "all zeros (CVE-2022-21449)": bytes(64),
    "both numbers the order of the curve": ORDER.to_bytes(32, "big") * 2,
    "one byte short": OUR_PRIVATE.sign(_parts.message)[:-1],
    "one byte long": OUR_PRIVATE.sign(_parts.message) + b"\x00",
    "DER instead of two numbers": bytes.fromhex("3006020101020101"),
    "both numbers in the wrong order": OUR_PRIVATE.sign(_parts.message)[32:] + OUR_PRIVATE.sign(_parts.message)[:32],
}


@pytest.mark.parametrize("signature", SIGNATURES.values(), ids=SIGNATURES)
def test_a_degenerate_signature_is_none(signature):
    assert read(with_signature(signature)) is None


WRONG_CLAIMS = {
    "another issuer": {"iss": GLOBEX.issuer},
    "the issuer with a slash": {"iss": ACME.issuer + "/"},
    "the issuer in a list": {"iss": [ACME.issuer]},
    "exp as a string": {"exp": str(AT + 900)},
    "exp as a boolean": {"exp": True},
    "exp negative": {"exp": -1},
    "exp at 2^63": {"exp": 2**63},
    "exp null": {"exp": None},
    "expired on the very second": {"exp": AT},
    "iat as a boolean": {"iat": True},
    "iat more than ten seconds ahead": {"iat": AT + 11},
    "two audiences": {"aud": ["https://calendar.example/", "https://other.example/"]},
    "an audience that is an object": {"aud": {}},
    "no subject": {"sub": None},
    "a subject that is a list": {"sub": ["usr_1"]},
    "a scope that is a list": {"scope": ["read:calendar"]},
    "an epoch that is a text": {"epo": "7"},
    "an epoch that is a boolean": {"epo": True},
    "an epoch with a fraction": {"epo": 7.5},
    "an epoch below zero": {"epo": -1},
}


@pytest.mark.requirement("GEN-16", "GEN-19", "GEN-20")
@pytest.mark.parametrize("wrong", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS)
def test_claims_that_do_not_hold_are_refused_although_we_signed_them(wrong):
    assert read(signed(claims=CLAIMS | wrong)) is None


@pytest.mark.requirement("GEN-16", "JAT-2")
@pytest.mark.parametrize(
    "name", ["iss", "sub", "aud", "client_id", "exp", "iat", "jti", "grant_id", "agent_id", "tenant", "epo"]
)
def test_absent_means_no(name):
    assert read(signed(claims=without(CLAIMS, name))) is None


@pytest.mark.parametrize("number", [b"1e400", b"NaN", b"Infinity", b"1" * 5000])
def test_a_number_that_is_none_does_not_make_a_token_live_forever(number):
    raw = json.dumps(without(CLAIMS, "exp"))[:-1].encode() + b',"exp":' + number + b"}"
    assert read(signed(claims=raw)) is None


def test_a_token_lives_to_its_last_moment():
    assert read(TOKEN, now=NOW + timedelta(seconds=899.999)) is not None
    assert read(TOKEN, now=NOW + timedelta(seconds=900)) is None


def test_a_clock_ten_seconds_behind_is_forgiven():
    assert read(TOKEN, now=NOW - timedelta(seconds=10)) is not None
    assert read(TOKEN, now=NOW - timedelta(seconds=10.1)) is None


def test_what_was_proven_is_remembered_of_the_last_few_only(monkeypatch):
    monkeypatch.setattr(keyring, "_KEPT", 2)
    ring = a_ring()
    for number in range(4):
        token = signed(claims=CLAIMS | {"jti": f"tok_{number}"})
        assert ring.read_access(ACME, KEYS, token, now=NOW) == CLAIMS | {"jti": f"tok_{number}", "kid": OURS.kid}
        assert len(ring._proven) == min(number + 1, 2)


@given(at=st.integers(0, len(TOKEN) - 1), bit=st.integers(0, 6))
def test_any_bit_flipped_is_refused(at, bit):
    changed = TOKEN[:at] + chr(ord(TOKEN[at]) ^ 1 << bit) + TOKEN[at + 1 :]
    assert read(changed) is None


@given(st.integers(0, len(TOKEN) - 1))
def test_any_shorter_token_is_refused(length):
    assert read(TOKEN[:length]) is None
