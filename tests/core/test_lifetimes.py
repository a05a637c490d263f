"""How long things live: whoever may shorten, nobody lengthens."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.authority import attenuate, of_remit, of_resource, of_tenant
from remit.core.lifetimes import (
    ACCESS_SECONDS,
    REFRESH_ABSOLUTE_DAYS,
    REFRESH_IDLE_DAYS,
    ChosenLifetimes,
    Lifetimes,
    judge_lifetimes,
    refresh_end,
)
from tests.core.nouns import LINE, NOW, REMIT, RESOURCE

INSTANCE = Lifetimes(access_seconds=900, refresh_idle_days=14, refresh_absolute_days=90)


def between(allowed: range):
    return st.integers(allowed.start, allowed.stop - 1)


def maybe(allowed: range):
    return st.none() | between(allowed)


LIFETIMES = st.builds(
    Lifetimes,
    access_seconds=between(ACCESS_SECONDS),
    refresh_idle_days=between(REFRESH_IDLE_DAYS),
    refresh_absolute_days=between(REFRESH_ABSOLUTE_DAYS),
)
CHOSEN = st.builds(
    ChosenLifetimes,
    access_seconds=maybe(ACCESS_SECONDS),
    refresh_idle_days=maybe(REFRESH_IDLE_DAYS),
    refresh_absolute_days=maybe(REFRESH_ABSOLUTE_DAYS),
)


@given(
    instance=LIFETIMES,
    chosen=CHOSEN,
    of_the_resource=st.none() | st.integers(1, 100_000),
    of_the_remit=st.none() | st.integers(1, 100_000),
)
def test_a_token_lives_no_longer_than_any_of_them_says(instance, chosen, of_the_resource, of_the_remit):
    tenant = chosen.over(instance).access_seconds
    limits = [
        of_tenant(tenant),
        of_resource(replace(RESOURCE, token_seconds=of_the_resource)),
        of_remit(replace(REMIT, token_seconds=of_the_remit, expires_at=None), RESOURCE),
    ]
    lives = (attenuate(frozenset({"read"}), limits, now=NOW).expires_at - NOW).total_seconds()
    assert lives == min(seconds for seconds in (tenant, of_the_resource, of_the_remit, 1800) if seconds is not None)


@given(instance=LIFETIMES, chosen=CHOSEN)
def test_what_a_tenant_chose_holds_and_the_rest_is_the_instances(instance, chosen):
    holds = chosen.over(instance)
    assert holds.access_seconds == (chosen.access_seconds or instance.access_seconds)
    assert holds.refresh_absolute_days == (chosen.refresh_absolute_days or instance.refresh_absolute_days)
    wished = chosen.refresh_idle_days or instance.refresh_idle_days
    assert holds.refresh_idle_days == min(wished, holds.refresh_absolute_days)


@given(lifetimes=LIFETIMES, age=st.integers(0, 800), idle=st.integers(0, 400))
def test_a_refresh_token_ends_with_the_first_of_its_limits(lifetimes, age, idle):
    issued_at = NOW + timedelta(days=age)
    line = replace(LINE, created_at=NOW, expires_at=NOW + timedelta(days=idle))
    end = refresh_end(line, lifetimes, issued_at=issued_at)
    limits = (
        issued_at + timedelta(days=lifetimes.refresh_idle_days),
        line.created_at + timedelta(days=lifetimes.refresh_absolute_days),
        line.expires_at,
    )
    assert all(end <= limit for limit in limits)
    assert end in limits


CHOICES = {
    "nothing": (ChosenLifetimes(), None),
    "the shortest of everything": (
        ChosenLifetimes(access_seconds=60, refresh_idle_days=1, refresh_absolute_days=1),
        None,
    ),
    "the longest of everything": (
        ChosenLifetimes(access_seconds=1800, refresh_idle_days=365, refresh_absolute_days=730),
        None,
    ),
    "a minute less a second": (ChosenLifetimes(access_seconds=59), "access tokens live 60 to 1800 seconds"),
    "half an hour and a second": (ChosenLifetimes(access_seconds=1801), "access tokens live 60 to 1800 seconds"),
    "no idle time at all": (ChosenLifetimes(refresh_idle_days=0), "an unused line may end after 1 to 365 days"),
    "more than a year unused": (ChosenLifetimes(refresh_idle_days=366), "an unused line may end after 1 to 365 days"),
    "lines without a day": (ChosenLifetimes(refresh_absolute_days=0), "a line may end after 1 to 730 days"),
    "lines of three years": (ChosenLifetimes(refresh_absolute_days=731), "a line may end after 1 to 730 days"),
    "idle for longer than lines live": (
        ChosenLifetimes(refresh_idle_days=8, refresh_absolute_days=7),
        "every line ends after 7 days: the limit of unused ones is below",
    ),
    "idle for longer than lines of the instance live": (
        ChosenLifetimes(refresh_idle_days=91),
        "every line ends after 90 days: the limit of unused ones is below",
    ),
}


@pytest.mark.parametrize(("chosen", "hint"), CHOICES.values(), ids=CHOICES)
def test_what_a_tenant_may_choose(chosen, hint):
    verdict = judge_lifetimes(chosen, INSTANCE)
    assert (None if verdict is None else verdict.hint) == hint
