"""What the RFCs say comes out."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from remit.core.keys import KeyUse
from remit.crypto.compact import read_base64url, take_apart
from remit.crypto.jose import PrivateKey, read_public, verifies_ed25519
from remit.crypto.sealing import derive
from tests.crypto.making import ACME, a_ring, keys_of

EC_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
EC_TOKEN = (
    "eyJhbGciOiJFUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)
RSA_KEY = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
    "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6q"
    "MQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK"
    "nqDKgw",
    "e": "AQAB",
}
OKP_SEED = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
OKP_TOKEN = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    ".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)


def ed25519_of_rfc_8037() -> PrivateKey:
    seed = read_base64url(OKP_SEED.encode())
    assert seed is not None
    return PrivateKey._of("Ed25519", Ed25519PrivateKey.from_private_bytes(seed))


def test_es256_of_rfc_7515_a3_verifies():
    parts, key = take_apart(EC_TOKEN), read_public(EC_KEY)
    assert parts is not None
    assert key is not None
    assert key.verifies(parts.message, parts.signature)
    assert parts.claims() == {"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}


def test_ed25519_of_rfc_8037_a4_comes_out():
    message, _, signature = OKP_TOKEN.encode().rpartition(b".")
    private = ed25519_of_rfc_8037()
    assert private.sign(message) == read_base64url(signature)
    assert verifies_ed25519(private.raw_public(), message, private.sign(message))


def test_thumbprint_of_rfc_7638():
    key = read_public(RSA_KEY)
    assert key is not None
    assert key.material.thumbprint() == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_thumbprint_of_rfc_8037():
    assert ed25519_of_rfc_8037().thumbprint() == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


HKDF = {
    "RFC 5869 A.1": (
        b"\x0b" * 22,
        bytes(range(13)),
        bytes(range(0xF0, 0xFA)),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf",
    ),
    "RFC 5869 A.3, without salt and info": (
        b"\x0b" * 22,
        b"",
        b"",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d",
    ),
}


@pytest.mark.parametrize(("secret", "salt", "info", "expected"), HKDF.values(), ids=HKDF)
def test_hkdf(secret, salt, info, expected):
    assert derive(secret, salt=salt, info=info).hex() == expected


@pytest.mark.requirement("OIDC-2")
def test_at_hash_of_openid_connect_core_a3():
    token = a_ring().sign_id(
        ACME, keys_of(ACME), "RS256", {}, access_token="jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
    )
    parts = take_apart(token)
    assert parts is not None
    claims = parts.claims()
    assert claims is not None
    assert claims["at_hash"] == "77QmUPtjPfzWtF2AnpK9RQ"


def test_every_published_key_is_named_by_its_own_thumbprint():
    published = a_ring().jwks(keys_of(ACME))["keys"]
    assert isinstance(published, list)
    for jwk in published:
        key = read_public(json.loads(json.dumps(jwk)))
        assert key is not None
        assert key.material.thumbprint() == jwk["kid"]
    assert len(published) == len([key for key in keys_of(ACME) if key.use is not KeyUse.AUDIT])
