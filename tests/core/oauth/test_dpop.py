"""What a DPoP proof must say, and in how many ways the same address may be written."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.oauth.code import Redeem, Replayed, judge_code
from remit.core.oauth.dpop import (
    NO_NONCE,
    NONCE_STEP,
    OTHER_KEY,
    Expected,
    Proof,
    Proven,
    digest,
    judge_jkt,
    judge_proof,
    normal,
    steps,
)
from remit.core.oauth.refresh import UNKNOWN, RevokeLine, Rotate, judge_refresh
from remit.core.oauth.verdicts import Refusal
from remit.core.tokens import RefreshState
from tests.core.nouns import BOB, CALLBACK, CODE, EVE, LINE, NOW, SCOPES, SECOND, TOKEN, VERIFIER

TOKEN_URL = "https://id.example/oauth/token"
OURS, THEIRS = digest("ours"), digest("theirs")
GOOD = Proof(
    jkt=OURS,
    jti="1",
    method="POST",
    target=TOKEN_URL,
    issued_at=NOW.timestamp(),
    ath=None,
    nonce=None,
)
EXPECTED = Expected(method="POST", target=TOKEN_URL)
WITH_TOKEN = replace(EXPECTED, token="at")
NONCES = replace(EXPECTED, nonces={"new": NOW + 300 * SECOND, "old": NOW + SECOND})
HOUR = 3600

CASES = {
    "a good proof": (GOOD, EXPECTED, OURS),
    "made ten seconds ago": (replace(GOOD, issued_at=NOW.timestamp() - 10), EXPECTED, OURS),
    "made ten seconds from now": (replace(GOOD, issued_at=NOW.timestamp() + 10), EXPECTED, OURS),
    "at the very edge": (replace(GOOD, issued_at=NOW.timestamp() - 60), EXPECTED, OURS),
    "past the edge": (replace(GOOD, issued_at=NOW.timestamp() - 60.5), EXPECTED, "iat"),
    "an hour old": (replace(GOOD, issued_at=NOW.timestamp() - HOUR), EXPECTED, "iat"),
    "an hour ahead": (replace(GOOD, issued_at=NOW.timestamp() + HOUR), EXPECTED, "iat"),
    "another method": (replace(GOOD, method="GET"), EXPECTED, "htm"),
    "the method in lower case": (replace(GOOD, method="post"), EXPECTED, "htm"),
    "another address": (replace(GOOD, target="https://id.example/oauth/revoke"), EXPECTED, "htu"),
    "another host": (replace(GOOD, target="https://evil.example/oauth/token"), EXPECTED, "htu"),
    "another port": (replace(GOOD, target="https://id.example:8443/oauth/token"), EXPECTED, "htu"),
    "another scheme": (replace(GOOD, target="http://id.example/oauth/token"), EXPECTED, "htu"),
    "a host with a dot at its end": (replace(GOOD, target="https://id.example./oauth/token"), EXPECTED, "htu"),
    "somebody before the host": (replace(GOOD, target="https://a@id.example/oauth/token"), EXPECTED, "htu"),
    "no address": (replace(GOOD, target="token"), EXPECTED, "htu"),
    "with a query": (replace(GOOD, target=TOKEN_URL + "?a=b"), EXPECTED, OURS),
    "with a fragment": (replace(GOOD, target=TOKEN_URL + "#a"), EXPECTED, OURS),
    "in capitals": (replace(GOOD, target="HTTPS://ID.example/oauth/token"), EXPECTED, OURS),
    "with the usual port": (replace(GOOD, target="https://id.example:443/oauth/token"), EXPECTED, OURS),
    "percent-encoded": (replace(GOOD, target="https://id.example/oauth/%74oken"), EXPECTED, OURS),
    "with an idle segment": (replace(GOOD, target="https://id.example/./oauth/../oauth/token"), EXPECTED, OURS),
    "beside its token": (replace(GOOD, ath=digest("at")), WITH_TOKEN, OURS),
    "beside another token": (replace(GOOD, ath=digest("other")), WITH_TOKEN, "ath"),
    "beside a token it does not know": (GOOD, WITH_TOKEN, "ath"),
    "with the newest nonce": (replace(GOOD, nonce="new"), NONCES, OURS),
    "with the nonce before": (replace(GOOD, nonce="old"), NONCES, OURS),
    "with a nonce, and a clock that is wrong": (
        replace(GOOD, nonce="new", issued_at=NOW.timestamp() - HOUR),
        NONCES,
        OURS,
    ),
    "without a nonce": (GOOD, NONCES, NO_NONCE),
    "with a nonce that is over": (replace(GOOD, nonce="older"), NONCES, NO_NONCE),
    "with a nonce that is no text": (replace(GOOD, nonce=["new"]), NONCES, NO_NONCE),
    "with a nonce that nobody asked for": (replace(GOOD, nonce="x"), EXPECTED, OURS),
}


@pytest.mark.requirement("DPOP-3", "DPOP-4", "DPOP-5", "DPOP-7", "DPOP-9", "DPOP-11", "DPOP-18")
@pytest.mark.parametrize(("proof", "expected", "outcome"), CASES.values(), ids=CASES)
def test_judge_proof(proof, expected, outcome):
    verdict = judge_proof(proof, expected, now=NOW)
    if isinstance(outcome, Refusal):
        assert verdict == outcome
    elif outcome == OURS:
        assert isinstance(verdict, Proven)
        assert verdict.jkt == OURS
        assert verdict.until > NOW
    else:
        assert isinstance(verdict, Refusal)
        assert (verdict.code, verdict.hint.split()[0]) == ("invalid_dpop_proof", outcome)


def once(**changes):
    verdict = judge_proof(replace(GOOD, **changes), EXPECTED, now=NOW)
    assert isinstance(verdict, Proven)
    return verdict.once


@pytest.mark.requirement("DPOP-6")
def test_every_spelling_of_one_proof_is_used_up_by_one_use():
    spellings = [TOKEN_URL + "?x", TOKEN_URL + "#x", "HTTPS://ID.EXAMPLE:443/oauth/%74oken", TOKEN_URL]
    assert len({once(target=target) for target in spellings}) == 1
    assert len({once(), once(jti="2"), once(jti="A"), once(jti="a"), once(jkt=THEIRS)}) == 5


@pytest.mark.requirement("DPOP-6")
@given(ago=st.floats(-60, 60, allow_nan=False))
def test_a_proof_is_remembered_for_as_long_as_it_is_good(ago):
    proof = replace(GOOD, issued_at=NOW.timestamp() - ago)
    verdict = judge_proof(proof, EXPECTED, now=NOW)
    assert isinstance(verdict, Proven)
    assert isinstance(judge_proof(proof, EXPECTED, now=verdict.until), Refusal)
    assert verdict.until <= NOW + timedelta(seconds=131)


NORMAL = {
    "https://A.example": "https://a.example/",
    "https://a.example:443/": "https://a.example/",
    "http://a.example:80/x": "http://a.example/x",
    "http://a.example:443/x": "http://a.example:443/x",
    "https://a.example/%7Euser/%2f/%c3%bc": "https://a.example/~user/%2F/%C3%BC",
    "https://a.example/a/../b/.": "https://a.example/b/",
    "https://a.example/..": "https://a.example/",
    "https://a.example//": "https://a.example//",
    "https://[::1]:8080/x?y#z": "https://[::1]:8080/x",
    "https://a.example?x": "https://a.example/",
    "urn:a:b": None,
    "ftp://a.example/": None,
    "https://a b/": None,
    "//a.example/": None,
    "": None,
}


@pytest.mark.requirement("DPOP-4")
@pytest.mark.parametrize(("url", "expected"), NORMAL.items())
def test_an_address_has_one_normal_spelling(url, expected):
    assert normal(url) == expected


@pytest.mark.requirement("DPOP-4")
@given(path=st.text("ab/.%27EeFf~?#", max_size=20))
def test_the_normal_spelling_is_final(path):
    once_over = normal("https://a.example/" + path)
    assert once_over is None or normal(once_over) == once_over


@pytest.mark.requirement("DPOP-11")
@given(later=st.integers(0, 10 * NONCE_STEP))
def test_a_nonce_is_good_for_five_minutes_at_most_and_half_of_that_at_least(later):
    given_out, _ = next(iter(steps(NOW).items()))
    end = steps(NOW)[given_out]
    then = NOW + later * SECOND
    good = given_out in steps(then)
    assert good == (then < end)
    assert NONCE_STEP * SECOND <= end - NOW <= 2 * NONCE_STEP * SECOND


@pytest.mark.requirement("DPOP-15")
def test_a_code_is_bound_to_the_key_that_was_named_or_proven():
    proven = Proven(jkt=OURS, once="", until=NOW)
    assert judge_jkt(None, None) is None
    assert judge_jkt(OURS, None) == judge_jkt(OURS, proven) == judge_jkt(None, proven) == OURS
    other, malformed = (
        judge_jkt(THEIRS, proven),
        [judge_jkt(text, None) for text in ("x", OURS + "=", OURS[:-1] + "-", "")],
    )
    assert isinstance(other, Refusal)
    assert other.code == "invalid_dpop_proof"
    assert {found.code for found in malformed if isinstance(found, Refusal)} == {"invalid_request"}
    assert len([found for found in malformed if isinstance(found, Refusal)]) == 4


BOUND = replace(CODE, jkt=OURS)


@pytest.mark.requirement("DPOP-15")
def test_a_bound_code_is_redeemed_by_its_key_and_ended_by_no_other():
    def judged(code, jkt):
        return judge_code(code, client=BOB, redirect_uri=CALLBACK, verifier=VERIFIER, jkt=jkt, now=NOW)

    spent = replace(BOUND, state=type(CODE.state).SPENT)
    assert judged(BOUND, OURS) == Redeem(BOUND)
    assert judged(CODE, OURS) == Redeem(CODE)
    assert judged(spent, OURS) == Replayed(spent)
    assert [judged(code, jkt) for code in (BOUND, spent) for jkt in (None, THEIRS)] == [OTHER_KEY] * 4


KEPT = replace(TOKEN, jkt=OURS)
SPENT = replace(
    KEPT, state=RefreshState.SPENT, spent_at=NOW, successor="r2", successor_state=RefreshState.SPENT, successor_jkt=OURS
)


@pytest.mark.requirement("DPOP-14", "RT-1", "RT-7")
def test_a_bound_refresh_token_is_used_by_its_key_and_ends_nothing_in_other_hands():
    def judged(token, jkt, client=BOB):
        return judge_refresh(token, LINE, client=client, wanted=None, jkt=jkt, now=NOW)

    assert judged(KEPT, OURS) == Rotate(KEPT, SCOPES)
    assert judged(TOKEN, OURS) == Rotate(TOKEN, SCOPES)
    assert [judged(token, jkt) for token in (KEPT, SPENT) for jkt in (None, THEIRS)] == [OTHER_KEY] * 4
    # Spent while it was nobody's, but its successor is somebody's: so is the answer that got lost.
    assert judged(replace(SPENT, jkt=None), THEIRS) == OTHER_KEY
    assert isinstance(judged(SPENT, OURS), RevokeLine)
    assert judged(KEPT, None, EVE) == RevokeLine("presented_by_another_client", UNKNOWN)
