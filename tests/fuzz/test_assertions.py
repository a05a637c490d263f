"""Client assertions, held against PyJWT and the rules of RFC 7523 §3, restated."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import strategies as st

from remit.core.oauth.verdicts import Refusal
from remit.crypto.assertions import check_assertion
from tests.fuzz.making import DEEP, Good, forged, write
from tests.kit.clock import NOW
from tests.kit.effort import EFFORTS, watched
from tests.kit.world import client_key

AT = int(NOW.timestamp())
ISSUER, CLIENT = "https://id.example/t/acme", "cli_1"
KEY = client_key()
JWKS = json.dumps({"keys": [KEY.jwk() | {"kid": "k1", "alg": "ES256", "use": "sig"}]})
HEADER = {"alg": "ES256", "kid": "k1", "typ": "JWT"}
CLAIMS = {"iss": CLIENT, "sub": CLIENT, "aud": ISSUER, "exp": AT + 60, "iat": AT, "jti": "one"}
SKEW = 10
KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def made() -> Good:
    assert isinstance(KEY.private, ec.EllipticCurvePrivateKey)
    first = Good(token=b"..", sign=KEY.sign, public=KEY.private.public_key(), others=())
    token, other = (first.signed(write(HEADER), write(CLAIMS | {"jti": jti})) for jti in ("one", "two"))
    return Good(token=token, sign=KEY.sign, public=KEY.private.public_key(), others=(other,))


GOOD = made()


def taken(token: bytes) -> bool:
    with watched():
        verdict = check_assertion(token.decode("latin-1"), JWKS, issuer=ISSUER, client=CLIENT, now=NOW)
    if isinstance(verdict, Refusal):
        assert (verdict.code, verdict.hint) == ("invalid_client", "client authentication failed")
    return not isinstance(verdict, Refusal)


def oracle(token: bytes) -> bool:
    try:
        head = jwt.get_unverified_header(token)
        claims: dict[str, Any] = jwt.decode(
            token,
            GOOD.public,
            algorithms=["ES256"],
            audience=ISSUER,
            issuer=CLIENT,
            options={
                "require": ["iss", "sub", "aud", "exp", "jti"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        return False
    starts = [claims.get("iat", AT), claims.get("nbf", AT)]
    return (
        head.get("kid", "k1") == "k1"
        and not {"crit", "b64"} & head.keys()
        and claims["sub"] == CLIENT
        and claims["aud"] in (ISSUER, [ISSUER])
        and all(isinstance(time, int | float) and not isinstance(time, bool) for time in (claims["exp"], *starts))
        and AT < claims["exp"] <= AT + 300
        and max(starts) <= AT + SKEW
    )


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
def test_no_forged_assertion_proves_a_client(effort):
    @effort.run(500, 20_000, forged(GOOD))
    def law(token):
        assert not taken(token) or oracle(token)


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
def test_every_proper_assertion_proves_its_client(effort):
    @effort.run(
        200,
        50_000,
        st.fixed_dictionaries(
            {"exp": st.integers(AT + 1, AT + 300), "jti": st.uuids().map(str)},
            optional={"iat": st.integers(AT - 300, AT + SKEW), "nbf": st.integers(0, AT), "extra": st.text(max_size=5)},
        ),
    )
    def law(changes):
        token = GOOD.varied(**{"iat": ..., **changes})
        assert oracle(token)
        assert taken(token)


@pytest.mark.parametrize("deep", DEEP, ids=lambda raw: f"{raw.count(b'[')} deep")
def test_an_assertion_that_nobody_can_read_names_nobody(opened, deep):
    # Without client_id its subject is read before anything is proven.
    token = GOOD.signed(write(HEADER), write(CLAIMS)[:-1] + b"," + deep + b"}")
    sent = {"token": "x", "client_assertion": token.decode(), "client_assertion_type": KIND}
    assert opened.send("POST", "/oauth/introspect", data=sent).status_code == 401
