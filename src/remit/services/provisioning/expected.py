"""Clients that an administrator expects: known by the URL of their document before they ask for the first time."""

from __future__ import annotations

from dataclasses import replace

from remit.core.agents import AgentState
from remit.core.audit.events import ClientChanged, ClientCreated, Who
from remit.core.clients import AuthMethod, Client, ClientState, GrantType
from remit.core.names import AgentId, ClientId, Prefix, TenantId
from remit.core.oauth.documents import flaw_of_url
from remit.core.oauth.redirects import display_host
from remit.core.oauth.verdicts import Refusal
from remit.core.registration import LONGEST_NAME
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.provisioning.agents import NO_AGENT


async def expect_client(tenant: TenantId, deps: Deps, who: Who, *, agent: AgentId, document: str) -> Client | Refusal:
    """Let an agent have the client that a URL describes. It is read when it first asks, whatever hosts are welcome.

    Where it came by itself before, it stays with the agent it got then, and is the administrators' from now on.
    """
    if (flaw := flaw_of_url(document)) is not None:
        return Refusal("invalid_request", f"the document's URL {flaw}")
    async with deps.db.work(tenant) as work:
        found = await work.agents.get(agent)
        if found is None:
            return NO_AGENT
        if found.state is AgentState.RETIRED:
            return Refusal("conflict", "a retired agent gets no new client")
        who = replace(who, agent=found.id, owner=found.owner)
        known = await work.clients.get(ClientId(document))
        if known is not None:
            return await _adopt(work, known, agent, deps, who)
        client = Client(
            id=ClientId(deps.fresh.id(Prefix.CLIENT)),
            agent=agent,
            name=display_host(document)[:LONGEST_NAME],
            auth_method=AuthMethod.NONE,
            application_type="web",
            redirect_uris=(),
            grant_types=frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN}),
            default_resource=None,
            default_scopes=frozenset(),
            jwks=None,
            document=document,
            self_registered=False,
            version=1,
            id_token_alg="RS256",
            state=ClientState.ACTIVE,
            created_at=deps.clock.now(),
        )
        await work.clients.add(client)
        event = ClientCreated(
            who=replace(who, client=client.id), auth_method=client.auth_method, grant_types=tuple(client.grant_types)
        )
        await work.events.append(event, at=client.created_at)
    return client


async def _adopt(work: Work, known: Client, agent: AgentId, deps: Deps, who: Who) -> Client | Refusal:
    if not known.self_registered or known.state is not ClientState.ACTIVE:
        return Refusal("conflict", f"there is a client of this document already: {known.id}, {known.state}")
    if known.agent != agent:
        return Refusal("conflict", f"it came by itself and has an agent: name {known.agent}, and it is adopted there")
    await work.clients.adopt(known.id)
    event = ClientChanged(
        who=replace(who, client=known.id), changed=("self_registered",), redirect_uris=known.redirect_uris
    )
    await work.events.append(event, at=deps.clock.now())
    return replace(known, self_registered=False)
