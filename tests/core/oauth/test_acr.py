"""Which level of sign-in a request asks for, and which a login reached (RFC 9470 §5, OIDC Core §5.5.1.1)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from remit.core.oauth.authorize import UNMET, judge_acr, too_weak
from remit.core.oauth.claims import AskedClaims, read_claims
from remit.core.oauth.verdicts import Refusal
from remit.core.sessions import MULTI_FACTOR, SINGLE_FACTOR, WITH_CODE, WITH_PASSWORD, acr_of
from tests.core.nouns import REQUEST, SESSION

ASKED = {
    "nothing": (None, (), None),
    "any sign-in": (SINGLE_FACTOR, (), None),
    "two factors": (MULTI_FACTOR, (), MULTI_FACTOR),
    "two factors rather than one": (f"{MULTI_FACTOR} {SINGLE_FACTOR}", (), None),
    "what does not exist": ("urn:example:gold", (), None),
    "what does not exist, or two factors": (f"urn:example:gold {MULTI_FACTOR}", (), MULTI_FACTOR),
    "essential: two factors": (None, (MULTI_FACTOR,), MULTI_FACTOR),
    "essential: one of both": (None, (MULTI_FACTOR, SINGLE_FACTOR), None),
    "essential: what does not exist": (None, ("urn:example:gold",), UNMET),
    "essential and wished": (SINGLE_FACTOR, (MULTI_FACTOR,), MULTI_FACTOR),
    "wished beyond what is essential": (MULTI_FACTOR, (SINGLE_FACTOR,), MULTI_FACTOR),
}


@pytest.mark.requirement("STEP-2")
@pytest.mark.parametrize(("wished", "essential", "level"), ASKED.values(), ids=ASKED)
def test_the_level_that_is_asked_for(wished, essential, level):
    assert judge_acr(wished, essential) == level


REACHED = {
    "a password": (WITH_PASSWORD, SINGLE_FACTOR),
    "a password and a code": (WITH_CODE, MULTI_FACTOR),
    "a code alone": (("otp",), SINGLE_FACTOR),
    "nothing that is known": (("magic",), SINGLE_FACTOR),
    "nothing": ((), SINGLE_FACTOR),
}


@pytest.mark.requirement("STEP-3")
@pytest.mark.parametrize(("amr", "level"), REACHED.values(), ids=REACHED)
def test_the_level_that_was_reached(amr, level):
    assert acr_of(amr) == level


@pytest.mark.requirement("STEP-2")
@pytest.mark.parametrize(
    ("acr", "amr", "weak"),
    [
        (None, WITH_PASSWORD, False),
        (MULTI_FACTOR, WITH_PASSWORD, True),
        (MULTI_FACTOR, WITH_CODE, False),
        (SINGLE_FACTOR, WITH_CODE, False),
    ],
)
def test_whether_a_sign_in_is_too_weak(acr, amr, weak):
    assert too_weak(replace(REQUEST, acr=acr), replace(SESSION, amr=amr)) == weak


CLAIMS = {
    "a wish": ('{"id_token": {"acr": {"value": "a"}}}', AskedClaims(wished_acr=("a",))),
    "several wishes": ('{"id_token": {"acr": {"values": ["a", "b"]}}}', AskedClaims(wished_acr=("a", "b"))),
    "essential": ('{"id_token": {"acr": {"essential": true, "values": ["a", "b"]}}}', AskedClaims(acr=("a", "b"))),
    "essential, whatever it is": ('{"id_token": {"acr": {"essential": true}}}', AskedClaims()),
    "only told": ('{"id_token": {"acr": null}}', AskedClaims()),
    "elsewhere": ('{"userinfo": {"acr": {"essential": true, "value": "a"}}}', AskedClaims()),
}


@pytest.mark.requirement("STEP-2", "OIDC-5")
@pytest.mark.parametrize(("text", "asked"), CLAIMS.values(), ids=CLAIMS)
def test_levels_in_the_claims_parameter(text, asked):
    assert read_claims(text) == asked


@pytest.mark.parametrize("acr", ['{"value": 1}', '{"values": "a"}', '{"values": [1]}', '{"values": {"a": 1}}'])
def test_levels_that_are_no_texts_are_refused(acr):
    assert isinstance(read_claims('{"id_token": {"acr": ' + acr + "}}"), Refusal)
