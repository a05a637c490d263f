"""What the specifications print comes out here, on both sides: the server's and the guard's.

Each file under `vectors` is a list of examples with the section they come from.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from remit.core.oauth import pkce
from remit.core.oauth.client_auth import ClientFields, Presented, read_presented
from remit.crypto.compact import take_apart
from remit.crypto.jose import read_public
from remit_sdk.fetch import basic
from remit_sdk.jose import read_key
from remit_sdk.metadata import metadata_url
from remit_sdk.pkce import challenge_of
from remit_sdk.protected_resource import read_resource
from remit_sdk.strict import well_known
from tests.crypto.making import ACME, a_ring, keys_of

FOLDER = Path(__file__).with_name("vectors")
SHIPPED = {
    "oauth-authorization-server": metadata_url,
    "oauth-protected-resource": lambda uri: (
        read_resource(uri, issuers=(), scopes=frozenset(), name=None, documentation=None).metadata_url
    ),
}


def examples(name: str) -> Any:
    rows = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert rows
    return pytest.mark.parametrize("example", rows, ids=[row["source"] for row in rows])


def test_no_file_lies_unused():
    text = Path(__file__).read_text(encoding="utf-8")
    used = {name for name in (path.stem for path in FOLDER.iterdir()) if f'@examples("{name}")' in text}
    assert {path.stem for path in FOLDER.iterdir()} - used == {"assertions", "dpop"}  # tests/crypto reads them


@pytest.mark.requirement("PKCE-3")
@examples("pkce")
def test_a_challenge(example):
    verifier, challenge = example["verifier"], example["challenge"]
    assert pkce.challenge_of(verifier) == challenge_of(verifier) == challenge
    assert pkce.verify(challenge, verifier) is None


@examples("thumbprints")
def test_a_thumbprint(example):
    key = read_public(example["key"])
    assert key is not None
    assert key.material.thumbprint() == example["thumbprint"]


@pytest.mark.requirement("GEN-15")
@examples("signatures")
def test_a_signature(example):
    parts = take_apart(example["token"])
    assert parts is not None
    assert parts.header["alg"] == example["alg"]
    for key in (
        read_public(example["key"]),
        read_key({**example["key"], "alg": example["alg"], "kid": "1", "use": "sig", "remit_typ": "at+jwt"}),
    ):
        assert key is not None
        assert key.verifies(parts.message, parts.signature)
        assert not key.verifies(parts.message + b"A", parts.signature)
        assert not key.verifies(parts.message, parts.signature[:-1] + bytes([parts.signature[-1] ^ 1]))


@pytest.mark.requirement("GEN-15", "BCP-17")
@examples("refused_signatures")
def test_a_signature_that_is_none_for_us(example):
    named = {**example["key"], "alg": example["alg"], "kid": "1", "use": "sig"}
    assert read_public(named) is None
    assert read_key(named) is None


@pytest.mark.requirement("OIDC-2")
@examples("half_hashes")
def test_a_half_hash(example):
    for alg in ("RS256", "ES256"):
        parts = take_apart(a_ring().sign_id(ACME, keys_of(ACME), alg, {}, access_token=example["text"]))
        assert parts is not None
        assert (parts.claims() or {})["at_hash"] == example["hash"]


def presented(credentials: str) -> Presented:
    found = read_presented(
        f"Basic {credentials}",
        ClientFields(client_id=None, client_secret=None, assertion_type=None, assertion=None, assertion_subject=None),
    )
    assert isinstance(found, Presented)
    return found


def sent(client: str, secret: str) -> str:
    request = next(basic((client, secret)).sync_auth_flow(httpx2.Request("POST", "https://id.example/")))
    return str(request.headers["authorization"]).removeprefix("Basic ")


@pytest.mark.requirement("CA-1")
@examples("basic")
def test_basic_credentials(example):
    assert sent(example["client"], example["secret"]) == example["credentials"]
    found = presented(example["credentials"])
    assert found.value is not None
    assert (found.client, found.value.reveal()) == (example["client"], example["secret"])


@pytest.mark.requirement("CA-1")
@examples("forms")
def test_form_encoding_inside_basic(example):
    by_hand = base64.b64encode(f"cli:{example['encoded']}".encode()).decode()
    assert sent("cli", example["text"]) == by_hand
    found = presented(by_hand)
    assert found.value is not None
    assert found.value.reveal() == example["text"]


@pytest.mark.requirement("ASM-1", "PRM-1")
@examples("well_known")
def test_where_a_document_is(example):
    assert well_known(example["identifier"], example["document"]) == example["url"]
    assert SHIPPED[example["document"]](example["identifier"]) == example["url"]
