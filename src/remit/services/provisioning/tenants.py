"""Create a tenant: its row, its signing keys and its own API, all or nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from remit.core.audit.events import KeyStateChanged, ResourceCreated, TenantCreated, Who
from remit.core.keys import USES, KeyState, KeyUse, SigningKey
from remit.core.names import Prefix, ResourceId, TenantId
from remit.core.oauth.verdicts import Refusal
from remit.core.permissions import API_SCOPES
from remit.core.registration import check_name, check_slug
from remit.core.resources import Resource, ResourceState
from remit.core.tenants import Tenant, TenantState, issuer_of
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.origin import Origin
from remit.services.provisioning.instance import agree, base_url_fact
from remit.services.together import together

_WITHOUT_NEXT = frozenset({KeyUse.AUDIT})
"""Nobody fetches audit keys ahead of time, so none has to be published before it signs."""


async def create_tenant(
    deps: Deps, origin: Origin, *, slug: str, name: str, base_url: str, who: Who | None = None, keep: bool = True
) -> Tenant | Refusal:
    """Create a tenant with an active and a next key for everything it signs. Refuses a slug that is taken.

    Without `keep` everything is tried and nothing stays.
    """
    if (flaw := check_slug(slug) or check_name("tenant", name)) is not None:
        return flaw
    tenant = Tenant(
        id=TenantId(deps.fresh.id(Prefix.TENANT)),
        slug=slug,
        name=name,
        issuer=issuer_of(base_url, slug),
        state=TenantState.ACTIVE,
        rights_on=False,
    )
    await agree(deps.db, base_url_fact(deps.base_url))
    # RSA keys take a moment to find, so they are made before the work and away from the event loop.
    keys = await asyncio.to_thread(_first_keys, tenant, deps)
    api = _own_api(tenant, deps)
    who = who or origin.operator("system", "remit")
    now = deps.clock.now()

    async def body(work: Work, _: Deps) -> Tenant | Refusal:
        if not await work.tenants.add(tenant, at=now):
            return Refusal("conflict", f"there is a tenant `{slug}` already: choose another slug")
        if (await work.tenants.current()).issuer != tenant.issuer:
            raise ValueError("the issuer of a tenant follows from the base URL of this server and the slug")
        await work.events.append(TenantCreated(who=who, tenant=tenant.id, slug=slug), at=now)
        for key in keys:
            await work.keys.add(key)
            event = KeyStateChanged(who=who, kid=key.kid, alg=key.alg, use=key.use, state=key.state)
            await work.events.append(event, at=now)
        await work.resources.add(api, at=now)
        names = tuple(scope.name for scope in api.scopes)
        await work.events.append(ResourceCreated(who=who, uri=api.uri, scopes=names), at=now)
        return tenant

    return await together(tenant.id, deps, body, keep=lambda outcome: keep and not isinstance(outcome, Refusal))


def _first_keys(tenant: Tenant, deps: Deps) -> tuple[SigningKey, ...]:
    keys: list[SigningKey] = []
    for use, alg in USES:
        keys.append(replace(deps.keyring.create(tenant, use, alg, now=deps.clock.now()), state=KeyState.ACTIVE))
        if use not in _WITHOUT_NEXT:
            keys.append(deps.keyring.create(tenant, use, alg, now=deps.clock.now()))
    return tuple(keys)


def _own_api(tenant: Tenant, deps: Deps) -> Resource:
    return Resource(
        id=ResourceId(deps.fresh.id(Prefix.RESOURCE)),
        uri=tenant.api,
        name=f"{tenant.name} administration",
        state=ResourceState.ACTIVE,
        token_seconds=None,
        scopes=API_SCOPES,
    )
