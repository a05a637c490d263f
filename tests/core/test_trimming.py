"""What of a grant counts as unused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.trimming import ScopeUse, unused

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SPAN = timedelta(days=30)


def use(name: str, *, age: int = 90, calls: int = 0, last: int | None = None) -> ScopeUse:
    """A scope that was allowed `age` days ago and last called `last` days ago."""
    at = None if last is None else NOW - timedelta(days=last)
    return ScopeUse(name=name, since=NOW - timedelta(days=age), calls=calls, last_at=at)


USED = use("read", calls=7, last=1)
CASES = {
    "what nobody ever called goes": ((USED, use("write")), {"write"}),
    "what was called too long ago goes": ((USED, use("write", calls=3, last=31)), {"write"}),
    "a call on the very day is too long ago": ((USED, use("write", calls=3, last=30)), {"write"}),
    "what was only refused was not used": ((USED, use("write", last=1)), {"write"}),
    "what is younger had no time to be used": ((USED, use("write", age=29)), set()),
    "what was used stays": ((USED, use("write", calls=1, last=29)), set()),
    "nobody reports what tells about the user": ((USED, use("openid"), use("offline_access")), set()),
    "where nothing was seen, nothing is known": ((use("read"), use("write")), set()),
    "what tells about the user proves no guard": ((use("openid", calls=1, last=1), use("write")), set()),
    "an empty grant holds nothing": ((), set()),
}


@pytest.mark.parametrize(("uses", "expected"), CASES.values(), ids=CASES)
def test_what_is_unused(uses, expected):
    assert unused(uses, now=NOW, span=SPAN) == expected


DAYS = st.integers(0, 60)
USES = st.lists(
    st.builds(use, st.sampled_from("abcd"), age=DAYS, calls=st.integers(0, 2), last=st.none() | DAYS),
    unique_by=lambda found: found.name,
)


@given(uses=USES, shorter=st.integers(1, 60), longer=st.integers(0, 30))
def test_something_stays_and_a_longer_look_takes_no_more_of_what_was_seen(uses, shorter, longer):
    near = unused(tuple(uses), now=NOW, span=timedelta(days=shorter))
    far = unused(tuple(uses), now=NOW, span=timedelta(days=shorter + longer))
    assert not near or near < {found.name for found in uses}
    assert not near or far <= near
