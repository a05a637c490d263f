"""View model of the page for the code of a device (RFC 8628 §3.3)."""

from __future__ import annotations

from dataclasses import dataclass

from remit.http._kit.views import FieldError, Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePage:
    """Form to `action`: `csrf`, `user_code`. It is never sent by itself, also where the address brought the code."""

    frame: Frame
    action: str
    code: str = ""
    error: str = ""

    @property
    def errors(self) -> tuple[FieldError, ...]:
        return (FieldError(name="user_code", text=self.error),) if self.error else ()
