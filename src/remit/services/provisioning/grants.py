"""Approve an agent that acts for itself: the admin grant behind client_credentials."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from remit.core.audit.events import GrantApproved, Who
from remit.core.authority import attenuate, of_remit, of_resource
from remit.core.clients import GrantType, Party
from remit.core.grants import Grant, GrantState
from remit.core.names import ClientId, GrantId, Prefix, ResourceId, TenantId, UserId
from remit.core.oauth.verdicts import Refusal
from remit.core.registration import check_end, check_known
from remit.core.resources import Resource
from remit.core.stops import Target, TargetKind
from remit.core.users import Role, UserState
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.provisioning.credentials import NO_CLIENT
from remit.services.stop_rows import stop_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """The grant, and the scopes that the agent's remit does not let it have."""

    grant: Grant
    removed: frozenset[str]


async def approve_agent(
    tenant: TenantId,
    deps: Deps,
    who: Who,
    *,
    client: ClientId,
    resource: ResourceId,
    scopes: frozenset[str],
    approver: UserId | None = None,
    expires_at: datetime | None = None,
) -> Approved | Refusal:
    """Let a client act for its agent itself, within the agent's remit. A new approval takes the place of an old one.

    `approver` is the administrator who says yes; None on the machine itself, where `who` is all there is to tell.
    """
    async with deps.db.work(tenant) as work:
        now = deps.clock.now()
        party = await work.clients.party(client)
        if party is None:
            return NO_CLIENT
        found = await work.resources.get(resource)
        if found is None:
            return Refusal("not_found", "no such resource in this tenant")
        flaw = _judge(party, found, scopes) or check_end("grant", expires_at, now=now)
        if flaw is None and approver is not None:
            flaw = await _judge_approver(work, approver)
        if flaw is not None or party.remit is None:
            return flaw or NO_REMIT
        authority = attenuate(scopes, (of_resource(found), of_remit(party.remit, found)), now=now)
        if not authority.scopes:
            return Refusal("forbidden", "the agent's remit allows none of these scopes: widen the remit first")
        who = replace(
            who,
            agent=party.agent.id,
            owner=party.agent.owner,
            client=client,
            approver=approver,
            resource=found.uri,
            purpose=party.agent.purpose,
        )
        old = await work.grants.of_agent(client, resource)
        if old is not None:
            # What the old approval let out must not outlive it.
            target = Target(TargetKind.GRANT, old.id)
            await stop_in(work, target, deps, replace(who, grant=old.id), reason="replaced by a new approval")
        grant = Grant(
            id=GrantId(deps.fresh.id(Prefix.GRANT)),
            user=None,
            agent=party.agent.id,
            client=client,
            resource=resource,
            scopes=authority.scopes,
            purpose=party.agent.purpose,
            approver=approver,
            state=GrantState.ACTIVE,
            created_at=now,
            expires_at=expires_at,
        )
        await work.grants.add(grant)
        await work.events.append(
            GrantApproved(
                who=replace(who, grant=grant.id),
                scopes=tuple(sorted(grant.scopes)),
                until=expires_at.isoformat(timespec="seconds") if expires_at else None,
            ),
            at=now,
        )
    return Approved(grant=grant, removed=scopes - authority.scopes)


NO_REMIT = Refusal("forbidden", "the agent has no remit yet: publish one first")


def _judge(party: Party, resource: Resource, scopes: frozenset[str]) -> Refusal | None:
    if party.client.public or GrantType.CLIENT_CREDENTIALS not in party.client.grant_types:
        return Refusal(
            "conflict", "this client is not registered for client_credentials, so nothing could use the grant"
        )
    if not scopes:
        return Refusal("invalid_request", "name at least one scope to approve")
    return check_known(scopes, resource) or (NO_REMIT if party.remit is None else None)


async def _judge_approver(work: Work, approver: UserId) -> Refusal | None:
    user = await work.users.get(approver)
    if user is None or user.state is not UserState.ACTIVE or user.role is not Role.ADMIN:
        return Refusal("forbidden", "the approver must be an active administrator of this tenant")
    return None
