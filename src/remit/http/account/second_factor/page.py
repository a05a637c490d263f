"""View model of the page that asks for the second factor."""

from __future__ import annotations

from dataclasses import dataclass

from remit.http._kit.views import FieldError, Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorPage:
    """Form: `csrf`, `ix`, `half`, `code`, posted to `action`."""

    frame: Frame
    action: str
    ix: str
    half: str
    """That the password was right, sealed."""
    again: str
    """Where to begin anew, as somebody else."""
    error: str = ""

    @property
    def errors(self) -> tuple[FieldError, ...]:
        return (FieldError(name="code", text=self.error),) if self.error else ()
