"""POST /oauth/introspect (RFC 7662), POST /oauth/revoke (RFC 7009), GET /oauth/userinfo (OIDC Core §5.3)."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from remit.core.oauth.client_auth import Presented
from remit.core.oauth.verdicts import Refusal
from remit.http.context import context_of
from remit.services.id_tokens import user_claims
from remit.services.introspection import introspect, read_live
from remit.services.revocation import revoke
from remit.wire.caller import NoToken, bearer, origin_of, presented_client, tenant_of
from remit.wire.oauth_errors import NO_STORE, challenge, render_method, render_refusal, render_too_large
from remit.wire.parse import TooLarge, read_form


async def introspection_endpoint(request: Request) -> Response:
    """Say whether a token is live, to those it concerns."""
    read = await _read(request)
    if isinstance(read, Response):
        return read
    presented, token = read
    claims = await introspect(tenant_of(request).id, presented, token, context_of(request).deps, origin_of(request))
    if isinstance(claims, Refusal):
        return render_refusal(claims)
    return Response(msgspec.json.encode(claims), 200, NO_STORE, "application/json")


async def revocation_endpoint(request: Request) -> Response:
    """Take back a token. The answer is the same whether or not it was one (REV-2)."""
    read = await _read(request)
    if isinstance(read, Response):
        return read
    presented, token = read
    refusal = await revoke(tenant_of(request).id, presented, token, context_of(request).deps, origin_of(request))
    return render_refusal(refusal) if refusal is not None else Response(b"", 200, NO_STORE)


async def userinfo_endpoint(request: Request) -> Response:
    """Tell a client about its user, with a live access token of ours that holds `openid`."""
    token = bearer(request)
    if isinstance(token, NoToken):
        return challenge()
    if isinstance(token, Refusal):
        return challenge(token.code, token.hint)
    deps, tenant = context_of(request).deps, tenant_of(request)
    async with deps.db.read(tenant.id) as work:
        live = await read_live(work, token.reveal(), deps)
    if live is None:
        return challenge("invalid_token", "the access token is not live here")
    user = live.chain.user
    if user is None or "openid" not in live.scopes:
        return challenge("insufficient_scope", "userinfo needs openid", scope="openid")
    body = {"sub": user.id, **user_claims(user, live.scopes)}
    return Response(msgspec.json.encode(body), 200, NO_STORE, "application/json")


async def _read(request: Request) -> tuple[Presented, str] | Response:
    """Read what the two endpoints share: a POST form with a token, and who asks."""
    if request.method != "POST":
        return render_method("POST")
    form = await read_form(request)
    if isinstance(form, TooLarge):
        return render_too_large(form)
    if isinstance(form, Refusal):
        return render_refusal(form)
    presented = presented_client(request, form)
    if isinstance(presented, Refusal):
        return render_refusal(presented)
    token = form.one("token")
    if token is None:
        return render_refusal(Refusal("invalid_request", "send token"))
    return presented, token
