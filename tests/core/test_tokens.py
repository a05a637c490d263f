"""When a spent refresh token may come again, and which access tokens no API would take."""

from dataclasses import replace

import pytest

from remit.core.delegation import Actor
from remit.core.names import AgentId, ClientId, TokenId
from remit.core.oauth.dpop import OTHER_KEY
from remit.core.oauth.refresh import judge_refresh
from remit.core.stops import Target, TargetKind
from remit.core.tokens import REPLAY_WINDOW, AccessClaims, RefreshState
from tests.core.nouns import LINE, NOW, SECOND, TOKEN

SPENT = replace(
    TOKEN, state=RefreshState.SPENT, spent_at=NOW, successor="rt_2", sealed=b"x", successor_state=RefreshState.LIVE
)
COMES_AGAIN = {
    "at once": (SPENT, NOW, True),
    "a second before the window closes": (SPENT, NOW + REPLAY_WINDOW - SECOND, True),
    "when the window closes": (SPENT, NOW + REPLAY_WINDOW, False),
    "its successor was used": (replace(SPENT, successor_state=RefreshState.SPENT), NOW, False),
    "its successor was revoked": (replace(SPENT, successor_state=RefreshState.REVOKED), NOW, False),
    "it has no successor": (replace(SPENT, successor_state=None), NOW, False),
    "nobody knows when it was spent": (replace(SPENT, spent_at=None), NOW, False),
    "it was not spent": (replace(SPENT, state=RefreshState.LIVE), NOW, False),
    "it was revoked": (replace(SPENT, state=RefreshState.REVOKED), NOW, False),
}


@pytest.mark.parametrize(("token", "now", "expected"), COMES_AGAIN.values(), ids=COMES_AGAIN)
def test_a_spent_token_comes_again_for_a_lost_answer_only(token, now, expected):
    assert token.replayable(now) == expected


KEYS = {
    "nobody's key": ({}, "k1", True),
    "no key where none is asked": ({}, None, True),
    "its key": ({"jkt": "k1"}, "k1", True),
    "another key": ({"jkt": "k1"}, "k2", False),
    "no key": ({"jkt": "k1"}, None, False),
    "the key of its successor": ({"successor_jkt": "k1"}, "k1", True),
    "another key than its successor's": ({"successor_jkt": "k1"}, "k2", False),
    "its own key goes before its successor's": ({"jkt": "k1", "successor_jkt": "k2"}, "k2", False),
}


@pytest.mark.parametrize(("changes", "jkt", "expected"), KEYS.values(), ids=KEYS)
def test_a_token_fits_one_key(changes, jkt, expected):
    assert replace(SPENT, **changes).fits(jkt) == expected


def test_without_its_key_a_token_is_neither_good_nor_reused():
    for token in (replace(TOKEN, jkt="k1"), replace(SPENT, successor_jkt="k1", successor_state=RefreshState.SPENT)):
        assert judge_refresh(token, LINE, client=LINE.client, wanted=None, jkt="k2", now=NOW) == OTHER_KEY


def claims(**changes):
    bare = AccessClaims(
        jti=TokenId("tok_1"), issuer="", audience="", subject="usr_1", client="cli_1", scopes=frozenset(),
        issued_at=NOW, expires_at=NOW, tenant="acme", agent="agt_1", owner=None, purpose="", grant="grt_1", line=None,
        session=None, auth_time=None, amr=(), epoch=0,
    )  # fmt: skip
    return replace(bare, **changes)


ACTOR = Actor(agent=AgentId("agt_2"), client=ClientId("cli_2"))
WEIGHTS = {
    "nothing": ({}, 0),
    "details": ({"details": "[{}]"}, 4),
    "an issuer": ({"issuer": "https://i"}, 9),
    "an audience": ({"audience": "https://a/"}, 10),
    "scopes": ({"scopes": frozenset({"a", "bc"})}, 4),
    "an actor": ({"actors": (ACTOR,)}, 100),
    "three actors": ({"actors": (ACTOR,) * 3}, 300),
    "what it came from": ({"via": (Target(TargetKind.TOKEN, "tok_1"), Target(TargetKind.KID, "k"))}, 18),
    "a key": ({"jkt": "k1"}, 62),
    "who may act on": ({"may_act": "agt_2"}, 100),
}


@pytest.mark.parametrize(("changes", "weight"), WEIGHTS.values(), ids=WEIGHTS)
def test_everything_without_a_length_of_its_own_counts(changes, weight):
    room = "p" * (2200 - weight)
    assert not claims(purpose=room, **changes).too_long
    assert claims(purpose=f"{room}p", **changes).too_long


@pytest.mark.parametrize("written", ['"', "\\", "ü"])
def test_a_purpose_counts_as_it_is_written(written):
    assert not claims(purpose="p" * 2198 + written).too_long
    assert claims(purpose="p" * 2199 + written).too_long
