"""How long things live: the instance's rule, what a tenant chose instead, and what follows from both.

Resources and remits may only shorten what the tenant gives; `remit.core.authority.attenuate` takes the least of all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from remit.core.grants import Line
from remit.core.oauth.verdicts import Refusal

ACCESS_SECONDS = range(60, 1801)
"""What an access token may live at all: long enough for the clocks of two machines, short enough to be let go."""

REFRESH_IDLE_DAYS = range(1, 366)
REFRESH_ABSOLUTE_DAYS = range(1, 731)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """How long things live; from the settings where a tenant chose nothing."""

    access_seconds: int = 900
    refresh_idle_days: int = 14
    refresh_absolute_days: int = 90
    replay_seconds: int = 30
    """The instance's alone: how long a lost answer to a refresh is repeated."""


USUAL: Final = Lifetimes()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenLifetimes:
    """What a tenant chose for itself. None leaves it to the instance."""

    access_seconds: int | None = None
    refresh_idle_days: int | None = None
    refresh_absolute_days: int | None = None

    def over(self, instance: Lifetimes) -> Lifetimes:
        """Return what holds in the tenant.

        An idle limit that nobody chose gives way to a shorter absolute one, so what holds always fits together.
        """
        absolute = _first(self.refresh_absolute_days, instance.refresh_absolute_days)
        return replace(
            instance,
            access_seconds=_first(self.access_seconds, instance.access_seconds),
            refresh_idle_days=min(_first(self.refresh_idle_days, instance.refresh_idle_days), absolute),
            refresh_absolute_days=absolute,
        )

    def before(self, other: ChosenLifetimes) -> ChosenLifetimes:
        """Return this choice, and the other one where this one says nothing."""
        return ChosenLifetimes(
            access_seconds=self.access_seconds if self.access_seconds is not None else other.access_seconds,
            refresh_idle_days=self.refresh_idle_days if self.refresh_idle_days is not None else other.refresh_idle_days,
            refresh_absolute_days=(
                self.refresh_absolute_days if self.refresh_absolute_days is not None else other.refresh_absolute_days
            ),
        )


UNCHOSEN: Final = ChosenLifetimes()


def judge_lifetimes(chosen: ChosenLifetimes, instance: Lifetimes) -> Refusal | None:
    """Say what a tenant cannot choose. None means that it may."""
    for name, value, allowed in (
        ("access tokens live {} to {} seconds", chosen.access_seconds, ACCESS_SECONDS),
        ("an unused line may end after {} to {} days", chosen.refresh_idle_days, REFRESH_IDLE_DAYS),
        ("a line may end after {} to {} days", chosen.refresh_absolute_days, REFRESH_ABSOLUTE_DAYS),
    ):
        if value is not None and value not in allowed:
            return Refusal("invalid_request", name.format(allowed.start, allowed.stop - 1))
    absolute = _first(chosen.refresh_absolute_days, instance.refresh_absolute_days)
    if chosen.refresh_idle_days is not None and chosen.refresh_idle_days > absolute:
        return Refusal("invalid_request", f"every line ends after {absolute} days: the limit of unused ones is below")
    return None


def refresh_end(line: Line, lifetimes: Lifetimes, *, issued_at: datetime) -> datetime:
    """Return when a refresh token of a line ends: unused for too long, or with the line (B-REF-07).

    It is asked again when the token is shown, so limits that were shortened meanwhile hold for tokens that exist.
    """
    return min(
        issued_at + timedelta(days=lifetimes.refresh_idle_days),
        line.created_at + timedelta(days=lifetimes.refresh_absolute_days),
        line.expires_at,
    )


def _first(chosen: int | None, instance: int) -> int:
    return instance if chosen is None else chosen
