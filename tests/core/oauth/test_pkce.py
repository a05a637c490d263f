"""PKCE: what a request must send, and which verifier redeems a code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.oauth.pkce import challenge_of, check_challenge, verify
from remit.core.oauth.verdicts import Refusal

# RFC 7636 Appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

ABSENT = "send code_challenge and code_challenge_method=S256: every client uses PKCE here (RFC 7636)"
PLAIN = "send code_challenge_method=S256: without it the method would be plain"
METHOD = "send code_challenge_method=S256: no other method is accepted"
SHAPE = "send code_challenge as base64url of the SHA-256 of the verifier, without padding: 43 characters"

REQUESTS = {
    "the challenge of the RFC": (CHALLENGE, "S256", None),
    "no challenge": (None, "S256", ABSENT),
    "an empty challenge": ("", "S256", ABSENT),
    "nothing at all": (None, None, ABSENT),
    "no method, which would mean plain": (CHALLENGE, None, PLAIN),
    "an empty method": (CHALLENGE, "", PLAIN),
    "plain": (CHALLENGE, "plain", METHOD),
    "the method in lower case": (CHALLENGE, "s256", METHOD),
    "an unknown method": (CHALLENGE, "S512", METHOD),
    "one character short": (CHALLENGE[:-1], "S256", SHAPE),
    "one character long": (CHALLENGE + "A", "S256", SHAPE),
    "padded": (CHALLENGE + "=", "S256", SHAPE),
    "padding inside the length": (CHALLENGE[:-1] + "=", "S256", SHAPE),
    "the alphabet of plain base64": (CHALLENGE.replace("-", "+"), "S256", SHAPE),
    "a newline behind": (CHALLENGE + "\n", "S256", SHAPE),
    "another script's digit": (CHALLENGE[:-1] + "٣", "S256", SHAPE),
}


@pytest.mark.requirement("BCP-3", "PKCE-1", "PKCE-2", "PKCE-3")
@pytest.mark.parametrize(("challenge", "method", "hint"), REQUESTS.values(), ids=REQUESTS)
def test_an_authorization_request(challenge, method, hint):
    assert check_challenge(challenge, method) == (Refusal("invalid_request", hint) if hint else None)


MISSING = "send code_verifier: this code was requested with a code_challenge (PKCE, RFC 7636)"
LETTERS = "send code_verifier as 43 to 128 characters out of letters, digits and -._~ (RFC 7636)"
WRONG = "send the code_verifier that this code_challenge was made from"
DOWNGRADE = "leave out code_verifier: this code was requested without a code_challenge"

REDEMPTIONS = {
    "the verifier of the RFC": (CHALLENGE, VERIFIER, None),
    "no verifier": (CHALLENGE, None, Refusal("invalid_grant", MISSING)),
    "an empty verifier": (CHALLENGE, "", Refusal("invalid_grant", MISSING)),
    "the verifier of somebody else": (CHALLENGE, "A" * 43, Refusal("invalid_grant", WRONG)),
    "the challenge itself, as plain would have it": (CHALLENGE, CHALLENGE, Refusal("invalid_grant", WRONG)),
    "too short": (CHALLENGE, VERIFIER[:-1], Refusal("invalid_grant", LETTERS)),
    "too long": (CHALLENGE, "A" * 129, Refusal("invalid_grant", LETTERS)),
    "a character outside the alphabet": (CHALLENGE, VERIFIER[:-1] + "+", Refusal("invalid_grant", LETTERS)),
    "a newline behind": (CHALLENGE, VERIFIER + "\n", Refusal("invalid_grant", LETTERS)),
    "not ASCII": (CHALLENGE, VERIFIER[:-1] + "é", Refusal("invalid_grant", LETTERS)),
    "a challenge that was taken out on the way": (None, VERIFIER, Refusal("invalid_request", DOWNGRADE)),
    "the same, stored empty": ("", VERIFIER, Refusal("invalid_request", DOWNGRADE)),
    "neither": (None, None, None),
}


@pytest.mark.requirement("BCP-3", "OA-18", "PKCE-4", "PKCE-6")
@pytest.mark.parametrize(("challenge", "verifier", "expected"), REDEMPTIONS.values(), ids=REDEMPTIONS)
def test_a_redemption(challenge, verifier, expected):
    assert verify(challenge, verifier) == expected


VERIFIERS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", min_size=43, max_size=128)


@pytest.mark.requirement("BCP-2", "PKCE-3", "PKCE-4")
@given(VERIFIERS, VERIFIERS)
def test_a_code_goes_to_its_own_verifier_alone(mine, yours):
    challenge = challenge_of(mine)
    assert check_challenge(challenge, "S256") is None
    assert verify(challenge, mine) is None
    assert (verify(challenge, yours) is None) == (mine == yours)


@pytest.mark.requirement("PKCE-4")
@given(st.text())
def test_no_other_text_redeems_a_code(text):
    refusal = verify(CHALLENGE, text)
    assert refusal is not None
    assert refusal.code == "invalid_grant"
