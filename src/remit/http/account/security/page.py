"""View model of a user's own page about how he signs in."""

from __future__ import annotations

from dataclasses import dataclass

from remit.http._kit.views import FieldError, Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityPage:
    """Forms: `csrf` with `password` to begin, with `code` for all else."""

    frame: Frame
    back: str
    state: str
    """off, pending or on."""
    base: str
    """What the actions of the forms begin with."""
    secret: str = ""
    """What is typed into the app while it is pending."""
    address: str = ""
    """The same as an address that an app on this device opens."""
    codes: tuple[str, ...] = ()
    """Recovery codes that were just made: shown this once."""
    codes_left: int = 0
    error: FieldError | None = None

    @property
    def errors(self) -> tuple[FieldError, ...]:
        return () if self.error is None else (self.error,)
