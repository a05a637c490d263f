"""Pushed authorization requests (RFC 9126): what a client left with us, and the reference that stands for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from remit.core.names import ClientId, Opaque, SecretKind, parse_opaque
from remit.core.oauth.verdicts import Refusal

PREFIX: Final = "urn:ietf:params:oauth:request_uri:"
"""What every reference of ours begins with (RFC 9126 §2.2). No other one is ever followed: nothing is fetched."""

PUSHED_LIFETIME: Final = timedelta(seconds=90)
"""How long a pushed request may be opened; sign-in and consent have their own time after that."""

UNKNOWN: Final = Refusal(
    "invalid_request_uri",
    "the pushed request is unknown, used or expired: push it again, and use the new request_uri at once",
    redirect=False,
)
"""The one answer to what is no pushed request of this client. The client's own page cannot be told: no URI is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedRequest:
    """A checked request as it was pushed. Answering it deletes it, so that it is answered once."""

    id: str
    digest: bytes = field(repr=False)
    client: ClientId
    parameters: tuple[tuple[str, str], ...]
    """Names and values; a name that may repeat stands once for each value."""
    expires_at: datetime


def reference_to(opaque: Opaque) -> str:
    return PREFIX + opaque.text().reveal()


def read_reference(request_uri: str) -> Opaque | None:
    """Return what a reference of ours names; None for anything else."""
    if not request_uri.startswith(PREFIX):
        return None
    return parse_opaque(request_uri.removeprefix(PREFIX), SecretKind.PUSHED)


def judge_pushed(found: PushedRequest | None, *, client: str | None, now: datetime) -> PushedRequest | Refusal:
    """Return the pushed request if this client may use it now (RFC 9126 §4)."""
    if found is None or found.client != client or now >= found.expires_at:
        # Another client's reference must look exactly like none.
        return UNKNOWN
    return found
