"""POST /oauth/token (RFC 6749 §3.2)."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from remit.core.oauth import scopes
from remit.core.oauth.client_auth import Presented
from remit.core.oauth.token_set import TokenCall, TokenSet
from remit.core.oauth.verdicts import Refusal
from remit.http.context import context_of
from remit.services.grants import GRANTS
from remit.services.grants.refusing import note_refusal
from remit.services.guessing import GUESSING, count_miss, held_back
from remit.wire.caller import origin_of, presented_client, tenant_of
from remit.wire.oauth_errors import NO_STORE, render_method, render_refusal, render_throttled, render_too_large
from remit.wire.parse import TOO_LARGE, Form, TooLarge, read_form


async def token_endpoint(request: Request) -> Response:
    """Issue tokens for a grant."""
    if request.method != "POST":
        return render_method("POST")
    context, tenant, origin = context_of(request), tenant_of(request).id, origin_of(request)
    deps, meter = context.deps, context.meter
    read = await _read(request)
    if isinstance(read, TooLarge):
        meter.refused("unread", TOO_LARGE.code)
        await note_refusal(tenant, TOO_LARGE, deps, origin, grant_type="unread")
        return render_too_large(read)
    if isinstance(read, Refusal):
        meter.refused("unread", read.code)
        return render_refusal(await note_refusal(tenant, read, deps, origin, grant_type="unread"))
    presented, call = read
    if wait := await held_back(tenant, presented, deps, origin, asked_at=call.grant_type):
        meter.refused(call.grant_type, GUESSING.code)
        return render_throttled(wait)
    outcome = await GRANTS[call.grant_type](tenant, presented, call, deps, origin)
    count_miss(tenant, presented, outcome, deps, origin)
    if isinstance(outcome, Refusal):
        meter.refused(call.grant_type, outcome.code)
        return render_refusal(outcome)
    meter.issued(call.grant_type)
    return render_tokens(outcome)


async def _read(request: Request) -> tuple[Presented, TokenCall] | Refusal | TooLarge:
    form = await read_form(request)
    if not isinstance(form, Form):
        return form
    call = read_call(form)
    if isinstance(call, Refusal):
        return call
    presented = presented_client(request, form)
    return presented if isinstance(presented, Refusal) else (presented, call)


def read_call(form: Form) -> TokenCall | Refusal:
    """Read the parameters of a token request that do not speak of the client."""
    grant_type = form.one("grant_type")
    if grant_type is None:
        return Refusal("invalid_request", "send grant_type: one of " + " ".join(GRANTS))
    if grant_type not in GRANTS:
        return Refusal("unsupported_grant_type", "grant_type must be one of " + " ".join(GRANTS))
    asked = form.one("scope")
    wanted = scopes.parse(asked) if asked is not None else None
    if isinstance(wanted, Refusal):
        return wanted
    return TokenCall(
        grant_type=grant_type,
        scopes=wanted,
        resources=form.many("resource"),
        code=form.one("code"),
        redirect_uri=form.one("redirect_uri"),
        verifier=form.one("code_verifier"),
        refresh_token=form.one("refresh_token"),
    )


def render_tokens(tokens: TokenSet) -> Response:
    """Render a success. `scope` is always told, also when it is what was asked (OA-13)."""
    body: dict[str, object] = {
        "access_token": tokens.access_token.reveal(),
        "token_type": "Bearer",
        "expires_in": tokens.expires_in,
        "scope": scopes.render(tokens.scopes),
    }
    if tokens.refresh_token is not None:
        body["refresh_token"] = tokens.refresh_token.reveal()
    if tokens.id_token is not None:
        body["id_token"] = tokens.id_token.reveal()
    return Response(msgspec.json.encode(body), 200, NO_STORE, "application/json")
