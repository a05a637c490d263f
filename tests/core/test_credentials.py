"""Two secrets at a time, and an end for the older one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.credentials import LONGEST_OVERLAP, MOST_LIVE, StoredSecret, judge_further, judge_rotation
from remit.core.oauth.verdicts import Refusal
from tests.core.nouns import NOW

HOUR = timedelta(hours=1)


def a_secret(name: str, ends: timedelta | None = None) -> StoredSecret:
    return StoredSecret(id=name, digest=b"", created_at=NOW, expires_at=None if ends is None else NOW + ends)


ROTATIONS = {
    "the first one": ([], HOUR, ()),
    "one that had no end": ([a_secret("a")], HOUR, ("a",)),
    "one that ends later": ([a_secret("a", 2 * HOUR)], HOUR, ("a",)),
    "one that ends sooner anyway": ([a_secret("a", HOUR / 2)], HOUR, ()),
    "one that is over": ([a_secret("a", -HOUR), a_secret("b")], HOUR, ("b",)),
    "two at once, without an overlap": ([a_secret("a"), a_secret("b", HOUR)], timedelta(), ("a", "b")),
    "the longest overlap": ([a_secret("a")], LONGEST_OVERLAP, ("a",)),
    "two that are good": ([a_secret("a"), a_secret("b")], HOUR, "2 secrets are good already"),
    "two, of which one ends soon": ([a_secret("a", HOUR), a_secret("b")], HOUR, "2 secrets are good already"),
    "an overlap of more than a month": ([a_secret("a")], LONGEST_OVERLAP + HOUR, "the overlap is nothing up to 30"),
    "an overlap into the past": ([a_secret("a")], -HOUR, "the overlap is nothing up to 30"),
}


@pytest.mark.parametrize(("secrets", "overlap", "expected"), ROTATIONS.values(), ids=ROTATIONS)
def test_what_a_rotation_ends(secrets, overlap, expected):
    verdict = judge_rotation(secrets, overlap=overlap, now=NOW)
    if isinstance(expected, str):
        assert isinstance(verdict, Refusal)
        assert verdict.code in {"conflict", "invalid_request"}
        assert expected in verdict.hint
    else:
        assert verdict == expected


ENDS = st.none() | st.integers(-100, 100).map(lambda hours: hours * HOUR)


@given(ends=st.lists(ENDS, max_size=5), overlap=st.integers(0, 720).map(lambda hours: hours * HOUR))
def test_after_a_rotation_and_its_overlap_only_the_new_secret_is_good(ends, overlap):
    secrets = [a_secret(str(number), end) for number, end in enumerate(ends)]
    verdict = judge_rotation(secrets, overlap=overlap, now=NOW)
    if isinstance(verdict, Refusal):
        assert sum(secret.usable(NOW) for secret in secrets) >= MOST_LIVE
        return
    later = NOW + overlap
    assert {secret.id for secret in secrets if secret.usable(later)} <= set(verdict)
    assert all(secret.usable(NOW) for secret in secrets if secret.id in verdict)


@given(ends=st.lists(ENDS, max_size=5))
def test_a_further_secret_needs_a_place(ends):
    secrets = [a_secret(str(number), end) for number, end in enumerate(ends)]
    full = sum(secret.usable(NOW) for secret in secrets) >= MOST_LIVE
    assert (judge_further(secrets, now=NOW) is not None) == full
