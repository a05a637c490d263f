"""View model of a new secret, shown this once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from remit.http._kit.views import Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretPage:
    frame: Frame
    back: str
    back_label: str
    kind: str
    """client or resource: chooses the glyph."""
    holder: str
    client_id: str
    secret: str = field(repr=False)
    until: datetime | None
    """When the secret before it ends; None where there was none."""
