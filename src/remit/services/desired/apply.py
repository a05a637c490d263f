"""Make a tenant as described, by the use cases that everybody else goes through, some changes in each transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec

from remit.core.agents import Agent, AgentState, ScopeKey
from remit.core.audit.events import Who
from remit.core.clients import Client, Logout
from remit.core.credentials import USUAL_OVERLAP
from remit.core.names import ResourceId, Secret, TenantId, UserId
from remit.core.oauth.verdicts import Refusal
from remit.core.registration import ClientDraft
from remit.core.resources import Resource, ResourceState, Scope
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.desired.export import state_of
from remit.services.desired.plan import Change, Kind, Verb, plan
from remit.services.desired.state import (
    OWN_API,
    AgentDescribed,
    ClientDescribed,
    RemitDescribed,
    ResourceDescribed,
    State,
)
from remit.services.provisioning.agents import NO_AGENT, change_agent, create_agent, publish_remit, set_agent_state
from remit.services.provisioning.changes import change_client, change_resource, retire_client
from remit.services.provisioning.clients import create_client
from remit.services.provisioning.credentials import NO_CLIENT, NO_RESOURCE, rotate_client_keys
from remit.services.provisioning.resources import create_resource
from remit.services.together import together

CHUNK: Final = 50
"""Changes in one transaction: nobody waits long for his turn meanwhile."""

REASON: Final = "no file describes it any more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A change that was made, the id of what it is about, and a new client's secret: told this once."""

    change: Change
    id: str
    secret: Secret | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What was done, and what ended it early. Whatever was done stays done: apply again once it is mended."""

    done: tuple[Done, ...]
    failed: Change | None = None
    refusal: Refusal | None = None


async def plan_for(tenant: TenantId, deps: Deps, wanted: State, *, prune: bool = False) -> tuple[Change, ...] | Refusal:
    """Return what `apply_changes` would have to do."""
    async with deps.db.read(tenant) as work:
        return plan(await state_of(work), wanted, prune=prune)


async def try_changes(tenant: TenantId, deps: Deps, who: Who, changes: Sequence[Change]) -> Applied:
    """Make all changes in one transaction and keep nothing: what would be refused is refused."""

    async def body(work: Work, inside: Deps) -> Applied:
        return await make_changes(work, tenant, inside, who, changes)

    return await together(tenant, deps, body, keep=lambda _: False)


async def apply_changes(tenant: TenantId, deps: Deps, who: Who, changes: Sequence[Change]) -> Applied:
    """Make the changes, some in each transaction; stop at the first that is refused, whose transaction is undone."""
    done: list[Done] = []
    for start in range(0, len(changes), CHUNK):
        chunk = changes[start : start + CHUNK]

        async def body(work: Work, inside: Deps, chunk: Sequence[Change] = chunk) -> Applied:
            return await make_changes(work, tenant, inside, who, chunk)

        applied = await together(tenant, deps, body, keep=lambda applied: applied.refusal is None)
        if applied.refusal is not None:
            return Applied(done=tuple(done), failed=applied.failed, refusal=applied.refusal)
        done += applied.done
    return Applied(done=tuple(done))


async def make_changes(work: Work, tenant: TenantId, deps: Deps, who: Who, changes: Sequence[Change]) -> Applied:
    """Make changes in a work that is open, up to the first that is refused: then nothing of it may be kept."""
    making = _Making(work, tenant, deps, who)
    done: list[Done] = []
    for change in changes:
        outcome = await making.make(change)
        if isinstance(outcome, Refusal):
            return Applied(done=tuple(done), failed=change, refusal=outcome)
        done.append(outcome)
    return Applied(done=tuple(done))


class _Making:
    """One transaction while changes are made in it."""

    def __init__(self, work: Work, tenant: TenantId, deps: Deps, who: Who) -> None:
        self._work = work
        self._tenant = tenant
        self._deps = deps
        self._who = who

    async def make(self, change: Change) -> Done | Refusal:
        made: str | Refusal
        match change.wanted:
            case None:
                made = await self._end(change)
            case ResourceDescribed() as wanted:
                made = await self._resource(change, wanted)
            case AgentDescribed() as wanted:
                made = await self._agent(change, wanted)
            case RemitDescribed() as wanted:
                made = await self._remit(change, wanted)
            case ClientDescribed() as wanted:
                return await self._client(change, wanted)
        return made if isinstance(made, Refusal) else Done(change=change, id=made)

    async def _resource(self, change: Change, wanted: ResourceDescribed) -> str | Refusal:
        scopes = tuple(
            Scope(name=scope.name, sentence=scope.sentence, risk=scope.risk, sensitive=scope.sensitive)
            for scope in wanted.scopes
        )
        found = await self._work.resources.by_uri(wanted.uri)
        if found is None:
            new = await create_resource(
                self._tenant,
                self._deps,
                self._who,
                uri=wanted.uri,
                name=wanted.name,
                scopes=scopes,
                token_seconds=wanted.token_seconds,
                dpop_bound=wanted.dpop_bound,
                details_types=frozenset(wanted.details_types),
            )
            if isinstance(new, Refusal):
                return new
            found = new
        told = replace(
            found,
            name=wanted.name,
            scopes=scopes,
            state=wanted.state,
            token_seconds=wanted.token_seconds,
            dpop_bound=wanted.dpop_bound,
            details_types=frozenset(wanted.details_types),
        )
        made = await change_resource(self._tenant, self._deps, self._who, told)
        return made if isinstance(made, Refusal) else made.id

    async def _agent(self, change: Change, wanted: AgentDescribed) -> str | Refusal:
        owner = await self._person("owner", wanted.owner)
        sponsor = await self._person("sponsor", wanted.sponsor)
        for person in (owner, sponsor):
            if isinstance(person, Refusal):
                return person
        assert not isinstance(owner, Refusal) and not isinstance(sponsor, Refusal)  # noqa: S101, PT018 - seen above
        active = wanted.state == "active"
        made: Agent | Refusal
        if change.verb is Verb.CREATE:
            made = await create_agent(
                self._tenant,
                self._deps,
                self._who,
                name=wanted.name,
                purpose=wanted.purpose,
                owner=owner,
                sponsor=sponsor,
                role=wanted.role,
                model=wanted.model,
                active=active,
            )
            return made if isinstance(made, Refusal) else await self._serve(made, wanted)
        found = await self._work.agents.by_name(wanted.name)
        if found is None:
            return NO_AGENT
        told = replace(
            found, purpose=wanted.purpose, owner=owner, sponsor=sponsor, role=wanted.role, model=wanted.model
        )
        made = await change_agent(self._tenant, self._deps, self._who, told)
        if not isinstance(made, Refusal) and active and found.state is AgentState.STAGED:
            made = await set_agent_state(
                self._tenant,
                self._deps,
                self._who,
                agent=found.id,
                state=AgentState.ACTIVE,
                reason="a file says so",
            )
        return made if isinstance(made, Refusal) else await self._serve(made, wanted)

    async def _serve(self, agent: Agent, wanted: AgentDescribed) -> str | Refusal:
        """Let the agent answer at the resources that are named, and at no others."""
        served = [resource for resource in await self._work.resources.list() if resource.served_by == agent.id]
        changes = [replace(resource, served_by=None) for resource in served if resource.uri not in wanted.serves]
        for uri in wanted.serves:
            resource = await self._resource_of(uri)
            if isinstance(resource, Refusal):
                return resource
            changes.append(replace(resource, served_by=agent.id))
        for resource in changes:
            made = await change_resource(self._tenant, self._deps, self._who, resource)
            if isinstance(made, Refusal):
                return made
        return agent.id

    async def _remit(self, change: Change, wanted: RemitDescribed) -> str | Refusal:
        agent = await self._work.agents.by_name(change.name)
        if agent is None:
            return NO_AGENT
        keys: set[ScopeKey] = set()
        for uri, names in wanted.scopes.items():
            resource = await self._resource_of(uri)
            if isinstance(resource, Refusal):
                return resource
            keys |= {ScopeKey(resource.id, name) for name in names}
        made = await publish_remit(
            self._tenant,
            self._deps,
            self._who,
            agent=agent.id,
            scopes=frozenset(keys),
            expires_at=wanted.expires_at,
            token_seconds=wanted.token_seconds,
            dpop_bound=wanted.dpop_bound,
        )
        return made if isinstance(made, Refusal) else made.id

    async def _client(self, change: Change, wanted: ClientDescribed) -> Done | Refusal:
        agent = await self._work.agents.by_name(wanted.agent)
        if agent is None:
            return Refusal("not_found", f"no such agent in this tenant: {wanted.agent}")
        resource = None
        if wanted.default_resource is not None:
            found_resource = await self._resource_of(wanted.default_resource)
            if isinstance(found_resource, Refusal):
                return found_resource
            resource = found_resource.id
        jwks = None if wanted.jwks is None else msgspec.json.encode(wanted.jwks).decode()
        if change.verb is Verb.CREATE:
            draft = ClientDraft(
                agent=agent.id,
                name=wanted.name,
                auth_method=wanted.auth_method,
                grant_types=frozenset(wanted.grant_types),
                redirect_uris=tuple(wanted.redirect_uris),
                application_type=wanted.application_type,
                default_resource=resource,
                default_scopes=frozenset(wanted.default_scopes),
                jwks=jwks,
                id_token_alg=wanted.id_token_alg,
                require_pushed=wanted.require_pushed,
                require_signed=wanted.require_signed,
                dpop_bound=wanted.dpop_bound,
                details_types=frozenset(wanted.details_types),
                logout=_logout(wanted),
            )
            new = await create_client(self._tenant, self._deps, self._who, draft)
            return new if isinstance(new, Refusal) else Done(change=change, id=new.client.id, secret=new.secret)
        found = await self._work.clients.by_name(wanted.name)
        if found is None:
            return NO_CLIENT
        if jwks is not None and change.touches("jwks"):
            rotated = await rotate_client_keys(
                self._tenant, self._deps, self._who, client=found.id, jwks=jwks, overlap=USUAL_OVERLAP
            )
            if isinstance(rotated, Refusal):
                return rotated
            found = await self._work.clients.get(found.id) or found
        made = await change_client(self._tenant, self._deps, self._who, _told(found, wanted, resource))
        return made if isinstance(made, Refusal) else Done(change=change, id=made.id)

    async def _end(self, change: Change) -> str | Refusal:
        made: Client | Agent | Resource | Refusal
        match change.kind:
            case Kind.CLIENT:
                client = await self._work.clients.by_name(change.name)
                if client is None:
                    return NO_CLIENT
                made = await retire_client(self._tenant, self._deps, self._who, client=client.id, reason=REASON)
            case Kind.RESOURCE:
                resource = await self._work.resources.by_uri(change.name)
                if resource is None:
                    return NO_RESOURCE
                disabled = replace(resource, state=ResourceState.DISABLED)
                made = await change_resource(self._tenant, self._deps, self._who, disabled)
            case Kind.AGENT | Kind.REMIT:
                agent = await self._work.agents.by_name(change.name)
                if agent is None:
                    return NO_AGENT
                made = await set_agent_state(
                    self._tenant, self._deps, self._who, agent=agent.id, state=AgentState.RETIRED, reason=REASON
                )
        return made if isinstance(made, Refusal) else made.id

    async def _resource_of(self, uri: str) -> Resource | Refusal:
        own = (await self._work.tenants.current()).api
        found = await self._work.resources.by_uri(own if uri == OWN_API else uri)
        return Refusal("not_found", f"no such resource in this tenant: {uri}") if found is None else found

    async def _person(self, what: str, address: str | None) -> UserId | Refusal | None:
        if address is None:
            return None
        found = await self._work.users.by_email(address)
        if found is None:
            return Refusal("not_found", f"the {what} {address} is no user of this tenant")
        return found.id


def _told(found: Client, wanted: ClientDescribed, resource: ResourceId | None) -> Client:
    return replace(
        found,
        redirect_uris=tuple(wanted.redirect_uris),
        grant_types=frozenset(wanted.grant_types),
        default_resource=resource,
        default_scopes=frozenset(wanted.default_scopes),
        id_token_alg=wanted.id_token_alg,
        require_pushed=wanted.require_pushed,
        require_signed=wanted.require_signed,
        dpop_bound=wanted.dpop_bound,
        details_types=frozenset(wanted.details_types),
        logout=_logout(wanted),
    )


def _logout(wanted: ClientDescribed) -> Logout:
    return Logout(
        redirect_uris=tuple(wanted.post_logout_redirect_uris),
        backchannel_uri=wanted.backchannel_logout_uri,
        backchannel_session=wanted.backchannel_logout_session_required,
    )
