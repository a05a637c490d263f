"""View model of the first-run page."""

from __future__ import annotations

from dataclasses import dataclass

from remit.http._kit.views import FieldError, Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupPage:
    """Form: `csrf`, `token`, `name`, `email`, `password`, `password_again`, posted to `action`."""

    frame: Frame
    action: str
    token: str
    name: str = ""
    email: str = ""
    errors: tuple[FieldError, ...] = ()
    least_length: int = 12
    """The shortest password the server takes."""
