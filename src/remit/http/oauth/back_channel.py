"""What the endpoints share at which a client asks for authorization without a browser in between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from starlette.types import ASGIApp

from remit.core.names import TenantId
from remit.core.oauth.client_auth import Presented
from remit.core.oauth.dpop import Proven
from remit.core.oauth.verdicts import Refusal, TooMany
from remit.http.context import context_of
from remit.ports.deps import Deps
from remit.services.documents import meet
from remit.services.grants.refusing import note_refusal
from remit.services.guessing import count_miss, held_back
from remit.services.origin import Origin
from remit.services.possession import At
from remit.wire.call import Answer, Call
from remit.wire.caller import origin_of, presented_client, tenant_id_of
from remit.wire.oauth_errors import render_method, render_refusal, render_throttled, render_too_large
from remit.wire.parse import TOO_LARGE, Form, TooLarge, read_form
from remit.wire.possession import offer_nonce, proven_by

T = TypeVar("T")
Ask = Callable[[TenantId, Presented, Form, Proven | None, Deps, Origin], Awaitable[T | Refusal | TooMany]]


async def take(call: Call, ask: Ask[T], render: Callable[[T], Answer], *, asked_at: str) -> ASGIApp:
    """Read a request and whoever presents himself, let `ask` answer it, and render what comes out."""
    if call.scope["method"] != "POST":
        return render_method("POST")
    deps, tenant, origin = context_of(call).deps, tenant_id_of(call), origin_of(call)
    read = await _read(call)
    if isinstance(read, TooLarge):
        await note_refusal(tenant, TOO_LARGE, deps, origin, grant_type=asked_at)
        return render_too_large(read)
    if isinstance(read, Refusal):
        refused = render_refusal(await note_refusal(tenant, read, deps, origin, grant_type=asked_at))
        offer_nonce(call, deps, At.TOKEN, refused)
        return refused
    presented, form, proven = read
    if wait := await held_back(tenant, presented, deps, origin, asked_at=asked_at):
        return render_throttled(wait)
    unmet = await meet(tenant, presented.client, deps, origin)
    outcome = unmet or await ask(tenant, presented, form, proven, deps, origin)
    count_miss(tenant, presented, outcome, deps, origin)
    if isinstance(outcome, TooMany):
        return render_throttled(outcome.wait)
    answer = render_refusal(outcome) if isinstance(outcome, Refusal) else render(outcome)
    offer_nonce(call, deps, At.TOKEN, answer)
    return answer


async def _read(call: Call) -> tuple[Presented, Form, Proven | None] | Refusal | TooLarge:
    form = await read_form(call)
    if not isinstance(form, Form):
        return form
    presented = presented_client(call, form)
    if isinstance(presented, Refusal):
        return presented
    proven = proven_by(call, context_of(call).deps)
    return proven if isinstance(proven, Refusal) else (presented, form, proven)
