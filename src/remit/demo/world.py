"""What the demo finds on the first morning: people, a calendar, an agent with a remit, and a client for it."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from remit.core.agents import ScopeKey
from remit.core.clients import AuthMethod
from remit.core.errors import RemitError
from remit.core.oauth.verdicts import Refusal
from remit.core.registration import ClientDraft
from remit.core.resources import Risk, Scope
from remit.core.users import Role
from remit.opening import open_deps
from remit.ports.deps import Deps
from remit.services.origin import Origin
from remit.services.provisioning.agents import create_agent, publish_remit
from remit.services.provisioning.clients import create_client
from remit.services.provisioning.resources import add_resource_secret, create_resource
from remit.services.provisioning.tenants import create_tenant
from remit.services.provisioning.users import create_user
from remit.settings import load

PURPOSE = "Find free slots and tidy up the calendar"
SCOPES = (
    Scope(name="read:calendar", sentence="See the events in your calendar", risk=Risk.READ),
    Scope(name="write:calendar", sentence="Add and change events in your calendar", risk=Risk.CHANGE),
    Scope(name="delete:calendar", sentence="Delete events from your calendar", risk=Risk.DESTROY),
)

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    name: str
    email: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    issuer: str
    api: str
    client_id: str
    credentials: tuple[str, str]
    alice: Person
    admin: Person
    names: dict[str, str]
    """First names of the people, by the ids that stand in the audit log."""


def prepare(folder: Path, *, base_url: str, api: str, callback: str) -> World:
    """Make a fresh instance in a folder through the same use cases as everybody."""
    settings = load(environ={}, flags={"data.dir": folder, "server.base_url": base_url}, cwd=folder)

    async def fill() -> World:
        async with open_deps(settings) as deps:
            return await _fill(deps, base_url=base_url, api=api, callback=callback)

    return asyncio.run(fill())


async def _fill(deps: Deps, *, base_url: str, api: str, callback: str) -> World:
    origin = Origin(peer=None, request=None)
    who = origin.operator("system", "demo")
    tenant = _made(await create_tenant(deps, origin, slug="default", name="Acme", base_url=base_url))
    people = {}
    for name, role in (("dana", Role.USER), ("alice", Role.USER), ("admin", Role.ADMIN)):
        person = Person(name=name.title(), email=f"{name}@example.com", password=secrets.token_urlsafe(12))
        user = await create_user(
            tenant.id, deps, who, email=person.email, name=person.name, role=role, password=person.password
        )
        people[name] = (_made(user), person)
    resource = _made(await create_resource(tenant.id, deps, who, uri=api, name="Calendar", scopes=SCOPES))
    secret = _made(await add_resource_secret(tenant.id, deps, who, resource=resource.id))
    agent = _made(
        await create_agent(
            tenant.id, deps, who, name="Calendar helper", purpose=PURPOSE, owner=people["dana"][0].id, active=True
        )
    )
    _made(
        await publish_remit(
            tenant.id,
            deps,
            who,
            agent=agent.id,
            scopes=frozenset(ScopeKey(resource.id, scope.name) for scope in SCOPES),
            expires_at=deps.clock.now() + timedelta(days=90),
        )
    )
    draft = ClientDraft(agent=agent.id, name="Calendar helper", auth_method=AuthMethod.NONE, redirect_uris=(callback,))
    client = _made(await create_client(tenant.id, deps, who, draft)).client
    return World(
        issuer=tenant.issuer,
        api=api,
        client_id=client.id,
        credentials=(resource.id, secret.reveal()),
        alice=people["alice"][1],
        admin=people["admin"][1],
        names={user.id: person.name for user, person in people.values()},
    )


def _made(outcome: Made | Refusal) -> Made:
    if isinstance(outcome, Refusal):
        raise RemitError(f"the demo could not be set up: {outcome.hint}")
    return outcome
