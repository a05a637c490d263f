"""Pushing an authorization request (RFC 9126 §2): check it in full now, and give a short reference to it."""

from __future__ import annotations

from dataclasses import dataclass

from remit.core.clients import Party
from remit.core.names import SecretKind, TenantId
from remit.core.oauth.authorize import AuthorizeRequest
from remit.core.oauth.client_auth import Presented
from remit.core.oauth.dpop import Proven, judge_jkt
from remit.core.oauth.form import Form
from remit.core.oauth.pushed import PUSHED_LIFETIME, PushedRequest, reference_to
from remit.core.oauth.request_object import form_of, kept
from remit.core.oauth.verdicts import Refusal, TooMany
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services import possession
from remit.services.arrivals import crowded
from remit.services.asked import AuthorizeCall, call_of, open_signed
from remit.services.authorize import note_refused, validate
from remit.services.client_auth import authenticate
from remit.services.consent import Answer, use_up
from remit.services.grants.refusing import before_proof, refuse_stranger
from remit.services.origin import Origin

PUSHES = 600
PUBLIC_PUSHES = 120
"""So many requests of one client a minute; of all public clients behind one address, who prove nothing, fewer."""

LONGEST = 16 * 1024
"""Characters of all parameters of one pushed request: they are kept for everybody who asks."""

REPLAYED = Refusal("invalid_request_object", "this request object was used before: sign a new one with its own jti")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What the client is told."""

    request_uri: str
    expires_in: int


async def push(
    tenant: TenantId, presented: Presented, form: Form, proven: Proven | None, deps: Deps, origin: Origin
) -> Pushed | Refusal | TooMany:
    """Check a request as the authorization endpoint would, and keep it for a short while.

    A proof binds the code to its key, as `dpop_jkt` does (RFC 9449 §10.1).
    """
    if wait := crowded("push", tenant, presented, deps, origin, proven=PUSHES, public=PUBLIC_PUSHES):
        return TooMany(wait)
    async with deps.db.work(tenant) as work:
        party = await authenticate(work, presented, deps)
        if isinstance(party, Refusal):
            return await refuse_stranger(work, party, presented, deps, origin, grant_type="pushed request")
        outcome = await _push(work, party, form, proven, deps)
        if isinstance(outcome, Refusal):
            await note_refused(work, outcome, before_proof(party, origin), deps)
    return outcome


async def _push(work: Work, party: Party, form: Form, proven: Proven | None, deps: Deps) -> Pushed | Refusal:
    call = await _read(work, party, form, deps)
    if isinstance(call, Refusal):
        return call
    parameters = kept(call.form)
    if sum(len(value) for _, value in parameters) > LONGEST:
        return Refusal("invalid_request", f"the parameters have more than {LONGEST} characters together")
    found = await validate(work, call.asked, deps, pushing=True)
    if not isinstance(found, AuthorizeRequest):
        refusal = found.refusal if isinstance(found, Answer) else found
        assert refusal is not None  # noqa: S101 - an answer here is always a refusal
        return refusal
    if call.object_id is not None and not await use_up(work, call.object_id, None, deps):
        return REPLAYED
    jkt = judge_jkt(call.asked.jkt, proven)
    if isinstance(jkt, Refusal):
        return jkt
    if proven is not None and (used := await possession.use_up(work, proven, deps)) is not None:
        return used
    if jkt is not None and call.asked.jkt is None:
        parameters = (*parameters, ("dpop_jkt", jkt))
    opaque, now = deps.fresh.opaque(SecretKind.PUSHED), deps.clock.now()
    await work.pushed.add(
        PushedRequest(
            id=opaque.id,
            digest=deps.digester.digest(opaque),
            client=party.client.id,
            parameters=parameters,
            expires_at=now + PUSHED_LIFETIME,
        )
    )
    return Pushed(request_uri=reference_to(opaque), expires_in=int(PUSHED_LIFETIME.total_seconds()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    form: Form
    asked: AuthorizeCall
    object_id: str | None = None


async def _read(work: Work, party: Party, form: Form, deps: Deps) -> _Read | Refusal:
    """Return what is pushed. Who proved himself is the client, whether or not the parameters name him again."""
    if form.one("request_uri") is not None:
        return Refusal("invalid_request", "a pushed request refers to no other: leave out request_uri")
    signed, object_id = form.one("request"), None
    if signed is not None:
        opened = await open_signed(work, party.client, signed, deps)
        if isinstance(opened, Refusal):
            return opened
        form, object_id = opened
    said = form_of((*(pair for pair in kept(form) if pair[0] != "client_id"), ("client_id", party.client.id)))
    asked = call_of(said, id="", cross_site=True, signed=signed is not None)
    return _Read(form=said, asked=asked, object_id=object_id)
