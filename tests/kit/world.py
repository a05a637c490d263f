"""Who is in a seeded instance: per tenant people, resources with credentials, an agent with its remit and clients."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from remit.core.agents import Agent, Remit, ScopeKey
from remit.core.clients import AuthMethod, Client, GrantType
from remit.core.grants import Grant
from remit.core.names import Secret
from remit.core.oauth.verdicts import Refusal
from remit.core.registration import ClientDraft
from remit.core.resources import Resource, Risk, Scope
from remit.core.tenants import Tenant
from remit.core.users import Role, User
from remit.crypto.jose import PrivateKey
from remit.ports.deps import Deps
from remit.services.origin import Origin
from remit.services.provisioning.agents import create_agent, publish_remit
from remit.services.provisioning.clients import NewClient, create_client
from remit.services.provisioning.grants import approve_agent
from remit.services.provisioning.resources import add_resource_secret, create_resource
from remit.services.provisioning.tenants import create_tenant
from remit.services.provisioning.users import create_user

BASE = "https://id.example"
PASSWORD = "a password for tests"
CALENDAR = "https://calendar.example/"
TICKETS = "https://tickets.example/api"
CALLBACK = "https://app.example/cb"
OTHER_CALLBACK = "https://app.example/other"
LOOPBACK = "http://127.0.0.1/cb"
HERE = Origin(peer=None, request=None)
SEEDER = HERE.operator("system", "seed")

CODE_AND_REFRESH = frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN})
SCOPES = frozenset({"read:calendar", "write:calendar", "delete:calendar"})

_T = TypeVar("_T")


@cache
def client_key() -> PrivateKey:
    """Return the key of the client that proves itself by assertions."""
    return PrivateKey.generate("ES256")


def client_jwks() -> dict[str, Any]:
    """Return the public half of that key as the client publishes it."""
    return {"keys": [client_key().jwk() | {"kid": "k1", "alg": "ES256", "use": "sig"}]}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One seeded tenant."""

    tenant: Tenant
    admin: User
    alice: User
    mallory: User
    calendar: Resource
    calendar_secret: Secret
    tickets: Resource
    tickets_secret: Secret
    agent: Agent
    remit: Remit
    web: Client
    """Confidential; code, refresh and client_credentials; the calendar is its default."""
    web_secret: Secret
    rival: Client
    """Another confidential client, of another agent."""
    rival_secret: Secret
    local: Client
    """Public, on loopback, without a default resource."""
    keyed: Client
    """Proves itself by assertions."""
    unattended: Grant
    """The administrator's approval of `web` acting for itself on the calendar."""

    @property
    def issuer(self) -> str:
        return self.tenant.issuer


async def seed(deps: Deps, slug: str) -> World:
    tenant = sure(await create_tenant(deps, HERE, slug=slug, name=slug.title(), base_url=BASE))

    async def person(name: str, role: Role = Role.USER) -> User:
        email = f"{name}@example.com"
        made = await create_user(tenant.id, deps, SEEDER, email=email, name=name.title(), role=role, password=PASSWORD)
        return sure(made)

    admin, alice, mallory = await person("admin", Role.ADMIN), await person("alice"), await person("mallory")
    calendar = sure(
        await create_resource(
            tenant.id,
            deps,
            SEEDER,
            uri=CALENDAR,
            name="Calendar",
            scopes=(
                Scope(name="read:calendar", sentence="See your events", risk=Risk.READ),
                Scope(name="write:calendar", sentence="Change your events", risk=Risk.CHANGE),
                Scope(name="delete:calendar", sentence="Delete your events", risk=Risk.DESTROY),
            ),
        )
    )
    tickets = sure(
        await create_resource(
            tenant.id,
            deps,
            SEEDER,
            uri=TICKETS,
            name="Tickets",
            scopes=(Scope(name="tickets.update", sentence="Change tickets", risk=Risk.CHANGE),),
        )
    )
    keys = frozenset(ScopeKey(calendar.id, name) for name in SCOPES) | {ScopeKey(tickets.id, "tickets.update")}

    async def agent(name: str) -> tuple[Agent, Remit]:
        made = sure(
            await create_agent(
                tenant.id,
                deps,
                SEEDER,
                name=name,
                purpose="plans meetings",
                owner=admin.id,
                sponsor=admin.id,
                active=True,
            )
        )
        return made, sure(await publish_remit(tenant.id, deps, SEEDER, agent=made.id, scopes=keys))

    planner, remit = await agent("planner")
    other, _ = await agent("other")

    async def client(draft: ClientDraft) -> NewClient:
        return sure(await create_client(tenant.id, deps, SEEDER, draft))

    web = await client(
        ClientDraft(
            agent=planner.id,
            name="web",
            auth_method=AuthMethod.SECRET_BASIC,
            redirect_uris=(CALLBACK, OTHER_CALLBACK),
            grant_types=CODE_AND_REFRESH | {GrantType.CLIENT_CREDENTIALS},
            default_resource=calendar.id,
            default_scopes=frozenset({"read:calendar"}),
        )
    )
    rival = await client(
        ClientDraft(
            agent=other.id,
            name="rival",
            auth_method=AuthMethod.SECRET_POST,
            redirect_uris=("https://rival.example/cb",),
            id_token_alg="ES256",
            default_resource=calendar.id,
            default_scopes=frozenset({"read:calendar"}),
        )
    )
    local = await client(
        ClientDraft(
            agent=planner.id,
            name="local",
            auth_method=AuthMethod.NONE,
            application_type="native",
            redirect_uris=(LOOPBACK,),
        )
    )
    keyed = await client(
        ClientDraft(
            agent=planner.id,
            name="keyed",
            auth_method=AuthMethod.PRIVATE_KEY_JWT,
            redirect_uris=("https://keyed.example/cb",),
            jwks=json.dumps(client_jwks()),
            default_resource=calendar.id,
            default_scopes=frozenset({"read:calendar"}),
        )
    )
    assert web.secret is not None
    assert rival.secret is not None
    return World(
        tenant=tenant,
        admin=admin,
        alice=alice,
        mallory=mallory,
        calendar=calendar,
        calendar_secret=sure(await add_resource_secret(tenant.id, deps, SEEDER, resource=calendar.id)),
        tickets=tickets,
        tickets_secret=sure(await add_resource_secret(tenant.id, deps, SEEDER, resource=tickets.id)),
        agent=planner,
        remit=remit,
        web=web.client,
        web_secret=web.secret,
        rival=rival.client,
        rival_secret=rival.secret,
        local=local.client,
        keyed=keyed.client,
        unattended=sure(
            await approve_agent(
                tenant.id,
                deps,
                SEEDER,
                client=web.client.id,
                resource=calendar.id,
                scopes=frozenset({"read:calendar", "write:calendar"}),
                approver=admin.id,
            )
        ).grant,
    )


def sure(made: _T | Refusal) -> _T:
    """Return what a use case made; a refusal fails the test with its hint."""
    assert not isinstance(made, Refusal), made
    return made
