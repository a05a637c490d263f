"""How a request proves its client: one method, read without guessing."""

from base64 import b64encode
from dataclasses import replace
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.clients import AuthMethod
from remit.core.names import ClientId, Secret
from remit.core.oauth.client_auth import (
    ASSERTION_TYPE,
    FAILED,
    ClientFields,
    Presented,
    Proof,
    method_fits,
    read_presented,
)
from remit.core.oauth.verdicts import Refusal
from tests.core.nouns import CLIENT

NOBODY = ClientFields(client_id=None, client_secret=None, assertion_type=None, assertion=None, assertion_subject=None)


def fields(**given):
    return replace(NOBODY, **given)


def basic(text, scheme="Basic"):
    return f"{scheme} {b64encode(text.encode()).decode()}"


ONE = ClientId("cli_1")
SIGNED = {"assertion": "a.b.c", "assertion_type": ASSERTION_TYPE}
PUBLIC = Presented(client=ONE, proof=Proof.NONE)
BY_SECRET = Presented(client=ONE, proof=Proof.SECRET, value=Secret("s3"))
BY_KEY = Presented(client=ONE, proof=Proof.ASSERTION, value=Secret("a.b.c"))
TWO = Refusal("invalid_request", "use exactly one way to authenticate the client")
HALF = Refusal("invalid_request", "client_assertion and client_assertion_type belong together")
DIFFERS = Refusal("invalid_request", "client_id differs from the one in the authorization header")
NOT_BASIC = Refusal("invalid_client", "the authorization header must use Basic here")
BROKEN = Refusal("invalid_client", "the Basic credentials are not base64 of id:secret")
NAMELESS = Refusal("invalid_client", "name the client: send client_id, or authenticate with its secret or key")
STRANGE = replace(FAILED, audit="client_id is not printable ASCII, or too long")

CASES = {
    "a public client names itself": (None, fields(client_id="cli_1"), PUBLIC),
    "Basic": (basic("cli_1:s3"), NOBODY, BY_SECRET),
    "Basic, however it is spelled": (basic("cli_1:s3", "bASIC"), NOBODY, BY_SECRET),
    "Basic and the same client_id": (basic("cli_1:s3"), fields(client_id="cli_1"), BY_SECRET),
    "Basic with an empty secret is a public client": (basic("cli_1:"), NOBODY, PUBLIC),
    "a colon in the secret": (basic("cli_1:s:3"), NOBODY, replace(BY_SECRET, value=Secret("s:3"))),
    "form-encoded inside Basic": (basic("cli%5F1:s%2B%3A+%C3%BC"), NOBODY, replace(BY_SECRET, value=Secret("s+: ü"))),
    "a secret in the body": (None, fields(client_id="cli_1", client_secret="s3"), BY_SECRET),
    "an assertion": (None, fields(client_id="cli_1", **SIGNED), BY_KEY),
    "an assertion names its client itself": (None, fields(assertion_subject="cli_1", **SIGNED), BY_KEY),
    "client_id goes before what an unproven assertion says": (
        None,
        fields(client_id="cli_1", assertion_subject="cli_2", **SIGNED),
        BY_KEY,
    ),
    "nobody": (None, NOBODY, NAMELESS),
    "a secret without a name": (None, fields(client_secret="s3"), NAMELESS),
    "an assertion about nobody": (None, fields(**SIGNED), FAILED),
    "Basic and a secret in the body": (basic("cli_1:s3"), fields(client_id="cli_1", client_secret="s3"), TWO),
    "Basic with an empty secret, and one in the body": (basic("cli_1:"), fields(client_secret="s3"), TWO),
    "Basic and an assertion": (basic("cli_1:s3"), fields(**SIGNED), TWO),
    "a secret and an assertion": (None, fields(client_id="cli_1", client_secret="s3", **SIGNED), TWO),
    "Basic of one client and the id of another": (basic("cli_1:s3"), fields(client_id="cli_2"), DIFFERS),
    "an assertion without its type": (None, fields(client_id="cli_1", assertion="a.b.c"), HALF),
    "a type without its assertion": (None, fields(client_id="cli_1", assertion_type=ASSERTION_TYPE), HALF),
    "an assertion of another type": (
        None,
        fields(
            client_id="cli_1",
            assertion="a.b.c",
            assertion_type="urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
        ),
        Refusal("invalid_request", f"client_assertion_type must be {ASSERTION_TYPE}"),
    ),
    "another scheme": ("Bearer abc", NOBODY, NOT_BASIC),
    "another scheme beside a secret": ("Bearer abc", fields(client_id="cli_1", client_secret="s3"), NOT_BASIC),
    "an empty header": ("", NOBODY, NOT_BASIC),
    "Basic and nothing": ("Basic", NOBODY, BROKEN),
    "no base64": ("Basic %%%", NOBODY, BROKEN),
    "no colon": (basic("cli_1"), NOBODY, BROKEN),
    "no name": (basic(":s3"), NOBODY, BROKEN),
    "no UTF-8": ("Basic " + b64encode(b"cli_1:\xff").decode(), NOBODY, BROKEN),
    "a NUL in the name": (basic("cli%001:s3"), NOBODY, STRANGE),
    "a line end in the name": (None, fields(client_id="cli\n1"), STRANGE),
    "a name in other letters": (None, fields(client_id="cli_ü"), STRANGE),
    "a name in half a letter": (None, fields(assertion_subject="cli_\ud800", **SIGNED), STRANGE),
    "a name without an end": (None, fields(client_id="c" * 1025), STRANGE),
}


@pytest.mark.requirement("CA-1", "CA-3", "GEN-21", "OA-19")
@pytest.mark.parametrize(("header", "given_fields", "expected"), CASES.values(), ids=CASES)
def test_read_presented(header, given_fields, expected):
    assert read_presented(header, given_fields) == expected


ASCII = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


@pytest.mark.requirement("CA-1")
@given(client=ASCII, secret=st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable()))
def test_every_secret_survives_basic(client, secret):
    header = basic(f"{quote_plus(client)}:{quote_plus(secret)}")
    assert read_presented(header, NOBODY) == Presented(client=client, proof=Proof.SECRET, value=Secret(secret))


MAYBE = st.one_of(st.none(), ASCII)


@pytest.mark.requirement("GEN-21")
@given(
    header=st.one_of(st.none(), st.text(), st.builds(lambda a, b: basic(f"{a}:{b}"), st.text(), st.text())),
    given_fields=st.builds(
        ClientFields,
        client_id=MAYBE,
        client_secret=MAYBE,
        assertion_type=st.one_of(st.none(), st.just(ASSERTION_TYPE)),
        assertion=MAYBE,
        assertion_subject=MAYBE,
    ),
)
def test_whatever_comes_at_most_one_method_is_read(header, given_fields):
    presented = read_presented(header, given_fields)
    if isinstance(presented, Presented):
        assert (presented.value is None) == (presented.proof is Proof.NONE)
        assert presented.client.isascii()
        assert not (given_fields.client_secret and given_fields.assertion)
        assert given_fields.client_id in {None, presented.client}


FITS = {
    AuthMethod.NONE: {Proof.NONE},
    AuthMethod.SECRET_BASIC: {Proof.SECRET},
    AuthMethod.SECRET_POST: {Proof.SECRET},
    AuthMethod.PRIVATE_KEY_JWT: {Proof.ASSERTION},
}


@pytest.mark.requirement("CA-2")
@pytest.mark.parametrize("method", AuthMethod)
@pytest.mark.parametrize("proof", Proof)
def test_a_client_uses_the_method_it_registered(method, proof):
    client = replace(CLIENT, auth_method=method)
    assert method_fits(Presented(client=client.id, proof=proof), client) == (proof in FITS[method])
