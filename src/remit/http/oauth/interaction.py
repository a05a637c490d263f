"""The authorization request between its pages: sealed, so that nobody but this server can read or change it."""

from __future__ import annotations

import base64
import binascii
import re

import msgspec

from remit.core.oauth.authorize import AuthorizeRequest
from remit.http.browser import Browser
from remit.ports.deps import Deps

# Python's decoder skips what is not in its alphabet, and two texts would mean the same.
_PACKED = re.compile(r"[A-Za-z0-9_-]+")


def pack(request: AuthorizeRequest, browser: Browser, deps: Deps) -> str:
    """Seal a validated request for the pages to carry. No row is written before somebody has signed in (B-DOS-05).

    It opens only in the browser that brought it, so nobody can begin a request himself and have another person's
    browser go on with it.
    """
    sealed = deps.sealer.seal(msgspec.json.encode(request), context=_context(browser))
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def unpack(text: str | None, browser: Browser, deps: Deps) -> AuthorizeRequest | None:
    """Open a request that a page brought back. None when it is not ours, was altered, or began somewhere else."""
    if not text or not _PACKED.fullmatch(text):
        return None
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        plain = deps.sealer.unseal(sealed, context=_context(browser))
        return msgspec.json.decode(plain, type=AuthorizeRequest) if plain is not None else None
    except (binascii.Error, msgspec.ValidationError):
        # A version before this one may have sealed other fields; the user begins again.
        return None


def _context(browser: Browser) -> tuple[str, ...]:
    return browser.tenant.id, "interaction", browser.binding
