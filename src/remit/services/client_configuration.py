"""A client manages its own registration (RFC 7592): it reads it, replaces it, and gives it up."""

from __future__ import annotations

from dataclasses import replace

from remit.core.agents import AgentState
from remit.core.audit.events import (
    AgentStateChanged,
    ClientRetired,
    RegistrationRefused,
    Who,
)
from remit.core.clients import Client, ClientState, Party
from remit.core.names import ClientId, Secret, SecretKind, TenantId, parse_opaque
from remit.core.oauth.verdicts import Refusal
from remit.core.self_registration import ClientMetadata, judge_metadata, open_types
from remit.core.stops import Target, TargetKind
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.client_auth import proves
from remit.services.origin import Origin
from remit.services.provisioning.credentials import SECRET_METHODS
from remit.services.registration import Registered, give_secret, redescribe
from remit.services.stop_rows import put_row

STRANGER = Refusal(
    "invalid_token", "no registration is managed with this token: it is another client's, or the registration is over"
)
"""One answer to every token that is not this client's, and to every client that there is not (RFC 7592 §2.1)."""


async def read_registration(
    tenant: TenantId, client: str, access: Secret, deps: Deps, origin: Origin
) -> Registered | Refusal:
    """Tell a client what it is registered as."""
    async with deps.db.read(tenant) as work:
        party = await _own(work, client, access, deps)
    if isinstance(party, Refusal):
        async with deps.db.work(tenant) as work:
            return await _refuse(work, party, origin.nobody(), deps)
    return Registered(client=party.client, secret=None, access=access)


async def replace_registration(
    tenant: TenantId, client: str, access: Secret, said: ClientMetadata | Refusal, deps: Deps, origin: Origin
) -> Registered | Refusal:
    """Register a client anew under the id and the ceiling that it has. What it leaves out is as if it never said it."""
    async with deps.db.work(tenant) as work:
        party = await _own(work, client, access, deps)
        if isinstance(party, Refusal):
            return await _refuse(work, party, origin.nobody(), deps)
        who = origin.party(party)
        changed = said if isinstance(said, Refusal) else await _replace(work, party, said, deps, who)
        if isinstance(changed, Refusal):
            return await _refuse(work, changed, who, deps)
        return replace(changed, access=access)


async def give_up_registration(
    tenant: TenantId, client: str, access: Secret, deps: Deps, origin: Origin
) -> Refusal | None:
    """End a client at its own wish: its tokens, its grants and its agent with it."""
    async with deps.db.work(tenant) as work:
        party = await _own(work, client, access, deps)
        if isinstance(party, Refusal):
            return await _refuse(work, party, origin.nobody(), deps)
        who, now, reason = origin.party(party), deps.clock.now(), "gave up its registration"
        await work.clients.retire(party.client.id)
        target = Target(TargetKind.CLIENT, party.client.id)
        await put_row(work, target, deps, who, reason=reason, over_at_once=True)
        await work.events.append(ClientRetired(who=who, reason=reason), at=now)
        await work.agents.set_state(party.agent.id, AgentState.RETIRED)
        await work.events.append(AgentStateChanged(who=who, state=AgentState.RETIRED, reason=reason), at=now)
    return None


async def _own(work: Work, client: str, access: Secret, deps: Deps) -> Party | Refusal:
    """Return the client whose registration this token manages."""
    opaque = parse_opaque(access.reveal(), SecretKind.REGISTRATION)
    party = await work.clients.party(ClientId(client))
    stored = await work.registrations.access(party.client.id) if party is not None else None
    if opaque is None or party is None or stored is None or stored.id != opaque.id:
        return STRANGER
    if not deps.digester.matches(opaque, stored.digest):
        return STRANGER
    # One that an administrator took over is no longer its own to change.
    live = party.client.state is ClientState.ACTIVE and party.client.self_registered
    return party if live else STRANGER


async def _replace(work: Work, party: Party, said: ClientMetadata, deps: Deps, who: Who) -> Registered | Refusal:
    found = party.client
    if said.client_id != found.id:
        return Refusal("invalid_client_metadata", "send client_id: the one whose registration this is")
    if said.holds_secret and not await _knows_secret(work, found, said, deps):
        return Refusal("invalid_client_metadata", "client_secret is not the client's: leave it out, we choose secrets")
    known = frozenset(key.name for key in party.remit.scopes) if party.remit is not None else frozenset[str]()
    allowed = open_types(device_flow=(await work.tenants.current()).device_flow)
    registration = judge_metadata(said, known=known, allowed=allowed)
    if isinstance(registration, Refusal):
        return registration
    if registration.jwks is not None and (clause := deps.keyring.flaw_of_jwks(registration.jwks)) is not None:
        return Refusal("invalid_client_metadata", f"the key set {clause}")
    wanted = await redescribe(work, found, registration, deps, who)
    return Registered(client=wanted, secret=await _missing_secret(work, wanted, deps, who))


async def _missing_secret(work: Work, client: Client, deps: Deps, who: Who) -> Secret | None:
    """Give a secret to a client whose method needs one now, and that has none."""
    now = deps.clock.now()
    if client.auth_method not in SECRET_METHODS or any(
        secret.usable(now) for secret in await work.clients.secrets(client.id)
    ):
        return None
    return await give_secret(work, client, deps, who)


async def _knows_secret(work: Work, client: Client, said: ClientMetadata, deps: Deps) -> bool:
    secrets = await work.clients.secrets(client.id)
    return said.secret is not None and proves(work, client.id, said.secret, secrets, SecretKind.CLIENT, deps)


async def _refuse(work: Work, refusal: Refusal, who: Who, deps: Deps) -> Refusal:
    event = RegistrationRefused(who=who, code=refusal.code, reason=refusal.hint)
    await work.events.tally(event, reason=f"{refusal.code}: {refusal.hint}", at=deps.clock.now())
    return refusal
