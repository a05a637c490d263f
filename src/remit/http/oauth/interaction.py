"""The authorization request between its pages: sealed, so that nobody but this server can read or change it."""

from __future__ import annotations

import base64
import binascii

import msgspec

from remit.core.names import TenantId
from remit.core.oauth.authorize import AuthorizeRequest
from remit.ports.deps import Deps


def pack(request: AuthorizeRequest, tenant: TenantId, deps: Deps) -> str:
    """Seal a validated request for the pages to carry. No row is written before somebody has signed in (B-DOS-05)."""
    sealed = deps.sealer.seal(msgspec.json.encode(request), context=(tenant, "interaction"))
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def unpack(text: str | None, tenant: TenantId, deps: Deps) -> AuthorizeRequest | None:
    """Open a request that a page brought back. None when it is not ours, or was altered, or is another tenant's."""
    if not text or not text.isascii():
        return None
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
    plain = deps.sealer.unseal(sealed, context=(tenant, "interaction"))
    return msgspec.json.decode(plain, type=AuthorizeRequest) if plain is not None else None
