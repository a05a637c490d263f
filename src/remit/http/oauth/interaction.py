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
_PURPOSE = "interaction"
_PACKED = re.compile(r"[A-Za-z0-9_-]+")


def seal_for(plain: bytes, browser: Browser, deps: Deps, *, purpose: str) -> str:
    """Seal what a page is to carry. It opens only in the browser that the page was shown in, and for this purpose."""
    sealed = deps.sealer.seal(plain, context=(browser.tenant.id, purpose, browser.binding))
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def unseal_from(text: str | None, browser: Browser, deps: Deps, *, purpose: str) -> bytes | None:
    """Open what a page brought back. None when it is not ours, was altered, or was shown somewhere else."""
    if not text or not _PACKED.fullmatch(text):
        return None
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return None
    return deps.sealer.unseal(sealed, context=(browser.tenant.id, purpose, browser.binding))


def pack(request: AuthorizeRequest, browser: Browser, deps: Deps) -> str:
    """Seal a validated request for the pages to carry. No row is written before somebody has signed in (B-DOS-05).

    It opens only in the browser that brought it, so nobody can begin a request himself and have another person's
    browser go on with it.
    """
    return seal_for(msgspec.json.encode(request), browser, deps, purpose=_PURPOSE)


def unpack(text: str | None, browser: Browser, deps: Deps) -> AuthorizeRequest | None:
    """Open a request that a page brought back. None when it is not ours, was altered, or began somewhere else."""
    plain = unseal_from(text, browser, deps, purpose=_PURPOSE)
    try:
        return msgspec.json.decode(plain, type=AuthorizeRequest) if plain is not None else None
    except msgspec.ValidationError:
        # A version before this one may have sealed other fields; the user begins again.
        return None
