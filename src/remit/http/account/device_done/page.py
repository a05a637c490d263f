"""View model of the last page of the device flow."""

from __future__ import annotations

from dataclasses import dataclass

from remit.http._kit.views import Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceDonePage:
    frame: Frame
    allowed: bool
    my_agents: str
