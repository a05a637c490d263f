"""View model of the page between a right code and the consent (RFC 8628 §5.4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from remit.http._kit.views import Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCheckPage:
    """Form to `action`: `csrf`, `ix`, `decision` (cancel, go). Nothing is given here; consent comes next."""

    frame: Frame
    action: str
    ix: str
    code: str
    client: str
    agent: str
    peer: str
    """The address that asked; empty where it is not known."""
    asked_at: datetime
    expires_at: datetime
