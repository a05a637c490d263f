"""POST /oauth/token (RFC 6749 §3.2)."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from starlette.responses import Response
from starlette.types import ASGIApp

from remit.core.clients import GrantType
from remit.core.names import Secret
from remit.core.oauth import scopes
from remit.core.oauth.client_auth import Presented
from remit.core.oauth.exchange import ExchangeCall
from remit.core.oauth.token_set import TokenCall, TokenSet
from remit.core.oauth.verdicts import Refusal
from remit.http.context import context_of
from remit.services.documents import keep_current
from remit.services.grants import GRANTS
from remit.services.grants.refusing import note_refusal
from remit.services.guessing import GUESSING, count_miss, held_back
from remit.services.possession import At
from remit.wire.call import Answer, Call, json_answer
from remit.wire.caller import origin_of, presented_client, tenant_id_of
from remit.wire.oauth_errors import render_method, render_refusal, render_throttled, render_too_large
from remit.wire.parse import TOO_LARGE, Form, TooLarge, read_form
from remit.wire.possession import offer_nonce, proven_by


async def token_endpoint(call: Call) -> ASGIApp:
    """Issue tokens for a grant."""
    if call.scope["method"] != "POST":
        return render_method("POST")
    context, tenant, origin = context_of(call), tenant_id_of(call), origin_of(call)
    deps, meter = context.deps, context.meter
    read = await _read(call)
    if isinstance(read, TooLarge):
        meter.refused("unread", TOO_LARGE.code)
        await note_refusal(tenant, TOO_LARGE, deps, origin, grant_type="unread")
        return render_too_large(read)
    if isinstance(read, Refusal):
        meter.refused("unread", read.code)
        refused = render_refusal(await note_refusal(tenant, read, deps, origin, grant_type="unread"))
        offer_nonce(call, deps, At.TOKEN, refused)
        return refused
    presented, asked = read
    if wait := await held_back(tenant, presented, deps, origin, asked_at=asked.grant_type):
        meter.refused(asked.grant_type, GUESSING.code)
        return render_throttled(wait)
    stale = await keep_current(tenant, presented.client, deps, origin)
    outcome = stale or await GRANTS[asked.grant_type](tenant, presented, asked, deps, origin)
    count_miss(tenant, presented, outcome, deps, origin)
    if isinstance(outcome, Refusal):
        meter.refused(asked.grant_type, outcome.code)
        answer: Response | Answer = render_refusal(outcome)
    else:
        meter.issued(asked.grant_type)
        answer = render_tokens(outcome)
    offer_nonce(call, deps, At.TOKEN, answer)
    return answer


async def _read(call: Call) -> tuple[Presented, TokenCall] | Refusal | TooLarge:
    form = await read_form(call)
    if not isinstance(form, Form):
        return form
    asked = read_call(form)
    if isinstance(asked, Refusal):
        return asked
    presented = presented_client(call, form)
    if isinstance(presented, Refusal):
        return presented
    proven = proven_by(call, context_of(call).deps)
    if isinstance(proven, Refusal):
        return proven
    return presented, asked if proven is None else replace(asked, proven=proven)


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
        device_code=form.one("device_code"),
        details=form.one("authorization_details"),
        exchange=_exchange(form) if grant_type == GrantType.TOKEN_EXCHANGE else None,
    )


def _exchange(form: Form) -> ExchangeCall:
    subject, actor = form.one("subject_token"), form.one("actor_token")
    return ExchangeCall(
        subject_token=Secret(subject) if subject is not None else None,
        subject_token_type=form.one("subject_token_type"),
        actor_token=Secret(actor) if actor is not None else None,
        actor_token_type=form.one("actor_token_type"),
        requested_token_type=form.one("requested_token_type"),
        audiences=form.many("audience"),
        requested_subject=form.one("requested_subject"),
    )


def render_tokens(tokens: TokenSet) -> Answer:
    """Render a success. `scope` is always told, also when it is what was asked (OA-13)."""
    body: dict[str, object] = {
        "access_token": tokens.access_token.reveal(),
        "token_type": "DPoP" if tokens.bound else "Bearer",
        "expires_in": tokens.expires_in,
        "scope": scopes.render(tokens.scopes),
    }
    if tokens.refresh_token is not None:
        body["refresh_token"] = tokens.refresh_token.reveal()
    if tokens.issued_token_type is not None:
        body["issued_token_type"] = tokens.issued_token_type
    if tokens.id_token is not None:
        body["id_token"] = tokens.id_token.reveal()
    if tokens.details is not None:
        body["authorization_details"] = msgspec.Raw(tokens.details.encode())
    return json_answer(body)
