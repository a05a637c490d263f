"""Who may call the REST API: a live access token for this tenant's own API, with the permission of the operation."""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from remit.core.audit.events import ApiRefused
from remit.core.oauth.verdicts import Refusal
from remit.http.api.caller import ApiCaller
from remit.http.context import context_of
from remit.services.live_tokens import LiveToken, NotLive, judge_presented
from remit.services.origin import Origin
from remit.services.possession import At
from remit.wire.caller import NoToken, origin_of, tenant_of
from remit.wire.oauth_errors import challenge_header
from remit.wire.possession import DPOP_ERRORS, offer_nonce, presented_token
from remit.wire.problems import render_refused

WRONG_TOKEN = Refusal("invalid_token", "the access token is not live, or not for this API")
NO_TOKEN = Refusal("unauthorized", "send an access token for this API in the Authorization header")


def problem(request: Request, refusal: Refusal, *, headers: dict[str, str] | None = None) -> Response:
    """Answer a refusal with its problem document."""
    return render_refused(refusal, request=request.scope.get("remit.request", ""), headers=headers)


async def admit(request: Request, permissions: tuple[str, ...], *, operation: str) -> ApiCaller | Response:
    """Let the request in, or answer with the challenge that says what is missing (RFC 6750 §3)."""
    deps = context_of(request).deps
    admitted = await _admit(request, permissions, operation)
    if isinstance(admitted, Response):
        offer_nonce(request, deps, At.RESOURCE, admitted)
    return admitted


async def _admit(request: Request, permissions: tuple[str, ...], operation: str) -> ApiCaller | Response:
    tenant, deps, origin = tenant_of(request), context_of(request).deps, origin_of(request)
    prm = f"{tenant.origin}/.well-known/oauth-protected-resource{tenant.api.removeprefix(tenant.origin)}"
    shown = presented_token(request, deps)
    if isinstance(shown, NoToken):
        await _count(request, NO_TOKEN, operation)
        return problem(request, NO_TOKEN, headers=_challenge(metadata=prm, scope=" ".join(permissions)))
    if isinstance(shown, Refusal):
        await _count(request, shown, operation)
        dpop = shown.code in DPOP_ERRORS
        return problem(request, shown, headers=_challenge(shown.code, shown.hint, metadata=prm, dpop=dpop))
    dpop = shown.proven is not None
    live = await judge_presented(tenant.id, shown.token, shown.proven, deps)
    if isinstance(live, NotLive) and live.code in DPOP_ERRORS:
        used = Refusal(live.code, live.reason)
        await _count(request, used, operation)
        return problem(request, used, headers=_challenge(used.code, used.hint, metadata=prm, dpop=True))
    if isinstance(live, NotLive) or live.chain.resource is None or live.chain.resource.uri != tenant.api:
        reason = live.reason if isinstance(live, NotLive) else "the token is for another resource"
        await _count(request, replace(WRONG_TOKEN, audit=reason), operation)
        return problem(
            request, WRONG_TOKEN, headers=_challenge(WRONG_TOKEN.code, WRONG_TOKEN.hint, metadata=prm, dpop=dpop)
        )
    caller = _caller(live, origin)
    missing = next((permission for permission in permissions if permission not in live.scopes), None)
    if missing is not None:
        lacking = Refusal("insufficient_scope", f"this needs {missing}")
        await _tell(request, lacking, caller, operation)
        asked = _challenge(lacking.code, lacking.hint, scope=" ".join(permissions), metadata=prm, dpop=dpop)
        return problem(request, lacking, headers=asked)
    return caller


def _challenge(
    error: str | None = None,
    hint: str | None = None,
    *,
    scope: str | None = None,
    metadata: str | None = None,
    dpop: bool = False,
) -> dict[str, str]:
    return {"www-authenticate": challenge_header(error, hint, scope=scope, metadata=metadata, dpop=dpop)}


def _caller(live: LiveToken, origin: Origin) -> ApiCaller:
    """Name the caller: the person where there is one, for he answers for what is done in his name."""
    user = live.chain.user
    who = origin.chain(live.chain) if user is None else origin.chain(live.chain, actor_kind="user", actor=user.id)
    return ApiCaller(who=who, origin=origin, scopes=live.scopes, user=user)


async def _count(request: Request, refusal: Refusal, operation: str) -> None:
    """Write down that somebody unproven was refused: once a minute for each reason and peer, then counted."""
    deps, reason = context_of(request).deps, refusal.audit or refusal.hint
    event = ApiRefused(who=origin_of(request).nobody(), operation=operation, code=refusal.code, reason=reason)
    async with deps.db.work(tenant_of(request).id) as work:
        await work.events.tally(event, reason=f"api: {reason}", at=deps.clock.now())


async def _tell(request: Request, refusal: Refusal, caller: ApiCaller, operation: str) -> None:
    deps = context_of(request).deps
    event = ApiRefused(who=caller.who, operation=operation, code=refusal.code, reason=refusal.hint)
    async with deps.db.work(tenant_of(request).id) as work:
        await work.events.append(event, at=deps.clock.now())
