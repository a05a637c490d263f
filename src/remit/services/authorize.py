"""The authorization endpoint's use cases (RFC 6749 §4.1): validate a request, and say what it needs next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from remit.core.audit.events import AuthorizationRefused, Who
from remit.core.authority import Chain
from remit.core.clients import Client, Party
from remit.core.names import ClientId, TenantId, UserId
from remit.core.oauth.authorize import (
    MODES,
    PUSH_FIRST,
    SIGN_FIRST,
    AuthorizeRequest,
    askable,
    judge_acr,
    judge_lengths,
    judge_mode,
    judge_parameters,
    judge_redirect,
    needs_login,
    remembered,
    too_weak,
)
from remit.core.oauth.claims import NO_CLAIMS, AskedClaims, read_claims
from remit.core.oauth.details import judge_details, render
from remit.core.oauth.dpop import flaw_of_jkt
from remit.core.oauth.form import Form
from remit.core.oauth.verdicts import Refusal
from remit.core.resources import Resource
from remit.core.tenants import Tenant
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.asked import AuthorizeCall, read_asked
from remit.services.consent import ANSWERED, Answer, Asking, Choice, answer_yes, load_asking, use_up
from remit.services.documents import meet
from remit.services.issuance import dead
from remit.services.origin import Origin
from remit.services.sessions import SignedInUser
from remit.services.targets import pick_resource

NOT_SET_UP = Refusal(
    "unmet_authentication_requirements", "the user has no second factor: it is set up under How I sign in"
)


@dataclass(frozen=True, slots=True)
class NeedsLogin:
    request: AuthorizeRequest


async def begin(
    tenant: TenantId, form: Form, deps: Deps, origin: Origin, *, cross_site: bool
) -> AuthorizeRequest | Answer | Refusal:
    """Validate a request. A bare Refusal means that no redirect URI is trusted yet: show our own page (OA-4)."""
    client_id = form.one("client_id")
    if client_id is not None and (unmet := await meet(tenant, client_id, deps, origin)) is not None:
        return unmet
    async with deps.db.read(tenant) as work:
        call = await read_asked(work, form, deps, cross_site=cross_site)
        found = call if isinstance(call, Refusal) else await validate(work, call, deps)
    if isinstance(found, AuthorizeRequest):
        return found
    refusal = found.refusal if isinstance(found, Answer) else found
    assert refusal is not None  # noqa: S101 - an answer here is always a refusal
    named = form.one("client_id")
    async with deps.db.work(tenant) as work:
        # What called itself a client is told only if there is one: it could be anything, also a secret.
        known = await work.clients.get(ClientId(named)) if named else None
        await note_refused(work, refusal, origin.nobody(client=known.id if known is not None else None), deps)
        if isinstance(call, AuthorizeCall) and call.pushed is not None:
            await use_up(work, call.id, call.pushed, deps)
    return found


async def validate(
    work: Work, call: AuthorizeCall, deps: Deps, *, pushing: bool = False
) -> AuthorizeRequest | Answer | Refusal:
    """Check everything about a request that does not depend on who sits at the browser."""
    party = await work.clients.party(ClientId(call.client_id)) if call.client_id else None
    redirect_uri = judge_redirect(party.client if party else None, call.redirect_uri)
    if isinstance(redirect_uri, Refusal) or party is None:
        return redirect_uri if isinstance(redirect_uri, Refusal) else Refusal("invalid_request", "send client_id")
    client = party.client

    wrong_mode = judge_mode(call.mode, redirect_uri)
    posted = wrong_mode is None and MODES[call.mode]

    def answer(refusal: Refusal) -> Answer:
        return _sent_back(client, redirect_uri, call.state, refusal, posted=posted)

    tenant, now = await work.tenants.current(), deps.clock.now()
    verdict = await dead(work, Chain(tenant=tenant, party=party), now=now)
    if verdict is not None:
        # Nothing the user could do about it, and the client must not loop: our own page tells him (OA-4, OA-22).
        return Refusal("unauthorized_client", verdict.hint, redirect=False)
    lengths = judge_lengths({"state": call.state, "nonce": call.nonce, "login_hint": call.login_hint})
    if lengths is not None:
        return answer(lengths)
    unfit = call.unsupported or wrong_mode or _missing(tenant, client, call, pushing=pushing) or flaw_of_jkt(call.jkt)
    if unfit is not None:
        return answer(unfit)
    parameters = judge_parameters(
        response_type=call.response_type,
        challenge=call.challenge,
        method=call.method,
        prompt=call.prompt,
        max_age=call.max_age,
    )
    if isinstance(parameters, Refusal):
        return answer(parameters)
    meant = await _who_is_meant(work, tenant, call, deps)
    if isinstance(meant, Refusal):
        return answer(meant)
    if isinstance(call.scopes, Refusal):
        return answer(call.scopes)
    asked = None if call.scopes is None else call.scopes | meant.claims.scopes
    chosen = await choose_asked(work, party, resources=call.resources, scopes=asked, details=call.details, deps=deps)
    if isinstance(chosen, Refusal):
        return answer(chosen) if chosen.redirect else chosen
    prompts, max_age = parameters
    return AuthorizeRequest(
        id=call.id,
        client=client.id,
        client_version=client.version,
        redirect_uri=redirect_uri,
        redirect_sent=call.redirect_uri is not None,
        resource=chosen.resource.id,
        scopes=chosen.scopes,
        state=call.state,
        nonce=call.nonce,
        challenge=call.challenge or "",
        prompt=prompts,
        max_age=max_age,
        login_hint=call.login_hint,
        hinted=meant.user,
        posted=posted,
        jkt=call.jkt,
        cross_site=call.cross_site,
        at_ms=int(now.timestamp() * 1000),
        pushed=call.pushed,
        details=chosen.details,
        acr=meant.acr,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a client asks for, as far as it can get it at all."""

    resource: Resource
    scopes: tuple[str, ...]
    details: str | None


async def choose_asked(
    work: Work,
    party: Party,
    *,
    resources: Sequence[str],
    scopes: frozenset[str] | None,
    details: str | None,
    deps: Deps,
) -> Chosen | Refusal:
    """Settle resource, scopes and details of a request, whoever will answer it.

    Where the agent itself may not act, the refusal is none that the client is sent (OA-4, OA-22).
    """
    client, now = party.client, deps.clock.now()
    resource = await pick_resource(work, resources, client)
    if isinstance(resource, Refusal):
        return resource
    verdict = await dead(work, Chain(tenant=await work.tenants.current(), party=party, resource=resource), now=now)
    if verdict is not None or party.remit is None:
        hint = verdict.hint if verdict else "the agent has no active remit"
        return Refusal("unauthorized_client", hint, redirect=False)
    possible = askable(scopes, client, resource, party.remit.on(resource.id))
    if isinstance(possible, Refusal):
        return possible
    if details is None:
        return Chosen(resource=resource, scopes=tuple(sorted(possible)), details=None)
    read = judge_details(
        details,
        client_types=client.details_types,
        resource_types=resource.details_types,
        resource=resource.uri,
        now=now,
    )
    if isinstance(read, Refusal):
        return read
    return Chosen(resource=resource, scopes=tuple(sorted(possible)), details=render(read))


def _claims(call: AuthorizeCall) -> AskedClaims | Refusal:
    """Return which single claims are asked for. Without `openid` the parameter means nothing (OIDC Core §5.5)."""
    if call.claims is None or not isinstance(call.scopes, frozenset) or "openid" not in call.scopes:
        return NO_CLAIMS
    return read_claims(call.claims)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meant:
    """Who may answer a request, and how he must have signed in."""

    claims: AskedClaims
    user: UserId | None
    acr: str | None


async def _who_is_meant(work: Work, tenant: Tenant, call: AuthorizeCall, deps: Deps) -> _Meant | Refusal:
    """Read whom the client means, if anybody (OIDC Core §3.1.2.1, §5.5.1), and how he must sign in (RFC 9470 §5)."""
    claims = _claims(call)
    if isinstance(claims, Refusal):
        return claims
    named = claims.subject
    if call.id_token_hint is not None:
        hinted = deps.keyring.read_hint(tenant, await work.keys.all(), call.id_token_hint)
        if hinted is None:
            return Refusal("invalid_request", "id_token_hint is no id token of this issuer: leave it out")
        if named not in {None, hinted.subject}:
            return Refusal("invalid_request", "id_token_hint and claims name two users: send one of them")
        named = hinted.subject
    acr = judge_acr(" ".join((call.acr_values or "", *claims.wished_acr)), claims.acr)
    if isinstance(acr, Refusal):
        return acr
    return _Meant(claims=claims, user=None if named is None else UserId(named), acr=acr)


def _missing(tenant: Tenant, client: Client, call: AuthorizeCall, *, pushing: bool) -> Refusal | None:
    """Say what the client has to do and has not done (PAR-7, RFC 9101 §10.5)."""
    if (tenant.require_pushed or client.require_pushed) and not pushing and call.pushed is None:
        return PUSH_FIRST
    return SIGN_FIRST if client.require_signed and not call.signed else None


async def proceed(
    tenant: TenantId,
    request: AuthorizeRequest,
    signed_in: SignedInUser | None,
    deps: Deps,
    origin: Origin,
    *,
    answered: bool = False,
) -> NeedsLogin | Asking | Answer | Refusal:
    """Say what a validated request needs next: a login, the user's consent, or nothing any more.

    `answered`: the user has just answered the page, so an earlier answer must not take the place of this one.
    """
    async with deps.db.read(tenant) as work:
        step = await _next_step(work, request, signed_in, deps, answered=answered)
    if isinstance(step, Answer) and request.pushed is not None:
        # A final error uses the pushed request up like a code does (PAR-6).
        async with deps.db.work(tenant) as work:
            if not await use_up(work, request.id, request.pushed, deps):
                return ANSWERED
    if not isinstance(step, _Remembered):
        return step
    # Only now something is written, so all of it is looked at once more where nobody can change it meanwhile.
    async with deps.db.work(tenant) as work:
        step = await _next_step(work, request, signed_in, deps, answered=answered)
        if isinstance(step, _Remembered):
            return await answer_yes(work, step.asking, step.user, step.choice, deps, origin)
        return step


@dataclass(frozen=True, slots=True, kw_only=True)
class _Remembered:
    """An earlier approval covers this request."""

    asking: Asking
    user: SignedInUser
    choice: Choice


async def _next_step(
    work: Work, request: AuthorizeRequest, signed_in: SignedInUser | None, deps: Deps, *, answered: bool
) -> NeedsLogin | Asking | Answer | Refusal | _Remembered:
    now = deps.clock.now()
    silent = "none" in request.prompt
    if signed_in is None or needs_login(request, signed_in.session, now):
        cannot = Refusal("login_required", "the user has to sign in")
        return await _cannot_ask(work, request, cannot) if silent else NeedsLogin(request)
    if request.hinted not in {None, signed_in.user.id}:
        # He has just signed in, and is not who was meant. To ask him again would only go round in circles.
        other = Refusal("login_required", "somebody else signed in than the user of id_token_hint")
        return await _cannot_ask(work, request, other)
    if too_weak(request, signed_in.session):
        factor = await work.second_factors.find(signed_in.user.id)
        if factor is None or not factor.active:
            # He could sign in as often as he likes.
            return await _cannot_ask(work, request, NOT_SET_UP)
        cannot = Refusal("login_required", "the user has to sign in with two factors")
        return await _cannot_ask(work, request, cannot) if silent else NeedsLogin(request)
    asking = await load_asking(work, request, signed_in, deps)
    if isinstance(asking, Refusal):
        # Whoever may show nothing shows no page of ours either: the client is told (OIDC Core §3.1.2.6).
        return await _cannot_ask(work, request, asking) if silent else asking
    client, grant = asking.party.client, asking.grant
    lines = await work.lines.list(grant.id) if grant else ()
    earlier = remembered(request, client, grant, lines, session=signed_in.session.id, now=now)
    if earlier is not None and not answered:
        choice = Choice(scopes=asking.scopes, until=earlier.expires_at, while_away=earlier.while_away, remembered=True)
        return _Remembered(asking=asking, user=signed_in, choice=choice)
    if silent:
        return await _cannot_ask(work, request, Refusal("consent_required", "the user has to consent"))
    return asking


async def _cannot_ask(work: Work, request: AuthorizeRequest, refusal: Refusal) -> Answer | Refusal:
    client = await work.clients.get(request.client)
    if client is None or request.device is not None:
        # A device hears nothing but the user's answer: this is for him to read.
        return refusal
    return _sent_back(client, request.redirect_uri, request.state, refusal, posted=request.posted)


def _sent_back(client: Client, redirect_uri: str, state: str | None, refusal: Refusal, *, posted: bool) -> Answer:
    return Answer(
        redirect_uri=redirect_uri, state=state, posted=posted, refusal=refusal, unasked=client.self_registered
    )


async def note_unread(tenant: TenantId, refusal: Refusal, deps: Deps, origin: Origin) -> None:
    """Count a request whose parameters could not even be read."""
    async with deps.db.work(tenant) as work:
        await note_refused(work, refusal, origin.nobody(), deps)


async def note_refused(work: Work, refusal: Refusal, who: Who, deps: Deps) -> None:
    event = AuthorizationRefused(who=who, code=refusal.code, reason=refusal.audit or refusal.hint)
    await work.events.tally(event, reason=f"{refusal.code}: {event.reason}", at=deps.clock.now())
