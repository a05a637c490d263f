"""View model of the sign-in page."""

from __future__ import annotations

from dataclasses import dataclass

from remit.http._kit.views import FieldError, Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPage:
    """Form: `csrf`, `ix`, `email`, `password`, posted to `action`."""

    frame: Frame
    action: str
    ix: str
    """The interaction this sign-in continues; empty for a plain visit."""
    client: str = ""
    """Name of the agent or client that sent the user here; empty for a plain visit."""
    email: str = ""
    error: str = ""
    """One sentence that never says which of address and password was wrong."""

    @property
    def errors(self) -> tuple[FieldError, ...]:
        # Both fields carry it: naming one of them would tell which addresses exist here.
        return (FieldError(name="email", text=self.error),) if self.error else ()
