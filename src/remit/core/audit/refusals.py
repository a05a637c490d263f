"""Events of doors that said no before anything was decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from remit.core.audit.form import Event, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRefused(Event):
    """The REST API said no; an unproven caller is told once a minute and then counted."""

    type: ClassVar[str] = "api.refused"
    outcome: ClassVar[Outcome] = Outcome.REFUSED
    operation: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRefused(Event):
    """A page or form of ours said no; whoever is not signed in is told once a minute and then counted."""

    type: ClassVar[str] = "page.refused"
    outcome: ClassVar[Outcome] = Outcome.REFUSED
    page: str
    reason: str
    about: str
