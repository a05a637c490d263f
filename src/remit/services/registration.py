"""Dynamic client registration (RFC 7591): a client registers itself and gets an agent nobody has vouched for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from remit.core.admission import USUAL, InitialToken, Registrations
from remit.core.agents import Agent, AgentState, Remit
from remit.core.audit.events import (
    SYSTEM,
    AgentCreated,
    AgentStateChanged,
    ClientChanged,
    ClientRegistered,
    CredentialAdded,
    RegistrationRefused,
    RemitPublished,
    Who,
)
from remit.core.clients import Client, ClientState
from remit.core.credentials import StoredSecret
from remit.core.names import AgentId, ClientId, Prefix, RemitId, Secret, SecretKind, TenantId, UserId, parse_opaque
from remit.core.oauth.verdicts import Refusal, TooMany
from remit.core.self_registration import (
    GOVERNOR,
    ClientMetadata,
    Registration,
    first_administrator,
    judge_metadata,
    open_ceiling,
    open_types,
)
from remit.core.stops import Target, TargetKind
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.origin import Origin
from remit.services.provisioning.credentials import SECRET_METHODS

UNUSED = timedelta(hours=24)
"""A client that nobody has allowed anything for this long is retired (DCR-6)."""

NEEDS_TOKEN = Refusal(
    "invalid_token", "this issuer takes registrations with an initial access token only: ask an administrator for one"
)
BAD_TOKEN = Refusal("invalid_token", "the initial access token is unknown, used up or expired: ask for another one")
CLOSED = Refusal("not_found", "this issuer takes no registrations: ask an administrator to register the client")
FULL = Refusal("access_denied", "this issuer takes no more registrations: ask an administrator to register the client")
UNOWNED = Refusal("access_denied", "nobody here could answer for the client: the issuer has no administrator yet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A client that registered itself, and its secret where its method has one: told this once."""

    client: Client
    secret: Secret | None = field(repr=False)
    access: Secret | None = field(default=None, repr=False)
    """With this it manages its registration (RFC 7592 §3); a client of a document has none."""


async def takes_registrations(work: Work, deps: Deps) -> bool:
    """Say whether a client may register itself in this tenant now, which is what the metadata advertises."""
    return await mode_of(work, deps) is not Registrations.OFF and await ceiling_of(work, deps) is not None


async def mode_of(work: Work, deps: Deps) -> Registrations:
    """Return who may register: what the instance and the tenant both allow."""
    admission = await work.admission.get() or USUAL
    return Registrations(deps.registration.mode).within(admission.registration)


async def register(
    tenant: TenantId, said: ClientMetadata | Refusal, deps: Deps, origin: Origin, *, token: Secret | None = None
) -> Registered | Refusal | TooMany:
    """Register a client with an agent of its own, under the tenant's ceiling for such. `token`: what lets it in."""
    now, limits = deps.clock.now(), deps.registration
    who = f"{tenant} {origin.peer or 'unknown'}"
    wait = deps.throttle.allow("register", who, limit=limits.per_peer, per_seconds=3600, now=now)
    if wait:
        return TooMany(wait)
    async with deps.db.work(tenant) as work:
        outcome = await _register(work, said, token, deps, origin)
        if isinstance(outcome, Refusal):
            event = RegistrationRefused(who=origin.nobody(), code=outcome.code, reason=outcome.hint)
            await work.events.tally(event, reason=f"{outcome.code}: {outcome.hint}", at=now)
    return outcome


async def retire_unused(tenant: TenantId, deps: Deps) -> None:
    """End what registered itself and was never allowed anything. Looks before it writes: there seldom is any."""
    now = deps.clock.now()
    async with deps.db.read(tenant) as work:
        found = await work.clients.unused(now - UNUSED)
    if found:
        async with deps.db.work(tenant) as work:
            await _retire_unused(work, now)


async def _register(
    work: Work, said: ClientMetadata | Refusal, token: Secret | None, deps: Deps, origin: Origin
) -> Registered | Refusal:
    mode, ceiling = await mode_of(work, deps), await ceiling_of(work, deps)
    if mode is Registrations.OFF or ceiling is None:
        return CLOSED
    initial = await _initial(work, token, deps) if mode is Registrations.TOKEN else None
    if mode is Registrations.TOKEN and initial is None:
        return NEEDS_TOKEN if token is None else BAD_TOKEN
    if isinstance(said, Refusal):
        return said
    allowed = open_types(device_flow=(await work.tenants.current()).device_flow)
    registration = judge_metadata(said, known=frozenset(key.name for key in ceiling.scopes), allowed=allowed)
    if isinstance(registration, Refusal):
        return registration
    if registration.jwks is not None and (clause := deps.keyring.flaw_of_jwks(registration.jwks)) is not None:
        return Refusal("invalid_client_metadata", f"the key set {clause}")
    return await take_in(work, registration, ceiling, deps, origin, initial=initial)


async def _initial(work: Work, token: Secret | None, deps: Deps) -> InitialToken | None:
    """Return the initial access token of this text, while it can be used."""
    opaque = parse_opaque(token.reveal(), SecretKind.INITIAL) if token is not None else None
    found = await work.registrations.get(opaque.id) if opaque is not None else None
    if opaque is None or found is None or not deps.digester.matches(opaque, found.digest):
        return None
    return found if found.usable(deps.clock.now()) else None


async def take_in(
    work: Work,
    registration: Registration,
    ceiling: Remit,
    deps: Deps,
    origin: Origin,
    *,
    document: str | None = None,
    initial: InitialToken | None = None,
) -> Registered | Refusal:
    """Make the client with an agent of its own, where there is room. `document` is the URL that describes it."""
    now = deps.clock.now()
    await _retire_unused(work, now)
    if await work.clients.count_self_registered() >= deps.registration.quota:
        return FULL
    owner = first_administrator(await work.users.list())
    if owner is None:
        return UNOWNED
    if initial is not None and not await work.registrations.use(initial.id, at=now):
        return BAD_TOKEN
    by = _By(document=document, token=None if initial is None else initial.id)
    return await _add(work, registration, owner.id, ceiling, deps, origin, by)


@dataclass(frozen=True, slots=True, kw_only=True)
class _By:
    """How a client came in, where that has a name."""

    document: str | None
    token: str | None


async def ceiling_of(work: Work, deps: Deps) -> Remit | None:
    """Return what whoever comes in by himself may reach at most. None: nobody comes in."""
    governor = await work.agents.by_name(GOVERNOR)
    remit = await work.agents.remit(governor.id) if governor is not None else None
    ceiling = open_ceiling(governor, remit)
    if ceiling is None:
        return None
    now = deps.clock.now()
    if ceiling.expires_at is not None and now >= ceiling.expires_at:
        return None
    stops = await work.stops.on((Target(TargetKind.AGENT, ceiling.agent),))
    return None if any(stop.in_force(now) for stop in stops) else ceiling


async def _add(
    work: Work,
    registration: Registration,
    owner: UserId,
    ceiling: Remit,
    deps: Deps,
    origin: Origin,
    by: _By,
) -> Registered:
    now = deps.clock.now()
    client_id = ClientId(deps.fresh.id(Prefix.CLIENT))
    agent = Agent(
        id=AgentId(deps.fresh.id(Prefix.AGENT)),
        # Many copies of one program register, and an agent's name is its own.
        name=f"{registration.name} {client_id.removeprefix('cli_')[-8:]}",
        purpose="",
        owner=owner,
        sponsor=None,
        role="",
        model="",
        state=AgentState.ACTIVE,
        created_at=now,
    )
    if not await work.agents.add(agent):
        agent = replace(agent, name=client_id)
        await work.agents.add(agent)
    remit = replace(ceiling, id=RemitId(deps.fresh.id(Prefix.REMIT)), agent=agent.id, version=1)
    await work.agents.publish(remit, at=now)
    client = Client(
        id=client_id,
        agent=agent.id,
        name=registration.name,
        auth_method=registration.auth_method,
        application_type=registration.application_type,
        redirect_uris=registration.redirect_uris,
        grant_types=registration.grant_types,
        default_resource=None,
        default_scopes=registration.scopes,
        jwks=registration.jwks,
        require_signed=registration.require_signed,
        dpop_bound=registration.dpop_bound,
        document=by.document,
        home=registration.home,
        self_registered=True,
        version=1,
        id_token_alg=registration.id_token_alg,
        require_pushed=registration.require_pushed,
        details_types=registration.details_types,
        logout=registration.logout,
        state=ClientState.ACTIVE,
        created_at=now,
    )
    await work.clients.add(client)
    who = replace(origin.nobody(client=client.id), agent=agent.id, owner=owner)
    await work.events.append(AgentCreated(who=who, name=agent.name, state=agent.state), at=now)
    scopes = tuple(f"{key.resource}:{key.name}" for key in sorted(remit.scopes))
    until = remit.expires_at.isoformat(timespec="seconds") if remit.expires_at else None
    published = RemitPublished(who=who, remit=remit.id, version=remit.version, scopes=scopes, expires_at=until)
    await work.events.append(published, at=now)
    await work.events.append(
        ClientRegistered(
            who=who,
            auth_method=client.auth_method,
            grant_types=tuple(sorted(client.grant_types)),
            redirect_uris=client.redirect_uris,
            document=by.document,
            token=by.token,
        ),
        at=now,
    )
    access = None if by.document is not None else await _give_access(work, client, deps)
    if client.auth_method not in SECRET_METHODS:
        return Registered(client=client, secret=None, access=access)
    return Registered(client=client, secret=await give_secret(work, client, deps, who), access=access)


async def _give_access(work: Work, client: Client, deps: Deps) -> Secret:
    opaque, now = deps.fresh.opaque(SecretKind.REGISTRATION), deps.clock.now()
    access = StoredSecret(id=opaque.id, digest=deps.digester.digest(opaque), created_at=now, expires_at=None)
    await work.registrations.set_access(client.id, access)
    return opaque.text()


_DESCRIBED = (
    *("name", "auth_method", "application_type", "redirect_uris", "grant_types", "default_scopes", "jwks", "home"),
    *("id_token_alg", "require_pushed", "require_signed", "dpop_bound", "details_types", "logout"),
)
_SEEN_OR_TRUSTED = frozenset({"name", "auth_method", "redirect_uris", "jwks"})
"""What an approval was given to. A client that changes it is asked about anew (CIMD-14)."""


async def redescribe(work: Work, found: Client, registration: Registration, deps: Deps, who: Who) -> Client:
    """Take over how a client describes itself now: by a registration that it manages, or by its document."""
    wanted = replace(
        found,
        name=registration.name,
        auth_method=registration.auth_method,
        application_type=registration.application_type,
        redirect_uris=registration.redirect_uris,
        grant_types=registration.grant_types,
        default_scopes=registration.scopes,
        jwks=registration.jwks,
        home=registration.home,
        id_token_alg=registration.id_token_alg,
        require_pushed=registration.require_pushed,
        require_signed=registration.require_signed,
        dpop_bound=registration.dpop_bound,
        details_types=registration.details_types,
        logout=registration.logout,
    )
    changed = tuple(name for name in _DESCRIBED if getattr(found, name) != getattr(wanted, name))
    if not changed:
        return found
    if not _SEEN_OR_TRUSTED.isdisjoint(changed):
        wanted = replace(wanted, version=found.version + 1)
    await work.clients.redescribe(wanted)
    event = ClientChanged(who=who, changed=changed, redirect_uris=wanted.redirect_uris)
    await work.events.append(event, at=deps.clock.now())
    return wanted


async def give_secret(work: Work, client: Client, deps: Deps, who: Who) -> Secret:
    """Give a client a secret to prove itself by: told this once."""
    opaque, now = deps.fresh.opaque(SecretKind.CLIENT), deps.clock.now()
    stored = StoredSecret(id=opaque.id, digest=deps.digester.digest(opaque), created_at=now, expires_at=None)
    await work.clients.add_secret(client.id, stored)
    await work.events.append(CredentialAdded(who=who, holder=client.id, credential=stored.id), at=now)
    return opaque.text()


async def _retire_unused(work: Work, now: datetime) -> None:
    """Make room: what registered and was never allowed anything ends here, with its agent."""
    for client in await work.clients.unused(now - UNUSED):
        await work.clients.expire(client.id)
        await work.agents.set_state(client.agent, AgentState.RETIRED)
        reason = "registered itself and was not used within a day"
        event = AgentStateChanged(
            who=replace(SYSTEM, agent=client.agent, client=client.id), state=AgentState.RETIRED, reason=reason
        )
        await work.events.append(event, at=now)
