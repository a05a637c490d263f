"""The throttle: a burst, then a pace; bounded in memory, and no clock locks anybody out."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.cache.memory import MemoryThrottle

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def tries(throttle, count, *, who="alice", limit=5, per=60, at=0.0):
    now = NOW + timedelta(seconds=at)
    return [throttle.allow("login", who, limit=limit, per_seconds=per, now=now) for _ in range(count)]


def test_a_burst_passes_and_the_next_try_waits():
    assert tries(MemoryThrottle(), 6) == [0, 0, 0, 0, 0, 12]


def test_who_waits_as_long_as_he_was_told_may_try_once():
    throttle = MemoryThrottle()
    tries(throttle, 5)
    assert tries(throttle, 1, at=11.9) == [1]
    assert tries(throttle, 2, at=12) == [0, 12]


def test_trying_while_waiting_does_not_make_the_wait_longer():
    throttle = MemoryThrottle()
    tries(throttle, 5)
    tries(throttle, 1000, at=1)
    assert tries(throttle, 1, at=12) == [0]


def test_looking_counts_nothing():
    throttle = MemoryThrottle()

    def waits(at=0.0):
        now = NOW + timedelta(seconds=at)
        return throttle.wait("login", "alice", limit=5, per_seconds=60, now=now)

    assert [waits() for _ in range(20)] == [0] * 20
    assert tries(throttle, 5) == [0] * 5
    assert [waits() for _ in range(20)] == [12] * 20
    assert [waits(at=12), *tries(throttle, 1, at=12)] == [0, 0]


def test_each_is_counted_by_himself_and_for_each_thing_apart():
    throttle = MemoryThrottle()
    tries(throttle, 6)
    assert tries(throttle, 1, who="bob") == [0]
    assert throttle.allow("setup", "alice", limit=5, per_seconds=60, now=NOW) == 0
    assert throttle.allow("login", "alice", limit=5, per_seconds=60, now=NOW) == 12


def test_after_a_quiet_period_all_is_forgiven():
    throttle = MemoryThrottle()
    tries(throttle, 6)
    assert tries(throttle, 6, at=60) == [0, 0, 0, 0, 0, 12]


def test_a_clock_set_back_locks_nobody_out_for_longer_than_a_period():
    throttle = MemoryThrottle()
    tries(throttle, 6, at=86_400)
    assert tries(throttle, 1) == [12]
    assert tries(throttle, 1, at=12) == [0]


def test_memory_is_bounded_and_who_was_quiet_longest_is_forgotten():
    throttle = MemoryThrottle(most=3)
    tries(throttle, 5, who="loud")
    for stranger in range(100):
        tries(throttle, 1, who=f"stranger {stranger}")
        assert len(throttle._forgiven) <= 3
    assert tries(throttle, 1, who="loud") == [0]


@pytest.mark.parametrize(("limit", "per"), [(0, 60), (-1, 60), (5, 0)])
def test_what_allows_nothing_is_a_mistake(limit, per):
    with pytest.raises(ValueError, match="at least one"):
        tries(MemoryThrottle(), 1, limit=limit, per=per)


@given(
    limit=st.integers(1, 20),
    per=st.integers(1, 600),
    gaps=st.lists(st.floats(0, 100, allow_nan=False), max_size=60),
)
def test_nobody_gets_more_than_the_burst_and_the_pace(limit, per, gaps):
    throttle = MemoryThrottle()
    at = passed = 0.0
    for gap in gaps:
        at += gap
        wait = tries(throttle, 1, limit=limit, per=per, at=at)[0]
        passed += wait == 0
        assert 0 <= wait <= per
        assert passed <= limit + at * limit / per + 0.01


@given(limit=st.integers(1, 20), per=st.integers(1, 600), at=st.floats(0, 1000))
def test_the_wait_that_is_told_is_long_enough(limit, per, at):
    throttle = MemoryThrottle()
    wait = tries(throttle, limit + 1, limit=limit, per=per, at=at)[-1]
    assert wait > 0
    assert tries(throttle, 1, limit=limit, per=per, at=at + wait) == [0]
