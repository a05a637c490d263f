"""Find what a person named: by id, or by the name that only one thing has."""

from __future__ import annotations

from typing import TypeVar

from remit.cli.exits import NOT_FOUND
from remit.cli.here import Ended, end
from remit.core.agents import Agent
from remit.core.clients import Client
from remit.core.names import AgentId, ClientId, ResourceId, UserId
from remit.core.resources import Resource
from remit.core.stops import Target, TargetKind
from remit.core.users import User
from remit.ports.work import Work


async def find_agent(work: Work, named: str) -> Agent:
    return _found(await work.agents.get(AgentId(named)) or await work.agents.by_name(named), "agent", named)


async def find_client(work: Work, named: str) -> Client:
    return _found(await work.clients.get(ClientId(named)) or await work.clients.by_name(named), "client", named)


async def find_user(work: Work, named: str) -> User:
    return _found(await work.users.get(UserId(named)) or await work.users.by_email(named), "user", named)


async def find_resource(work: Work, named: str) -> Resource:
    exact = await work.resources.get(ResourceId(named)) or await work.resources.by_uri(named)
    if exact is not None:
        return exact
    namesakes = [resource for resource in await work.resources.list() if resource.name == named]
    if len(namesakes) > 1:
        uris = ", ".join(resource.uri for resource in namesakes)
        raise end(f"several resources are called `{named}`: say which by its URI: {uris}", NOT_FOUND)
    return _found(namesakes[0] if namesakes else None, "resource", named)


async def find_target(work: Work, kind: TargetKind, named: str) -> Target:
    """Find what to stop or resume. Whatever has no name is named by its id."""
    match kind:
        case TargetKind.AGENT:
            return Target(kind, (await find_agent(work, named)).id)
        case TargetKind.CLIENT:
            return Target(kind, (await find_client(work, named)).id)
        case TargetKind.USER:
            return Target(kind, (await find_user(work, named)).id)
        case TargetKind.RESOURCE:
            return Target(kind, (await find_resource(work, named)).id)
        case TargetKind.TENANT:
            tenant = await work.tenants.current()
            if named not in (tenant.id, tenant.slug):
                raise end(f"this is the tenant `{tenant.slug}`: name it, or choose another with --tenant", NOT_FOUND)
            return Target(kind, tenant.id)
        case _:
            return Target(kind, named)


Found = TypeVar("Found")


def _found(found: Found | None, kind: str, named: str) -> Found:
    if found is None:
        raise missing(kind, named)
    return found


def missing(kind: str, named: str) -> Ended:
    return end(f"there is no {kind} `{named}` in this tenant: `remit {kind}s list` shows which there are", NOT_FOUND)
