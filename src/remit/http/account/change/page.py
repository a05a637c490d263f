"""View model of the page that narrows a grant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from remit.http._kit.views import Frame, Permission, Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePage:
    """Form: `csrf`, `scope` (repeated: what stays allowed), posted to `action`. Stop posts `csrf` to `stop`."""

    frame: Frame
    action: str
    stop: str
    back: str
    agent: str
    client: str
    owner: str
    purpose: str
    resource: Resource | None
    permissions: tuple[Permission, ...]
    granted_at: datetime
    expires_at: datetime | None
    error: str = ""
