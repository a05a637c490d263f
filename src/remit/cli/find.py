"""Find what a person named: by id, or by the name, address or URI that only one thing has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Any

from remit.cli.door import Api, Refused
from remit.cli.exits import NOT_FOUND, USAGE
from remit.cli.here import Ended, end
from remit.core.names import Prefix
from remit.core.stops import TargetKind
from remit.http.api import agents as of_agents
from remit.http.api import clients as of_clients
from remit.http.api import resources as of_resources
from remit.http.api import settings
from remit.http.api import users as of_users
from remit.http.api.shapes import NamedQuery


async def find_agent(api: Api, named: str) -> str:
    if _is(Prefix.AGENT, named):
        return named
    page = await api.ask(of_agents.list_agents, query=NamedQuery(name=_said("agent", named)))
    return _only(page.agents, "agent", named)


async def find_client(api: Api, named: str) -> str:
    if _is(Prefix.CLIENT, named):
        return named
    page = await api.ask(of_clients.list_clients, query=of_clients.ClientQuery(name=_said("client", named)))
    return _only(page.clients, "client", named)


async def find_user(api: Api, named: str) -> str:
    if _is(Prefix.USER, named):
        return named
    page = await api.ask(of_users.list_users, query=of_users.UserQuery(email=_said("user", named)))
    return _only(page.users, "user", named)


async def find_resource(api: Api, named: str) -> str:
    if _is(Prefix.RESOURCE, named):
        return named
    exact = await api.ask(of_resources.list_resources, query=of_resources.ResourceQuery(uri=_said("resource", named)))
    if exact.resources:
        return exact.resources[0].id
    namesakes = (await api.ask(of_resources.list_resources, query=of_resources.ResourceQuery(name=named))).resources
    if len(namesakes) > 1:
        uris = ", ".join(resource.uri for resource in namesakes)
        raise end(f"several resources are called `{named}`: say which by its URI: {uris}", NOT_FOUND)
    return _only(namesakes, "resource", named)


async def find_target(api: Api, kind: TargetKind, named: str) -> str:
    """Find what to stop or resume. Whatever has no name is named by its id."""
    match kind:
        case TargetKind.AGENT:
            return await find_agent(api, named)
        case TargetKind.CLIENT:
            return await find_client(api, named)
        case TargetKind.USER:
            return await find_user(api, named)
        case TargetKind.RESOURCE:
            return await find_resource(api, named)
        case TargetKind.TENANT:
            here = await api.ask(settings.get_settings)
            if named not in (here.tenant, here.slug):
                raise end(f"this is the tenant `{here.slug}`: name it, or choose another with --tenant", NOT_FOUND)
            return here.tenant
        case _:
            return named


async def names_of(
    api: Api,
    *,
    users: AbstractSet[str | None] = frozenset(),
    agents: AbstractSet[str] = frozenset(),
    resources: AbstractSet[str] = frozenset(),
) -> dict[str | None, str]:
    """Return what people call these ids: address, name, URI. What the caller may not see is not among them."""
    told: dict[str | None, str] = {}
    for user in users - {None}:
        person = await api.try_(of_users.get_user, str(user))
        if not isinstance(person, Refused):
            told[user] = person.email
    for agent in agents:
        known = await api.try_(of_agents.get_agent, agent)
        if not isinstance(known, Refused):
            told[agent] = known.name
    for resource in resources:
        target = await api.try_(of_resources.get_resource, resource)
        if not isinstance(target, Refused):
            told[resource] = target.uri
    return told


async def scopes_by_resource(api: Api, names: Iterable[str], on: str | None) -> dict[str, list[str]]:
    """Find the resource of each scope; a name that several resources define needs `--on`."""
    if on is None:
        pages = [page async for page in api.every(of_resources.list_resources)]
        known = [resource for page in pages for resource in page.resources]
    else:
        known = [await api.ask(of_resources.get_resource, await find_resource(api, on))]
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(_home(name, known).id, []).append(name)
    return found


def _home(name: str, known: list[of_resources.ResourceView]) -> of_resources.ResourceView:
    homes = [resource for resource in known if any(scope.name == name for scope in resource.scopes)]
    if len(homes) > 1:
        uris = ", ".join(resource.uri for resource in homes)
        raise end(f"several resources define `{name}`: say which with --on: {uris}", USAGE)
    if not homes:
        scopes = " ".join(sorted({scope.name for resource in known for scope in resource.scopes}))
        raise end(f"no resource defines `{name}`; there are: {scopes}", NOT_FOUND)
    return homes[0]


_ORDINAL = re.compile(r"[0-9a-z]{26}")


def _is(kind: Prefix, named: str) -> bool:
    """Say whether this is an id; a name may begin like one."""
    return named.startswith(f"{kind}_") and _ORDINAL.fullmatch(named, len(kind) + 1) is not None


def _said(kind: str, named: str) -> str:
    """Return the name, which must be one: an empty one would mean all of them."""
    if not named:
        raise _missing(kind, named)
    return named


def _only(found: list[Any], kind: str, named: str) -> str:
    if len(found) != 1:
        raise _missing(kind, named)
    the_id: str = found[0].id
    return the_id


def _missing(kind: str, named: str) -> Ended:
    return end(f"there is no {kind} `{named}` in this tenant: `remit {kind}s list` shows which there are", NOT_FOUND)
