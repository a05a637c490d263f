"""View model of what one agent may do, was granted and uses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from remit.http._kit.views import AgentHead, Frame, Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeUse:
    """One scope of the remit: who granted it, and what the guards reported of it."""

    name: str
    sentence: str
    risk: str
    grants: int
    calls: int
    denied: int
    last_used: datetime | None

    @property
    def level(self) -> str:
        """used, unused (granted all the same) or not granted: the word beside the mark."""
        if not self.grants:
            return "not granted"
        return "used" if self.calls else "granted, never used"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemitOnResource:
    resource: Resource
    scopes: tuple[ScopeUse, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentAccessPage:
    """Forms: Stop and Resume of the head."""

    frame: Frame
    head: AgentHead
    remit_version: int
    parts: tuple[RemitOnResource, ...]
    trim: str = ""
    """Where its grants can be narrowed to what was used; empty where nobody may."""
