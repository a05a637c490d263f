"""What a presented authorization code earns."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.grants import CodeState
from remit.core.oauth.code import UNKNOWN, Redeem, Replayed, judge_code
from remit.core.oauth.dpop import OTHER_KEY
from remit.core.oauth.verdicts import Refusal
from tests.core.nouns import BOB, CALLBACK, CODE, EVE, NOW, SECOND, VERIFIER

SPENT = replace(CODE, state=CodeState.SPENT)
OLD = replace(CODE, expires_at=NOW)
BOUND = replace(CODE, jkt="k1")
PLAIN = {"client": BOB, "redirect_uri": CALLBACK, "verifier": VERIFIER}
MISSING = Refusal("invalid_grant", "send code_verifier: this code was requested with a code_challenge (PKCE, RFC 7636)")
WRONG = Refusal("invalid_grant", "send the code_verifier that this code_challenge was made from")
ELSEWHERE = Refusal("invalid_grant", "redirect_uri must be the one the code was sent to, or be left out")
EXPIRED = Refusal("invalid_grant", "the authorization code expired; codes live for one minute")

CASES = {
    "a good code is redeemed": (CODE, {}, Redeem(CODE)),
    "the redirect URI may be left out": (CODE, {"redirect_uri": None}, Redeem(CODE)),
    "nobody knows it": (None, {}, UNKNOWN),
    "a stranger learns nothing": (CODE, {"client": EVE}, UNKNOWN),
    "a stranger with a spent code ends nothing": (SPENT, {"client": EVE}, UNKNOWN),
    "the verifier is missing": (CODE, {"verifier": None}, MISSING),
    "the verifier is another one": (CODE, {"verifier": "w" * 43}, WRONG),
    "a replay without the verifier ends nothing": (SPENT, {"verifier": None}, MISSING),
    "a replay with a wrong verifier ends nothing": (SPENT, {"verifier": "w" * 43}, WRONG),
    "another redirect URI": (CODE, {"redirect_uri": CALLBACK + "/"}, ELSEWHERE),
    "a replay with another redirect URI ends nothing": (SPENT, {"redirect_uri": "https://evil.example"}, ELSEWHERE),
    "whoever asked for no key may show one": (CODE, {"jkt": "k1"}, Redeem(CODE)),
    "bound to a key, by that key": (BOUND, {"jkt": "k1"}, Redeem(BOUND)),
    "bound to a key, by another": (BOUND, {"jkt": "k2"}, OTHER_KEY),
    "bound to a key, by none": (BOUND, {}, OTHER_KEY),
    "a fully valid replay ends the line": (SPENT, {}, Replayed(SPENT)),
    "a late replay still tells that two hold the code": (
        replace(SPENT, expires_at=NOW - timedelta(days=1)),
        {},
        Replayed(replace(SPENT, expires_at=NOW - timedelta(days=1))),
    ),
    "over on the very second": (OLD, {}, EXPIRED),
    "good until the second before": (
        replace(CODE, expires_at=NOW + SECOND),
        {},
        Redeem(replace(CODE, expires_at=NOW + SECOND)),
    ),
}


@pytest.mark.requirement("OA-8", "OA-9", "OA-10", "OA-11")
@pytest.mark.parametrize(("code", "changes", "expected"), CASES.values(), ids=CASES)
def test_judge_code(code, changes, expected):
    assert judge_code(code, **{**PLAIN, **changes}, now=NOW) == expected


@pytest.mark.requirement("OA-8", "OA-10", "OA-11")
@given(
    client=st.sampled_from([BOB, EVE]),
    verifier=st.sampled_from([None, VERIFIER, "w" * 43]),
    redirect_uri=st.sampled_from([None, CALLBACK, "https://evil.example"]),
    state=st.sampled_from(CodeState),
    age=st.integers(-120, 120),
)
def test_only_the_rightful_client_with_its_verifier_moves_anything(client, verifier, redirect_uri, state, age):
    code = replace(CODE, state=state, expires_at=NOW - timedelta(seconds=age))
    verdict = judge_code(code, client=client, redirect_uri=redirect_uri, verifier=verifier, now=NOW)
    if not isinstance(verdict, Refusal):
        assert (client, verifier) == (BOB, VERIFIER)
        assert redirect_uri in {None, CALLBACK}
    if isinstance(verdict, Redeem):
        assert state is CodeState.LIVE
        assert age < 0
