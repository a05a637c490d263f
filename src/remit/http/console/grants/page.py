"""View model of the table of grants."""

from __future__ import annotations

from dataclasses import dataclass

from remit.http._kit.views import Frame, GrantRow


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantsPage:
    """Forms: Revoke in each row, with `csrf` only."""

    frame: Frame
    rows: tuple[GrantRow, ...]
    older: str = ""
    newer: str = ""
