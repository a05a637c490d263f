"""POST /oauth/par (RFC 9126 §2)."""

from __future__ import annotations

from starlette.types import ASGIApp

from remit.core.oauth.client_auth import Presented
from remit.core.oauth.dpop import Proven
from remit.core.oauth.verdicts import Refusal, TooMany
from remit.http.context import context_of
from remit.services.documents import meet
from remit.services.grants.refusing import note_refusal
from remit.services.guessing import count_miss, held_back
from remit.services.possession import At
from remit.services.pushed import Pushed, push
from remit.wire.call import Answer, Call, json_answer
from remit.wire.caller import origin_of, presented_client, tenant_id_of
from remit.wire.oauth_errors import render_method, render_refusal, render_throttled, render_too_large
from remit.wire.parse import TOO_LARGE, Form, TooLarge, read_form
from remit.wire.possession import offer_nonce, proven_by

_ASKED_AT = "pushed request"


async def pushed_request_endpoint(call: Call) -> ASGIApp:
    """Take an authorization request from its client, without a browser in between."""
    if call.scope["method"] != "POST":
        return render_method("POST")
    deps, tenant, origin = context_of(call).deps, tenant_id_of(call), origin_of(call)
    read = await _read(call)
    if isinstance(read, TooLarge):
        await note_refusal(tenant, TOO_LARGE, deps, origin, grant_type=_ASKED_AT)
        return render_too_large(read)
    if isinstance(read, Refusal):
        refused = render_refusal(await note_refusal(tenant, read, deps, origin, grant_type=_ASKED_AT))
        offer_nonce(call, deps, At.TOKEN, refused)
        return refused
    presented, form, proven = read
    if wait := await held_back(tenant, presented, deps, origin, asked_at=_ASKED_AT):
        return render_throttled(wait)
    unmet = await meet(tenant, presented.client, deps, origin)
    outcome = unmet or await push(tenant, presented, form, proven, deps, origin)
    count_miss(tenant, presented, outcome, deps, origin)
    if isinstance(outcome, TooMany):
        return render_throttled(outcome.wait)
    answer = render_refusal(outcome) if isinstance(outcome, Refusal) else _render(outcome)
    offer_nonce(call, deps, At.TOKEN, answer)
    return answer


def _render(pushed: Pushed) -> Answer:
    return json_answer({"request_uri": pushed.request_uri, "expires_in": pushed.expires_in}, created=True)


async def _read(call: Call) -> tuple[Presented, Form, Proven | None] | Refusal | TooLarge:
    form = await read_form(call)
    if not isinstance(form, Form):
        return form
    presented = presented_client(call, form)
    if isinstance(presented, Refusal):
        return presented
    proven = proven_by(call, context_of(call).deps)
    return proven if isinstance(proven, Refusal) else (presented, form, proven)
