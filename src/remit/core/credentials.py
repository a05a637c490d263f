"""What a client or resource proves itself by, and how it changes over from one credential to the next.

Two may be good at a time: the one in use and its successor. More would be secrets that nobody remembers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from remit.core.oauth.verdicts import Refusal

MOST_LIVE: Final = 2
LONGEST_OVERLAP: Final = timedelta(days=30)
USUAL_OVERLAP: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSecret:
    """The keyed digest of a client's or resource's secret, while it is usable."""

    id: str
    digest: bytes = field(repr=False)
    created_at: datetime
    expires_at: datetime | None

    def usable(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A credential was used: whose, which one, and when it last was."""

    holder: str
    credential: str
    at: datetime


class CredentialKind(StrEnum):
    SECRET = "secret"
    KEY = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A credential as it may be shown: everything about it except what proves anything."""

    id: str
    kind: CredentialKind
    created_at: datetime | None
    """None where it is not known: a key has the age of its set."""
    expires_at: datetime | None
    last_used_at: datetime | None
    live: bool


def judge_further(secrets: Sequence[StoredSecret], *, now: datetime) -> Refusal | None:
    """Say whether a holder may get one more secret beside those it has. None means yes."""
    live = [secret for secret in secrets if secret.usable(now)]
    if len(live) < MOST_LIVE:
        return None
    return Refusal("conflict", f"{MOST_LIVE} secrets are good already: revoke the one that is not in use first")


def judge_rotation(secrets: Sequence[StoredSecret], *, overlap: timedelta, now: datetime) -> tuple[str, ...] | Refusal:
    """Return the ids of the secrets that end after the overlap, or say why there is no rotation now."""
    if (flaw := judge_overlap(overlap)) is not None:
        return flaw
    if overlap and (flaw := judge_further(secrets, now=now)) is not None:
        return flaw
    end = now + overlap
    return tuple(
        secret.id for secret in secrets if secret.usable(now) and (secret.expires_at is None or secret.expires_at > end)
    )


def judge_overlap(overlap: timedelta) -> Refusal | None:
    if timedelta() <= overlap <= LONGEST_OVERLAP:
        return None
    return Refusal("invalid_request", f"the overlap is nothing up to {LONGEST_OVERLAP.days} days")
