"""POST /oauth/introspect (RFC 7662), POST /oauth/revoke (RFC 7009), GET /oauth/userinfo (OIDC Core §5.3)."""

from __future__ import annotations

import time

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from remit.core.oauth.client_auth import Presented
from remit.core.oauth.verdicts import Refusal, TooMany
from remit.http.context import context_of
from remit.services.grants.refusing import note_refusal
from remit.services.guessing import count_miss, held_back
from remit.services.introspection import introspect, userinfo
from remit.services.revocation import revoke
from remit.wire.caller import NoToken, bearer, origin_of, presented_client, tenant_of
from remit.wire.oauth_errors import (
    NO_STORE,
    challenge,
    render_method,
    render_refusal,
    render_throttled,
    render_too_large,
)
from remit.wire.parse import TOO_LARGE, TooLarge, read_form


async def introspection_endpoint(request: Request) -> Response:
    """Say whether a token is live, to those it concerns."""
    began = time.perf_counter()
    read = await _read(request, "introspection")
    if isinstance(read, Response):
        return read
    presented, token = read
    claims = await introspect(tenant_of(request).id, presented, token, context_of(request).deps, origin_of(request))
    context_of(request).meter.introspected(time.perf_counter() - began)
    count_miss(tenant_of(request).id, presented, claims, context_of(request).deps, origin_of(request))
    if isinstance(claims, Refusal):
        return render_refusal(claims)
    if isinstance(claims, TooMany):
        return render_throttled(claims.wait)
    return Response(msgspec.json.encode(claims), 200, NO_STORE, "application/json")


async def revocation_endpoint(request: Request) -> Response:
    """Take back a token. The answer is the same whether or not it was one (REV-2)."""
    read = await _read(request, "revocation")
    if isinstance(read, Response):
        return read
    presented, token = read
    refusal = await revoke(tenant_of(request).id, presented, token, context_of(request).deps, origin_of(request))
    count_miss(tenant_of(request).id, presented, refusal, context_of(request).deps, origin_of(request))
    return render_refusal(refusal) if refusal is not None else Response(b"", 200, NO_STORE)


async def userinfo_endpoint(request: Request) -> Response:
    """Tell a client about its user, with a live access token of ours that holds `openid`."""
    token = bearer(request)
    if isinstance(token, NoToken):
        return challenge()
    if isinstance(token, Refusal):
        await _note(request, token, "userinfo")
        return challenge(token.code, token.hint)
    body = await userinfo(tenant_of(request).id, token.reveal(), context_of(request).deps, origin_of(request))
    if body is None:
        # One answer, so that a token that leaked tells nothing about its owner.
        return challenge("invalid_token", "userinfo takes a live access token with openid", scope="openid")
    return Response(msgspec.json.encode(body), 200, NO_STORE, "application/json")


async def _read(request: Request, asked_at: str) -> tuple[Presented, str] | Response:
    """Read what the two endpoints share: a POST form with a token, and who asks."""
    if request.method != "POST":
        return render_method("POST")
    form = await read_form(request)
    if isinstance(form, TooLarge):
        await _note(request, TOO_LARGE, asked_at)
        return render_too_large(form)
    if isinstance(form, Refusal):
        return render_refusal(await _note(request, form, asked_at))
    presented = presented_client(request, form)
    if isinstance(presented, Refusal):
        return render_refusal(await _note(request, presented, asked_at))
    token = form.one("token")
    if token is None:
        return render_refusal(await _note(request, Refusal("invalid_request", "send token"), asked_at))
    deps, tenant = context_of(request).deps, tenant_of(request).id
    if wait := await held_back(tenant, presented, deps, origin_of(request), asked_at=asked_at):
        return render_throttled(wait)
    return presented, token


async def _note(request: Request, refusal: Refusal, asked_at: str) -> Refusal:
    deps, tenant = context_of(request).deps, tenant_of(request).id
    return await note_refusal(tenant, refusal, deps, origin_of(request), grant_type=asked_at)
