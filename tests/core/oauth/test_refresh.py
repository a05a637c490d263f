"""What a presented refresh token earns, and what a family of them can come to."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from remit.core.grants import GrantState
from remit.core.oauth.refresh import REUSED, UNKNOWN, Replay, RevokeLine, Rotate, judge_refresh
from remit.core.oauth.verdicts import Refusal
from remit.core.tokens import REPLAY_WINDOW, RefreshState, RefreshToken
from tests.core.nouns import BOB, EVE, LINE, NOW, SCOPES, SECOND, TOKEN

JUST_SPENT = replace(TOKEN, state=RefreshState.SPENT, spent_at=NOW, successor="r2", successor_state=RefreshState.LIVE)
EXPIRED = Refusal("invalid_grant", "the refresh token expired; ask the user again")
REVOKED = Refusal("invalid_grant", "the refresh token was revoked; ask the user again")
WIDER = Refusal("invalid_scope", "a refresh can only narrow: leave out scopes that were not granted")
LEAKED = RevokeLine("presented_by_another_client", UNKNOWN)
REUSE = RevokeLine("refresh_token_reuse", REUSED)
READ = frozenset({"read"})


def at(seconds):
    return NOW + timedelta(seconds=seconds)


CASES = {
    "a live token is rotated with all its scopes": (TOKEN, BOB, None, NOW, Rotate(TOKEN, SCOPES)),
    "a live token may ask for less": (TOKEN, BOB, READ, NOW, Rotate(TOKEN, READ)),
    "a live token may not ask for more": (TOKEN, BOB, SCOPES | {"delete"}, NOW, WIDER),
    "nobody knows it": (None, BOB, None, NOW, UNKNOWN),
    "a stranger learns nothing, and the line dies": (TOKEN, EVE, None, NOW, LEAKED),
    "a stranger with a spent token": (JUST_SPENT, EVE, None, NOW, LEAKED),
    "a stranger with a revoked token": (replace(TOKEN, state=RefreshState.REVOKED), EVE, None, NOW, LEAKED),
    "a stranger who asks for more": (TOKEN, EVE, SCOPES | {"delete"}, NOW, LEAKED),
    "a revoked token": (replace(TOKEN, state=RefreshState.REVOKED), BOB, None, NOW, REVOKED),
    "over on the very second": (replace(TOKEN, expires_at=NOW), BOB, None, NOW, EXPIRED),
    "good until the second before": (
        replace(TOKEN, expires_at=NOW + SECOND),
        BOB,
        None,
        NOW,
        Rotate(replace(TOKEN, expires_at=NOW + SECOND), SCOPES),
    ),
    "a lost answer is repeated": (JUST_SPENT, BOB, None, at(29), Replay(JUST_SPENT, SCOPES)),
    "a lost answer is repeated narrower": (JUST_SPENT, BOB, READ, NOW, Replay(JUST_SPENT, READ)),
    "a lost answer is not repeated wider": (JUST_SPENT, BOB, SCOPES | {"delete"}, NOW, WIDER),
    "the window is over on the very second": (JUST_SPENT, BOB, None, NOW + REPLAY_WINDOW, REUSE),
    "the successor was used": (replace(JUST_SPENT, successor_state=RefreshState.SPENT), BOB, None, NOW, REUSE),
    "the successor was revoked": (replace(JUST_SPENT, successor_state=RefreshState.REVOKED), BOB, None, NOW, REUSE),
    "spent without a successor": (replace(JUST_SPENT, successor_state=None), BOB, None, NOW, REUSE),
    "spent at no known time": (replace(JUST_SPENT, spent_at=None), BOB, None, NOW, REUSE),
}


@pytest.mark.requirement("RT-1", "RT-3", "RT-5", "RT-7")
@pytest.mark.parametrize(("token", "client", "wanted", "now", "expected"), CASES.values(), ids=CASES)
def test_judge_refresh(token, client, wanted, now, expected):
    assert judge_refresh(token, LINE if token else None, client=client, wanted=wanted, now=now) == expected


@pytest.mark.requirement("RT-3")
def test_a_window_may_be_shorter_or_none():
    def verdict(seconds, window):
        return judge_refresh(
            JUST_SPENT, LINE, client=BOB, wanted=None, now=at(seconds), window=timedelta(seconds=window)
        )

    assert verdict(4, 5) == Replay(JUST_SPENT, SCOPES)
    assert verdict(5, 5) == REUSE
    assert verdict(0, 0) == REUSE


@pytest.mark.parametrize(("token", "line"), [(TOKEN, None), (None, LINE), (None, None)])
def test_a_token_without_its_line_is_unknown(token, line):
    assert judge_refresh(token, line, client=BOB, wanted=None, now=NOW) == UNKNOWN


NAMES = st.frozensets(st.sampled_from(["openid", "read", "write", "delete"]))


@pytest.mark.requirement("BCP-14", "RT-5")
@given(granted=NAMES, wanted=st.one_of(st.none(), NAMES), token=st.sampled_from([TOKEN, JUST_SPENT]))
def test_a_refresh_never_widens(granted, wanted, token):
    verdict = judge_refresh(token, replace(LINE, scopes=granted), client=BOB, wanted=wanted, now=NOW)
    assert isinstance(verdict, Rotate | Replay) == (wanted is None or wanted <= granted)
    if isinstance(verdict, Rotate | Replay):
        assert verdict.scopes == (granted if wanted is None else wanted)


class Family(RuleBasedStateMachine):
    """A line's tokens as the store keeps them: every token that was ever given out may be shown again, by anybody."""

    @initialize()
    def begin(self):
        self.now = NOW
        self.line = LINE
        self.tokens = {"0": replace(TOKEN, id="0")}

    def seen(self, key) -> RefreshToken:
        """Return a token as `refresh_tokens.find` would: with its line's state and its successor's."""
        token = self.tokens[key]
        dead = self.line.state is GrantState.REVOKED
        after = self.tokens.get(token.successor) if token.successor else None
        return replace(
            token,
            state=RefreshState.REVOKED if dead else token.state,
            successor_state=None if after is None else RefreshState.REVOKED if dead else after.state,
        )

    @rule(data=st.data(), client=st.sampled_from([BOB, BOB, BOB, EVE]), wanted=st.one_of(st.none(), NAMES))
    def show(self, data, client, wanted):
        key = data.draw(st.sampled_from(sorted(self.tokens)))
        was_dead = self.line.state is GrantState.REVOKED
        before = dict(self.tokens)
        token = self.seen(key)
        verdict = judge_refresh(token, self.line, client=client, wanted=wanted, now=self.now)
        match verdict:
            case Rotate():
                assert not was_dead, "a revoked line gave out a token"
                assert token.state is RefreshState.LIVE
                new = str(len(self.tokens))
                self.tokens[new] = replace(TOKEN, id=new)
                self.tokens[key] = replace(before[key], state=RefreshState.SPENT, spent_at=self.now, successor=new)
            case Replay():
                assert not was_dead, "a revoked line repeated a token"
                old = before[key]
                assert old.successor is not None
                assert old.spent_at is not None
                assert self.tokens[old.successor].state is RefreshState.LIVE
                assert self.now - old.spent_at < REPLAY_WINDOW
            case RevokeLine():
                self.line = replace(self.line, state=GrantState.REVOKED)
            case Refusal():
                pass
        if client == EVE:
            assert isinstance(verdict, RevokeLine)

    @rule(seconds=st.integers(0, 40))
    def wait(self, seconds):
        self.now += timedelta(seconds=seconds)

    @invariant()
    def at_most_one_is_live(self):
        if hasattr(self, "tokens"):
            live = [key for key in self.tokens if self.seen(key).state is RefreshState.LIVE]
            assert len(live) == (0 if self.line.state is GrantState.REVOKED else 1)


TestFamily = Family.TestCase
TestFamily.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
