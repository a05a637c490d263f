"""View model of the page for developers."""

from __future__ import annotations

from dataclasses import dataclass

from remit.http._kit.views import Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRow:
    """One error code; it is also the anchor of its row."""

    code: str
    means: str
    todo: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DocsPage:
    """Where `error_uri` leads. The same for everybody: nobody has to sign in to learn what an error means."""

    frame: Frame
    issuer: str
    metadata: str
    reference: str
    errors: tuple[ErrorRow, ...]
