"""Register resources: the APIs that tokens are for, with scopes in plain words and credentials of their own."""

from __future__ import annotations

from collections.abc import Sequence

from remit.core.audit.events import ResourceCreated, Who
from remit.core.credentials import judge_further
from remit.core.names import Prefix, ResourceId, Secret, SecretKind, TenantId
from remit.core.oauth.verdicts import Refusal
from remit.core.registration import check_details_types, check_name, check_scopes, check_token_seconds, check_uri
from remit.core.resources import Resource, ResourceState, Scope
from remit.ports.deps import Deps
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
    )
    async with deps.db.work(tenant) as work:
        now = deps.clock.now()
        if not await work.resources.add(resource, at=now):
            return Refusal("conflict", f"there is a resource {spelled} in this tenant already")
        names = tuple(scope.name for scope in scopes)
        await work.events.append(ResourceCreated(who=who, uri=spelled, scopes=names), at=now)
    return resource


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
