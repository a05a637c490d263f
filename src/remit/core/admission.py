"""Whom a tenant lets in without an administrator: clients that register themselves, and those that a URL describes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from remit.core.oauth.verdicts import Refusal

MOST_HOSTS: Final = 200

_HOST: Final = re.compile(r"(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Documents(StrEnum):
    """Whose client ID metadata documents are read (CIMD-13)."""

    OFF = "off"
    ANY = "any"
    LISTED = "listed"
    UNLISTED = "unlisted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What a tenant chose. Nobody comes in at all before there is a ceiling for whoever does."""

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
