"""Register resources: the APIs that tokens are for, with scopes in plain words and credentials of their own."""

from __future__ import annotations

from collections.abc import Sequence

from remit.core.agents import AgentState
from remit.core.audit.events import ResourceCreated, Who
from remit.core.credentials import judge_further
from remit.core.names import AgentId, Prefix, ResourceId, Secret, SecretKind, TenantId
from remit.core.oauth.verdicts import Refusal
from remit.core.registration import check_details_types, check_name, check_scopes, check_token_seconds, check_uri
from remit.core.resources import Resource, ResourceState, Scope
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.provisioning.credentials import NO_RESOURCE, of_resource, store_secret


async def create_resource(
    tenant: TenantId,
    deps: Deps,
    who: Who,
    *,
    uri: str,
    name: str,
    scopes: Sequence[Scope],
    token_seconds: int | None = None,
    details_types: frozenset[str] = frozenset(),
    served_by: AgentId | None = None,
    dpop_bound: bool = False,
) -> Resource | Refusal:
    """Register a resource. Refuses a URI that is taken, and scopes nobody could understand."""
    spelled = check_uri(uri)
    if isinstance(spelled, Refusal):
        return spelled
    flaw = check_name("resource", name) or check_scopes(scopes) or check_token_seconds(token_seconds)
    flaw = flaw or check_details_types(details_types)
    if flaw is not None:
        return flaw
    resource = Resource(
        id=ResourceId(deps.fresh.id(Prefix.RESOURCE)),
        uri=spelled,
        name=name,
        state=ResourceState.ACTIVE,
        token_seconds=token_seconds,
        scopes=tuple(scopes),
        details_types=details_types,
        served_by=served_by,
        dpop_bound=dpop_bound,
    )
    async with deps.db.work(tenant) as work:
        now = deps.clock.now()
        if (flaw := await judge_server(work, served_by)) is not None:
            return flaw
        if not await work.resources.add(resource, at=now):
            return Refusal("conflict", f"there is a resource {spelled} in this tenant already")
        names = tuple(scope.name for scope in scopes)
        await work.events.append(ResourceCreated(who=who, uri=spelled, scopes=names), at=now)
    return resource


async def judge_server(work: Work, agent: AgentId | None) -> Refusal | None:
    """Refuse an agent that cannot answer at a resource. None, the agent: nobody acts on with what is shown there."""
    found = None if agent is None else await work.agents.get(agent)
    if agent is not None and (found is None or found.state is AgentState.RETIRED):
        return Refusal("invalid_request", "served_by must be an agent of this tenant that is not retired")
    return None


async def add_resource_secret(tenant: TenantId, deps: Deps, who: Who, *, resource: ResourceId) -> Secret | Refusal:
    """Give a resource a new secret, told this once; those it has stay good. Its id and this are its credentials."""
    opaque = deps.fresh.opaque(SecretKind.RESOURCE)
    async with deps.db.work(tenant) as work:
        if await work.resources.get(resource) is None:
            return NO_RESOURCE
        if (flaw := judge_further(await work.resources.secrets(resource), now=deps.clock.now())) is not None:
            return flaw
        await store_secret(of_resource(work, resource), opaque, deps, who)
    return opaque.text()
