"""Register clients: how an agent speaks OAuth, and what it proves itself by."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from remit.core.agents import Agent, AgentState
from remit.core.audit.events import ClientCreated, Who
from remit.core.clients import Client, ClientState
from remit.core.credentials import judge_further
from remit.core.names import ClientId, Prefix, Secret, SecretKind, TenantId
from remit.core.oauth.scopes import IDENTITY_SCOPES
from remit.core.oauth.verdicts import Refusal
from remit.core.registration import ClientDraft, check_client, check_end, check_known
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.provisioning.agents import NO_AGENT
from remit.services.provisioning.credentials import NO_CLIENT, SECRET_METHODS, of_client, proven_otherwise, store_secret


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClient:
    """A client, and its first secret where its method has one: told this once."""

    client: Client
    secret: Secret | None = field(repr=False)


async def create_client(tenant: TenantId, deps: Deps, who: Who, draft: ClientDraft) -> NewClient | Refusal:
    """Register a client of an agent, with its first secret in the same work where it has one."""
    if (flaw := check_client(draft)) is not None:
        return flaw
    if draft.jwks is not None and (clause := deps.keyring.flaw_of_jwks(draft.jwks)) is not None:
        return Refusal("invalid_request", f"the client's key set {clause}")
    client = _client(draft, deps)
    opaque = deps.fresh.opaque(SecretKind.CLIENT) if draft.auth_method in SECRET_METHODS else None
    async with deps.db.work(tenant) as work:
        agent = await work.agents.get(draft.agent)
        if agent is None:
            return NO_AGENT
        if (flaw := await _misfit(work, agent, draft)) is not None:
            return flaw
        await work.clients.add(client)
        who = replace(who, agent=agent.id, owner=agent.owner, client=client.id)
        grant_types = tuple(sorted(client.grant_types))
        event = ClientCreated(who=who, auth_method=client.auth_method, grant_types=grant_types)
        await work.events.append(event, at=client.created_at)
        if opaque is not None:
            await store_secret(of_client(work, client.id), opaque, deps, who)
    return NewClient(client=client, secret=opaque.text() if opaque is not None else None)


async def add_client_secret(
    tenant: TenantId, deps: Deps, who: Who, *, client: ClientId, expires_at: datetime | None = None
) -> Secret | Refusal:
    """Give a client a further secret, told this once; those it has stay good, so it can change over in peace."""
    if (flaw := check_end("secret", expires_at, now=deps.clock.now())) is not None:
        return flaw
    opaque = deps.fresh.opaque(SecretKind.CLIENT)
    async with deps.db.work(tenant) as work:
        party = await work.clients.party(client)
        if party is None:
            return NO_CLIENT
        flaw = proven_otherwise(party.client)
        flaw = flaw or judge_further(await work.clients.secrets(client), now=deps.clock.now())
        if flaw is not None:
            return flaw
        who = replace(who, agent=party.agent.id, owner=party.agent.owner, client=client)
        await store_secret(of_client(work, client), opaque, deps, who, expires_at=expires_at)
    return opaque.text()


async def _misfit(work: Work, agent: Agent, draft: ClientDraft) -> Refusal | None:
    """Say what in this tenant the client does not fit to."""
    if agent.state is AgentState.RETIRED:
        return Refusal("conflict", "a retired agent gets no new client")
    # A name is how people and commands call a client, so two of one name would be a trap.
    if (namesake := await work.clients.by_name(draft.name)) is not None and not namesake.self_registered:
        return Refusal("conflict", f"there is a client `{draft.name}` in this tenant already: choose another name")
    if draft.default_resource is None:
        return None
    resource = await work.resources.get(draft.default_resource)
    if resource is None:
        return Refusal("not_found", "no such resource in this tenant")
    return check_known(draft.default_scopes - IDENTITY_SCOPES, resource)


def _client(draft: ClientDraft, deps: Deps) -> Client:
    return Client(
        id=ClientId(deps.fresh.id(Prefix.CLIENT)),
        agent=draft.agent,
        name=draft.name,
        auth_method=draft.auth_method,
        application_type=draft.application_type,
        redirect_uris=draft.redirect_uris,
        grant_types=draft.grant_types,
        default_resource=draft.default_resource,
        default_scopes=draft.default_scopes,
        jwks=draft.jwks,
        self_registered=False,
        version=1,
        id_token_alg=draft.id_token_alg,
        require_pushed=draft.require_pushed,
        require_signed=draft.require_signed,
        dpop_bound=draft.dpop_bound,
        details_types=draft.details_types,
        logout=draft.logout,
        state=ClientState.ACTIVE,
        created_at=deps.clock.now(),
    )
