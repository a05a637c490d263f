"""Consent: what a user is asked, and what a yes or a no makes of it (RFC 6749 §4.1.2, CON-1..5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from remit.core.audit.events import ConsentDenied, ConsentGiven
from remit.core.authority import Chain, attenuate
from remit.core.clients import Party
from remit.core.grants import Code, CodeState, Grant, GrantState, Line
from remit.core.names import GrantId, LineId, Prefix, Secret, SecretKind, TenantId
from remit.core.oauth.authorize import REQUEST_LIFETIME, AuthorizeRequest
from remit.core.oauth.details import ends, reread
from remit.core.oauth.device import OVER, REDEEM_LIFETIME, judge_open
from remit.core.oauth.request_object import LONGEST_LIFE
from remit.core.oauth.verdicts import Refusal
from remit.core.resources import Resource
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.issuance import ceilings, dead
from remit.services.origin import Origin
from remit.services.sessions import SignedInUser

CODE_LIFETIME = timedelta(seconds=60)

DURATIONS = {"task": timedelta(hours=1), "day": timedelta(hours=8), "month": timedelta(days=30)}
"""What the consent page offers; the remit's own end caps each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back to the client: a code or an error, with its state; by redirect, or in a form."""

    redirect_uri: str
    state: str | None
    posted: bool
    code: Secret | None = None
    refusal: Refusal | None = None
    device: bool = False
    """It goes nowhere: a device fetches it."""
    unasked: bool = False
    """Nobody vouched for the client, and the person has done nothing here yet: show it before going there (OA-22)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Everything the consent page shows: who asks, for what, and what this user could give at most."""

    request: AuthorizeRequest
    chain: Chain
    party: Party
    resource: Resource
    scopes: frozenset[str]
    grant: Grant | None
    """What this user has granted this client on this resource so far, expired or not."""
    held: frozenset[str]
    latest: datetime | None
    """When the remit itself ends; no approval lasts longer."""


ANSWERED = Refusal("invalid_request", "this page was already answered: go back and start again", redirect=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the user decided on the consent page."""

    scopes: frozenset[str]
    until: datetime
    while_away: bool
    remembered: bool = False


async def approve(
    tenant: TenantId, request: AuthorizeRequest, signed_in: SignedInUser, choice: Choice, deps: Deps, origin: Origin
) -> Answer | Refusal:
    """Turn a yes into a grant, a line and a code, once per request. Scopes that were not asked for are ignored."""
    async with deps.db.work(tenant) as work:
        asking = await load_asking(work, request, signed_in, deps)
        if not isinstance(asking, Asking):
            return asking
        chosen = choice.scopes & asking.scopes
        if not chosen and not await _decide_once(work, request, deps):
            return ANSWERED
        if not chosen:
            refusal = Refusal("access_denied", "the user allowed none of the scopes")
            if request.device is not None:
                await work.devices.deny(request.device.id)
            await _note_denial(work, asking, signed_in, deps, origin)
            return _answer(request, refusal=refusal)
        return await answer_yes(work, asking, signed_in, replace(choice, scopes=chosen), deps, origin)


async def deny(
    tenant: TenantId, request: AuthorizeRequest, signed_in: SignedInUser, deps: Deps, origin: Origin
) -> Answer | Refusal:
    """Record a no and tell the client (CON-5)."""
    async with deps.db.work(tenant) as work:
        asking = await load_asking(work, request, signed_in, deps)
        if not isinstance(asking, Asking):
            return asking
        if not await _decide_once(work, request, deps):
            return ANSWERED
        if request.device is not None:
            await work.devices.deny(request.device.id)
        await _note_denial(work, asking, signed_in, deps, origin)
        refusal = Refusal("access_denied", "the user said no")
        return _answer(request, refusal=refusal)


async def load_asking(work: Work, request: AuthorizeRequest, signed_in: SignedInUser, deps: Deps) -> Asking | Refusal:
    """Load who asks and what this user could give, from what is true now; the sealed request is only what was asked."""
    now = deps.clock.now()
    if request.expired(now):
        if request.device is not None:
            return OVER
        minutes = int(REQUEST_LIFETIME.total_seconds() // 60)
        return Refusal(
            "invalid_request", f"this page is older than {minutes} minutes: go back and start again", redirect=False
        )
    tenant = await work.tenants.current()
    if request.device is not None:
        found = judge_open(await work.devices.find(request.device.id), allowed=tenant.device_flow, now=now)
        if isinstance(found, Refusal):
            return replace(found, redirect=False)
    party = await work.clients.party(request.client)
    resource = await work.resources.get(request.resource)
    if party is None or resource is None or party.remit is None or party.client.version != request.client_version:
        return Refusal("invalid_request", "the client changed since it asked: go back and start again", redirect=False)
    chain = Chain(
        tenant=tenant,
        party=party,
        resource=resource,
        user=signed_in.user,
        session=signed_in.session.id,
    )
    verdict = await dead(work, chain, now=now)
    if verdict is not None:
        return Refusal("access_denied", verdict.hint, redirect=False)
    limits = await ceilings(work, chain, deps)
    possible = attenuate(frozenset(request.scopes), limits, now=now).scopes
    grant = await work.grants.of_user(signed_in.user.id, party.client.id, resource.id)
    held = grant.scopes if grant is not None and (grant.expires_at is None or now < grant.expires_at) else frozenset()
    if not possible:
        return Refusal("access_denied", "you hold none of the rights this agent asks for", redirect=False)
    return Asking(
        request=request,
        chain=chain,
        party=party,
        resource=resource,
        scopes=possible,
        grant=grant,
        held=held & possible,
        latest=party.remit.expires_at,
    )


async def answer_yes(
    work: Work, asking: Asking, signed_in: SignedInUser, choice: Choice, deps: Deps, origin: Origin
) -> Answer | Refusal:
    now, request = deps.clock.now(), asking.request
    lifetimes = asking.chain.tenant.lifetimes.over(deps.lifetimes)
    until = min(choice.until, now + timedelta(days=lifetimes.refresh_absolute_days))
    if asking.latest is not None:
        until = min(until, asking.latest)
    details = None if request.details is None else reread(request.details)
    if (over := ends(details)) is not None:
        until = min(until, over)
    if not await _decide_once(work, request, deps):
        return ANSWERED
    grant = await _grant(work, asking, signed_in, choice.scopes, until, deps)
    line = Line(
        id=LineId(deps.fresh.id(Prefix.LINE)),
        grant=grant.id,
        user=signed_in.user.id,
        agent=asking.party.agent.id,
        client=asking.party.client.id,
        client_version=asking.party.client.version,
        redirect_uri=request.redirect_uri,
        resource=asking.resource.id,
        scopes=choice.scopes,
        session=signed_in.session.id,
        while_away=choice.while_away,
        state=GrantState.ACTIVE,
        created_at=now,
        expires_at=until,
        details=request.details,
    )
    await work.lines.add(line)
    code = await _ticket(work, request, line, signed_in, deps)
    chain = replace(asking.chain, grant=grant, line=line)
    await work.events.append(
        ConsentGiven(
            who=origin.chain(chain, actor_kind="user", actor=signed_in.user.id),
            shown=tuple(sorted(asking.scopes)),
            scopes=tuple(sorted(choice.scopes)),
            sentences=tuple(scope.sentence for scope in asking.resource.scopes if scope.name in choice.scopes),
            until=until.isoformat(timespec="seconds"),
            while_away=choice.while_away,
            remembered=choice.remembered,
            details=request.details,
            device=_device_of(request),
        ),
        at=now,
    )
    return _answer(request, code=code)


async def _ticket(
    work: Work, request: AuthorizeRequest, line: Line, signed_in: SignedInUser, deps: Deps
) -> Secret | None:
    """Make what the line's first tokens are redeemed by: a code, or the device code that the device has already."""
    now, session = deps.clock.now(), signed_in.session
    if request.device is not None:
        until = max(datetime.fromtimestamp(request.device.expires_ms / 1000, UTC), now + REDEEM_LIFETIME)
        await work.devices.approve(
            request.device.id, line=line.id, auth_time=session.auth_time, amr=session.amr, expires_at=until
        )
        return None
    opaque = deps.fresh.opaque(SecretKind.CODE)
    await work.codes.add(
        Code(
            id=opaque.id,
            digest=deps.digester.digest(opaque),
            line=line.id,
            client=line.client,
            redirect_uri=request.redirect_uri,
            redirect_sent=request.redirect_sent,
            challenge=request.challenge,
            nonce=request.nonce,
            auth_time=session.auth_time,
            amr=session.amr,
            jkt=request.jkt,
            state=CodeState.LIVE,
            expires_at=now + CODE_LIFETIME,
        )
    )
    return opaque.text()


def _device_of(request: AuthorizeRequest) -> str | None:
    return request.device.id if request.device is not None else None


def _answer(request: AuthorizeRequest, *, code: Secret | None = None, refusal: Refusal | None = None) -> Answer:
    return Answer(
        redirect_uri=request.redirect_uri,
        state=request.state,
        posted=request.posted,
        code=code,
        refusal=refusal,
        device=request.device is not None,
    )


async def _decide_once(work: Work, request: AuthorizeRequest, deps: Deps) -> bool:
    """Use the request up. False when it was answered before, with whatever answer."""
    return await use_up(work, request.id, request.pushed, deps)


async def use_up(work: Work, id: str, pushed: str | None, deps: Deps) -> bool:
    """Use a request up by its id, for as long as a signed one could come again, and forget it if it was pushed."""
    if pushed is not None:
        await work.pushed.drop(pushed)
    now = deps.clock.now()
    return await work.once.claim("consent", id, until=now + LONGEST_LIFE, at=now)


async def _grant(
    work: Work, asking: Asking, signed_in: SignedInUser, scopes: frozenset[str], until: datetime, deps: Deps
) -> Grant:
    """Make the grant, or widen the one there is. Older lines keep their own snapshot."""
    now, party = deps.clock.now(), asking.party
    held = asking.grant
    if held is not None:
        expired = held.expires_at is not None and now >= held.expires_at
        # What a grant held before it expired does not come back with a new approval.
        wider = scopes if expired else held.scopes | scopes
        later = until if expired or held.expires_at is None else max(held.expires_at, until)
        await work.grants.change(held.id, scopes=wider, expires_at=later)
        return replace(held, scopes=wider, expires_at=later)
    grant = Grant(
        id=GrantId(deps.fresh.id(Prefix.GRANT)),
        user=signed_in.user.id,
        agent=party.agent.id,
        client=party.client.id,
        resource=asking.resource.id,
        scopes=scopes,
        purpose=party.agent.purpose,
        approver=signed_in.user.id,
        state=GrantState.ACTIVE,
        created_at=now,
        expires_at=until,
    )
    await work.grants.add(grant)
    return grant


async def _note_denial(work: Work, asking: Asking, signed_in: SignedInUser, deps: Deps, origin: Origin) -> None:
    who = origin.chain(asking.chain, actor_kind="user", actor=signed_in.user.id)
    event = ConsentDenied(who=who, shown=tuple(sorted(asking.scopes)), device=_device_of(asking.request))
    await work.events.append(event, at=deps.clock.now())


def durations(latest: datetime | None, now: datetime) -> Sequence[str]:
    """Return which durations the page may offer before the remit itself ends; at least the shortest."""
    fitting = [name for name, length in DURATIONS.items() if latest is None or now + length <= latest]
    return fitting or ["task"]
