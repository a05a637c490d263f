"""Whom a tenant lets in without an administrator: clients that register themselves, and those that a URL describes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from remit.core.oauth.verdicts import Refusal

MOST_HOSTS: Final = 200
MOST_USES: Final = 1000
LONGEST_TOKEN: Final = timedelta(days=365)

_HOST: Final = re.compile(r"(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Registrations(StrEnum):
    """Who may register himself (DCR-1); each but the first is wider than the one before."""

    OFF = "off"
    TOKEN = "token"
    OPEN = "open"

    def within(self, other: Registrations) -> Registrations:
        """Return the narrower of two choices."""
        order = tuple(Registrations)
        return min(self, other, key=order.index)


class Documents(StrEnum):
    """Whose client ID metadata documents are read (CIMD-13)."""

    OFF = "off"
    ANY = "any"
    LISTED = "listed"
    UNLISTED = "unlisted"


@dataclass(frozen=True, slots=True, kw_only=True)
class InitialToken:
    """A token with which a stranger may register so many clients, until some time."""

    id: str
    digest: bytes = field(repr=False)
    note: str
    uses: int
    """How often it can still be used."""
    created_at: datetime
    expires_at: datetime

    def usable(self, now: datetime) -> bool:
        return self.uses > 0 and now < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What a tenant chose. Nobody comes in at all before there is a ceiling for whoever does."""

    registration: Registrations = Registrations.OPEN
    """`token`: with an initial access token that an administrator gave out (RFC 7591 §3)."""
    documents: Documents = Documents.ANY
    hosts: tuple[str, ...] = ()
    """Hosts of documents, as in `app.example` or `*.example`; whom the list lets in or keeps out says `documents`."""
    same_origin: bool = False
    """A document may send browsers back to its own origin alone. Apps on a user's computer then have none (CIMD-18)."""

    def welcomes(self, host: str) -> bool:
        """Say whether documents of this host are read."""
        match self.documents:
            case Documents.OFF:
                return False
            case Documents.ANY:
                return True
            case Documents.LISTED:
                return any(_covers(listed, host) for listed in self.hosts)
            case Documents.UNLISTED:
                return not any(_covers(listed, host) for listed in self.hosts)


USUAL: Final = Admission()


def judge_admission(admission: Admission) -> Refusal | None:
    """Say what a tenant cannot choose."""
    if len(admission.hosts) > MOST_HOSTS:
        return Refusal("invalid_request", f"at most {MOST_HOSTS} hosts")
    if not all(len(host) <= 255 and _HOST.fullmatch(host) for host in admission.hosts):
        return Refusal("invalid_request", "a host is like app.example, or *.example for all below it, in lower case")
    if len(set(admission.hosts)) != len(admission.hosts):
        return Refusal("invalid_request", "a host is there twice")
    if admission.documents is Documents.LISTED and not admission.hosts:
        return Refusal("invalid_request", "name the hosts whose documents are read, or choose off")
    return None


def _covers(listed: str, host: str) -> bool:
    return host.endswith(listed[1:]) if listed.startswith("*.") else host == listed
