"""Request objects: what a client signed, for us and in time (RFC 9101 §6, JAR-2)."""

import pytest

from remit.core.oauth.verdicts import Refusal
from remit.crypto.jose import PrivateKey
from remit.ports.deps import RequestObject
from tests.crypto.making import AT, NOW, a_ring, compact, without
from tests.crypto.test_assertions import ALL, CLIENT, ED25519, ES256, ISSUER, RS256

HEADER = {"alg": "ES256", "kid": "k1", "typ": "oauth-authz-req+jwt"}
CLAIMS = {"iss": CLIENT, "aud": ISSUER, "exp": AT + 300, "nbf": AT, "client_id": CLIENT, "state": "s"}


def check(signed):
    return a_ring().check_request_object(signed, ALL, issuer=ISSUER, client=CLIENT, now=NOW)


def signed(header=HEADER, claims=CLAIMS, private=ES256):
    return compact(header, claims, private)


GOOD = {
    "as it should be": signed(),
    "the type with its media type": signed(HEADER | {"typ": "application/OAuth-Authz-Req+JWT"}),
    "the type of any JWT": signed(HEADER | {"typ": "JWT"}),
    "no type": signed(without(HEADER, "typ")),
    "Ed25519": signed({"alg": "EdDSA", "kid": "k2"}, private=ED25519),
    "RS256": signed({"alg": "RS256", "kid": "k3"}, private=RS256),
    "no beginning": signed(claims=without(CLAIMS, "nbf")),
    "the issuer as the one member of a list": signed(claims=CLAIMS | {"aud": [ISSUER]}),
    "a clock ten seconds ahead": signed(claims=CLAIMS | {"nbf": AT + 10, "iat": AT + 10}),
    "an hour long": signed(claims=CLAIMS | {"exp": AT + 3600, "nbf": AT - 3600}),
}


@pytest.mark.requirement("JAR-2")
@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_a_signed_request_says_what_it_says(text):
    verdict = check(text)
    assert isinstance(verdict, RequestObject)
    assert (verdict.claims["state"], verdict.jti) == ("s", None)


def test_it_may_name_itself():
    verdict = check(signed(claims=CLAIMS | {"jti": "j1"}))
    assert isinstance(verdict, RequestObject)
    assert (verdict.jti, verdict.key) == ("j1", "k1")


BAD = {
    "alg none": (signed(HEADER | {"alg": "none"}), "not signed by a key"),
    "a secret's algorithm": (signed(HEADER | {"alg": "HS256"}), "not signed by a key"),
    "another key": (signed(private=PrivateKey.generate("ES256")), "not signed by a key"),
    "another kid": (signed(HEADER | {"kid": "k9"}), "not signed by a key"),
    "must be understood": (signed(HEADER | {"crit": ["exp"]}), "not signed by a key"),
    "the type of an access token": (signed(HEADER | {"typ": "at+jwt"}), "not signed by a key"),
    "the type of a proof": (signed(HEADER | {"typ": "dpop+jwt"}), "not signed by a key"),
    "the type of an assertion": (signed(HEADER | {"typ": "client-authentication+jwt"}), "not signed by a key"),
    "longer than is read": (signed(claims=CLAIMS | {"state": "s" * 17_000}), "not signed by a key"),
    "nobody's": (signed(claims=without(CLAIMS, "iss")), "iss and client_id"),
    "by another client": (signed(claims=CLAIMS | {"iss": "cli_2"}), "iss and client_id"),
    "of another client": (signed(claims=CLAIMS | {"client_id": "cli_2"}), "iss and client_id"),
    "of no client": (signed(claims=without(CLAIMS, "client_id")), "iss and client_id"),
    "an assertion of the client": (signed(claims=CLAIMS | {"sub": CLIENT}), "no sub"),
    "about somebody": (signed(claims=CLAIMS | {"sub": "usr_1"}), "no sub"),
    "for nobody": (signed(claims=without(CLAIMS, "aud")), "aud"),
    "for somebody else": (signed(claims=CLAIMS | {"aud": "https://id.example/t/globex"}), "aud"),
    "for its own endpoint": (signed(claims=CLAIMS | {"aud": ISSUER + "/oauth/authorize"}), "aud"),
    "for somebody else, too": (signed(claims=CLAIMS | {"aud": [ISSUER, "https://x.example"]}), "aud"),
    "an object in the object": (signed(claims=CLAIMS | {"request": "a.b.c"}), "no other request"),
    "a reference in the object": (signed(claims=CLAIMS | {"request_uri": "urn:x"}), "no other request"),
    "without an end": (signed(claims=without(CLAIMS, "exp")), "exp is missing"),
    "an end in words": (signed(claims=CLAIMS | {"exp": "never"}), "exp is missing"),
    "over": (signed(claims=CLAIMS | {"exp": AT}), "has expired"),
    "longer than an hour": (signed(claims=CLAIMS | {"exp": AT + 3601}), "at most 3600 s"),
    "not yet": (signed(claims=CLAIMS | {"nbf": AT + 11}), "nbf"),
    "made in the future": (signed(claims=CLAIMS | {"iat": AT + 11}), "iat"),
    "made long ago": (signed(claims=CLAIMS | {"iat": AT - 3601}), "iat"),
    "begun long ago": (signed(claims=CLAIMS | {"nbf": AT - 3601}), "nbf"),
    "a beginning in words": (signed(claims=CLAIMS | {"nbf": "now"}), "nbf"),
    "a name that is none": (signed(claims=CLAIMS | {"jti": 1}), "jti"),
    "an endless name": (signed(claims=CLAIMS | {"jti": "j" * 257}), "jti"),
}


@pytest.mark.requirement("GEN-15", "GEN-16", "JAR-2", "JAR-3")
@pytest.mark.parametrize(("text", "hint"), BAD.values(), ids=BAD)
def test_anything_else_is_refused_without_a_redirect(text, hint):
    verdict = check(text)
    assert isinstance(verdict, Refusal)
    assert (verdict.code, verdict.redirect) == ("invalid_request_object", False)
    assert hint in verdict.hint


@pytest.mark.requirement("JAR-2")
def test_a_signed_request_proves_no_client():
    for claims in (CLAIMS, CLAIMS | {"jti": "j1"}):
        assertion = a_ring().check_assertion(
            signed(without(HEADER, "typ"), claims), ALL, issuer=ISSUER, client=CLIENT, now=NOW
        )
        assert isinstance(assertion, Refusal)
