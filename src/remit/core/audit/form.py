"""The form of every audit event: what came of it, and the chain of who did it for whom."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Outcome(StrEnum):
    """What came of it: done, refused by protocol, denied by authority, or something a person should look at."""

    OK = "ok"
    REFUSED = "refused"
    DENIED = "denied"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """The chain behind an event: ids only, never a secret or a token (GEN-14).

    `actor` did it; `user` is for whom; `grant`, `line` and `approver` are the approval it stands on.
    """

    actor_kind: str
    actor: str
    user: str | None = None
    agent: str | None = None
    owner: str | None = None
    client: str | None = None
    grant: str | None = None
    line: str | None = None
    approver: str | None = None
    session: str | None = None
    jti: str | None = None
    resource: str | None = None
    purpose: str | None = None
    peer: str | None = None
    request: str | None = None
    trace: str | None = None
    """The trace that the caller named, so that his own tools find this."""


SYSTEM = Who(actor_kind="system", actor="remit")
"""Remit itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The common part. A subclass names its type and adds what is special about it."""

    type: ClassVar[str]
    outcome: ClassVar[Outcome] = Outcome.OK

    who: Who
