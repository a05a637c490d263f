"""Change what is registered: resources with their scopes, clients, users. Whoever calls names how it shall be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from remit.core.audit.events import ClientChanged, ClientRetired, ResourceChanged, UserChanged, Who
from remit.core.clients import Client, ClientState
from remit.core.names import ClientId, TenantId
from remit.core.oauth.scopes import IDENTITY_SCOPES
from remit.core.oauth.verdicts import Refusal
from remit.core.registration import (
    ClientDraft,
    check_client,
    check_details_types,
    check_known,
    check_name,
    check_scopes,
    check_text,
    check_token_seconds,
)
from remit.core.resources import Resource
from remit.core.stops import Target, TargetKind
from remit.core.users import Role, User
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.provisioning.credentials import NO_CLIENT, NO_RESOURCE
from remit.services.provisioning.resources import judge_server
from remit.services.provisioning.users import NO_USER, judge_last_administrator
from remit.services.stop_rows import put_row

_OF_RESOURCE = ("name", "state", "token_seconds", "scopes", "details_types", "served_by", "dpop_bound")
_OF_CLIENT = (
    *("name", "redirect_uris", "grant_types", "default_resource", "default_scopes", "id_token_alg"),
    *("require_pushed", "require_signed", "dpop_bound", "details_types", "logout"),
)
_SEEN_BY_PEOPLE = frozenset({"name", "redirect_uris"})
"""What a user read before he agreed; remembered consent does not outlive a change of it (CON-3)."""

_OF_USER = ("name", "role")


async def change_resource(tenant: TenantId, deps: Deps, who: Who, wanted: Resource) -> Resource | Refusal:
    """Make a resource what is wanted in everything but its URI.

    A scope that goes is in no token from now on, whatever grants and remits say; where it comes back, they hold again.
    """
    flaw = check_name("resource", wanted.name) or check_token_seconds(wanted.token_seconds)
    flaw = flaw or check_scopes(wanted.scopes) or check_details_types(wanted.details_types)
    if flaw is not None:
        return flaw
    async with deps.db.work(tenant) as work:
        found = await work.resources.get(wanted.id)
        if found is None:
            return NO_RESOURCE
        wanted = replace(wanted, uri=found.uri)
        changed = _changed(found, wanted, _OF_RESOURCE)
        if not changed:
            return found
        if found.uri == (await work.tenants.current()).api:
            return Refusal("conflict", "the tenant's own API is what this version of Remit makes it")
        if wanted.served_by != found.served_by and (flaw := await judge_server(work, wanted.served_by)) is not None:
            return flaw
        await work.resources.change(wanted)
        gone = found.scope_names - wanted.scope_names
        replaced = found.served_by is not None and wanted.served_by != found.served_by
        less = wanted.state is not found.state or found.details_types - wanted.details_types
        if gone or replaced or less or wanted.dpop_bound > found.dpop_bound:
            # Guards read tokens without asking; the epoch refuses those that still name what is gone, those that an
            # agent which answers here no longer got by showing what was sent here, and those that are bound to no key.
            target = Target(TargetKind.RESOURCE, found.id)
            await put_row(work, target, deps, who, reason="the resource offers less", over_at_once=True)
        event = ResourceChanged(
            who=replace(who, resource=found.uri),
            uri=found.uri,
            changed=changed,
            scopes=tuple(scope.name for scope in wanted.scopes),
            removed=tuple(sorted(gone)),
        )
        await work.events.append(event, at=deps.clock.now())
    return wanted


async def change_client(tenant: TenantId, deps: Deps, who: Who, wanted: Client) -> Client | Refusal:
    """Make a client what is wanted in what may change. Its agent and its way to prove itself may not."""
    async with deps.db.work(tenant) as work:
        party = await work.clients.party(wanted.id)
        if party is None:
            return NO_CLIENT
        found = party.client
        wanted = replace(found, **{name: getattr(wanted, name) for name in _OF_CLIENT})
        changed = _changed(found, wanted, _OF_CLIENT)
        if not changed:
            return found
        if (flaw := await _judge_client(work, found, wanted)) is not None:
            return flaw
        if not _SEEN_BY_PEOPLE.isdisjoint(changed):
            wanted = replace(wanted, version=found.version + 1)
        await work.clients.change(wanted)
        if wanted.dpop_bound > found.dpop_bound:
            target = Target(TargetKind.CLIENT, found.id)
            await put_row(work, target, deps, who, reason="its tokens are bound to its key", over_at_once=True)
        event = ClientChanged(
            who=replace(who, agent=party.agent.id, owner=party.agent.owner, client=found.id),
            changed=changed,
            redirect_uris=wanted.redirect_uris,
        )
        await work.events.append(event, at=deps.clock.now())
    return wanted


async def retire_client(tenant: TenantId, deps: Deps, who: Who, *, client: ClientId, reason: str) -> Client | Refusal:
    """Retire a client for ever: nothing it has is good any more."""
    if (flaw := check_text("reason", reason)) is not None:
        return flaw
    async with deps.db.work(tenant) as work:
        party = await work.clients.party(client)
        if party is None:
            return NO_CLIENT
        if party.client.state is not ClientState.ACTIVE:
            return Refusal("conflict", f"this client is {party.client.state} already")
        await work.clients.retire(client)
        who = replace(who, agent=party.agent.id, owner=party.agent.owner, client=client)
        await put_row(work, Target(TargetKind.CLIENT, client), deps, who, reason=reason, over_at_once=True)
        await work.events.append(ClientRetired(who=who, reason=reason), at=deps.clock.now())
    return replace(party.client, state=ClientState.RETIRED)


async def change_user(tenant: TenantId, deps: Deps, who: Who, wanted: User) -> User | Refusal:
    """Give a user another name or role. Somebody must be able to administer the tenant afterwards."""
    if (flaw := check_name("user", wanted.name)) is not None:
        return flaw
    async with deps.db.work(tenant) as work:
        found = await work.users.get(wanted.id)
        if found is None:
            return NO_USER
        wanted = replace(found, name=wanted.name, role=wanted.role)
        changed = _changed(found, wanted, _OF_USER)
        if not changed:
            return found
        if wanted.role is not Role.ADMIN and (flaw := await judge_last_administrator(work, found)) is not None:
            return flaw
        await work.users.change(wanted)
        event = UserChanged(who=who, subject=found.id, changed=changed, role=wanted.role)
        await work.events.append(event, at=deps.clock.now())
    return wanted


def _changed(found: object, wanted: object, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if getattr(found, name) != getattr(wanted, name))


async def _judge_client(work: Work, found: Client, wanted: Client) -> Refusal | None:
    if found.state is not ClientState.ACTIVE:
        return Refusal("conflict", f"a client that is {found.state} stays as it was")
    if found.document is not None and any(
        getattr(found, name) != getattr(wanted, name) for name in _OF_CLIENT if name != "default_resource"
    ):
        return Refusal("conflict", "its document says what it is; only its default resource is chosen here")
    flaw = check_client(
        ClientDraft(
            agent=wanted.agent,
            name=wanted.name,
            auth_method=wanted.auth_method,
            grant_types=wanted.grant_types,
            redirect_uris=wanted.redirect_uris,
            application_type=wanted.application_type,
            default_resource=wanted.default_resource,
            default_scopes=wanted.default_scopes,
            jwks=wanted.jwks,
            id_token_alg=wanted.id_token_alg,
            require_pushed=wanted.require_pushed,
            require_signed=wanted.require_signed,
            dpop_bound=wanted.dpop_bound,
            details_types=wanted.details_types,
            logout=wanted.logout,
        )
    )
    if flaw is not None:
        return flaw
    namesake = await work.clients.by_name(wanted.name)
    if namesake is not None and namesake.id != wanted.id and not namesake.self_registered:
        return Refusal("conflict", f"there is a client `{wanted.name}` in this tenant already: choose another name")
    if wanted.default_resource is None:
        return None
    resource = await work.resources.get(wanted.default_resource)
    return NO_RESOURCE if resource is None else check_known(wanted.default_scopes - IDENTITY_SCOPES, resource)
