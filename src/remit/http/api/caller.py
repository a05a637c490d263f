"""Who calls an operation of the REST API."""

from __future__ import annotations

from dataclasses import dataclass

from remit.core.audit.events import Who
from remit.core.users import User
from remit.services.origin import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCaller:
    """An authenticated caller, as events name it. `user` is the person behind it, if there is one."""

    who: Who
    origin: Origin
    scopes: frozenset[str]
    user: User | None = None

    @property
    def name(self) -> str:
        """Return what tells this caller from every other one: the client, and the person it works for."""
        return f"{self.who.client} {self.who.user or ''}".rstrip()
