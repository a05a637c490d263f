"""POST /oauth/introspect (RFC 7662), POST /oauth/revoke (RFC 7009), GET /oauth/userinfo (OIDC Core §5.3)."""

from __future__ import annotations

import time

from starlette.responses import Response
from starlette.types import ASGIApp

from remit.core.oauth.client_auth import Presented as PresentedClient
from remit.core.oauth.verdicts import Refusal, TooMany
from remit.http.context import context_of
from remit.services.documents import keep_current
from remit.services.grants.refusing import note_refusal
from remit.services.guessing import count_miss, held_back
from remit.services.introspection import introspect, userinfo
from remit.services.live_tokens import NotLive
from remit.services.origin import Origin
from remit.services.possession import At
from remit.services.revocation import revoke
from remit.wire.call import Answer, Call, json_answer
from remit.wire.caller import NoToken, origin_of, presented_client, tenant_id_of
from remit.wire.oauth_errors import (
    NO_STORE,
    challenge,
    render_method,
    render_refusal,
    render_throttled,
    render_too_large,
)
from remit.wire.parse import TOO_LARGE, Form, TooLarge, read_form
from remit.wire.possession import DPOP_ERRORS, Presented, offer_nonce, presented_token

_ASKING = frozenset({"GET", "HEAD", "POST"})


async def introspection_endpoint(call: Call) -> ASGIApp:
    """Say whether a token is live, to those it concerns."""
    began = time.perf_counter()
    context, tenant, origin = context_of(call), tenant_id_of(call), origin_of(call)
    read = await _read(call, origin, "introspection")
    if isinstance(read, Response):
        return read
    presented, token = read
    stale = await keep_current(tenant, presented.client, context.deps, origin)
    claims = stale or await introspect(tenant, presented, token, context.deps, origin)
    context.meter.introspected(time.perf_counter() - began)
    count_miss(tenant, presented, claims, context.deps, origin)
    if isinstance(claims, Refusal):
        return render_refusal(claims)
    if isinstance(claims, TooMany):
        return render_throttled(claims.wait)
    return json_answer(claims)


async def revocation_endpoint(call: Call) -> ASGIApp:
    """Take back a token. The answer is the same whether or not it was one (REV-2)."""
    deps, tenant, origin = context_of(call).deps, tenant_id_of(call), origin_of(call)
    read = await _read(call, origin, "revocation")
    if isinstance(read, Response):
        return read
    presented, token = read
    stale = await keep_current(tenant, presented.client, deps, origin)
    refusal = stale or await revoke(tenant, presented, token, deps, origin)
    count_miss(tenant, presented, refusal, deps, origin)
    return render_refusal(refusal) if refusal is not None else Response(b"", 200, NO_STORE)


async def userinfo_endpoint(call: Call) -> ASGIApp:
    """Tell a client about its user, with a live access token of ours that holds `openid`."""
    if call.scope["method"] not in _ASKING:
        return render_method("GET, POST")
    deps = context_of(call).deps
    shown = presented_token(call, deps)
    if not isinstance(shown, Refusal) and await _token_in_form(call):
        shown = Refusal("invalid_request", "send the token in the Authorization header, never in a form")
    answer = await _userinfo(call, shown)
    offer_nonce(call, deps, At.RESOURCE, answer)
    return answer


async def _userinfo(call: Call, shown: Presented | NoToken | Refusal) -> Response | Answer:
    if isinstance(shown, NoToken):
        return challenge()
    if isinstance(shown, Refusal):
        await _note(call, shown, "userinfo")
        return challenge(shown.code, shown.hint, dpop=shown.code in DPOP_ERRORS)
    body = await userinfo(tenant_id_of(call), shown.token, shown.proven, context_of(call).deps, origin_of(call))
    if not isinstance(body, NotLive):
        return json_answer(body)
    if body.code in DPOP_ERRORS:
        return challenge(body.code, body.reason, dpop=True)
    # One answer, so that a token that leaked tells nothing about its owner.
    hint = "userinfo takes a live access token with openid, and a DPoP proof by its key where it has one"
    return challenge(body.code, hint, scope="openid", dpop=shown.proven is not None)


async def _token_in_form(call: Call) -> bool:
    """Say whether a form carries a token (RFC 6750 §2.2), which nobody may do here (BR-1)."""
    form = await read_form(call) if call.scope["method"] == "POST" else None
    return isinstance(form, Form) and form.one("access_token") is not None


async def _read(call: Call, origin: Origin, asked_at: str) -> tuple[PresentedClient, str] | Response:
    """Read what the two endpoints share: a POST form with a token, and who asks."""
    if call.scope["method"] != "POST":
        return render_method("POST")
    form = await read_form(call)
    if isinstance(form, TooLarge):
        await _note(call, TOO_LARGE, asked_at)
        return render_too_large(form)
    if isinstance(form, Refusal):
        return render_refusal(await _note(call, form, asked_at))
    presented = presented_client(call, form)
    if isinstance(presented, Refusal):
        return render_refusal(await _note(call, presented, asked_at))
    token = form.one("token")
    if token is None:
        return render_refusal(await _note(call, Refusal("invalid_request", "send token"), asked_at))
    deps, tenant = context_of(call).deps, tenant_id_of(call)
    if wait := await held_back(tenant, presented, deps, origin, asked_at=asked_at):
        return render_throttled(wait)
    return presented, token


async def _note(call: Call, refusal: Refusal, asked_at: str) -> Refusal:
    deps, tenant = context_of(call).deps, tenant_id_of(call)
    return await note_refusal(tenant, refusal, deps, origin_of(call), grant_type=asked_at)
