"""Who may call the REST API: a live access token for this tenant's own API, with the permission of the route."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from remit.core.audit.events import Who
from remit.core.oauth.verdicts import Refusal
from remit.http.context import context_of
from remit.services.introspection import read_live
from remit.services.origin import Origin
from remit.wire.caller import NoToken, bearer, origin_of, tenant_of
from remit.wire.oauth_errors import challenge


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCaller:
    """An authenticated caller, as events name it."""

    who: Who
    origin: Origin


async def admit(request: Request, permission: str) -> ApiCaller | Response:
    """Let the request in, or answer with the challenge that says what is missing (RFC 6750 §3)."""
    tenant = tenant_of(request)
    token = bearer(request)
    prm = f"{tenant.origin}/.well-known/oauth-protected-resource{tenant.api.removeprefix(tenant.origin)}"
    if isinstance(token, NoToken):
        return challenge(metadata=prm, scope=permission)
    if isinstance(token, Refusal):
        return challenge(token.code, token.hint, metadata=prm)
    deps = context_of(request).deps
    async with deps.db.read(tenant.id) as work:
        live = await read_live(work, token.reveal(), deps)
    if live is None or live.chain.resource is None or live.chain.resource.uri != tenant.api:
        return challenge("invalid_token", "the access token is not live, or not for this API", metadata=prm)
    if permission not in live.scopes:
        return challenge("insufficient_scope", f"this needs {permission}", scope=permission, metadata=prm)
    origin = origin_of(request)
    return ApiCaller(who=origin.chain(live.chain), origin=origin)
