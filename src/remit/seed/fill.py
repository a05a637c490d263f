"""Fill an instance through the same use cases that everybody else goes through; nothing is written past them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from remit.core.agents import Agent, Remit, ScopeKey
from remit.core.audit.events import Who
from remit.core.clients import AuthMethod, Client, GrantType
from remit.core.errors import RemitError
from remit.core.names import AgentId, ResourceId, Secret, UserId
from remit.core.oauth.client_auth import Presented, Proof
from remit.core.oauth.token_set import TokenCall, TokenSet
from remit.core.oauth.verdicts import Refusal
from remit.core.permissions import API_SCOPES
from remit.core.registration import ClientDraft
from remit.core.resources import Resource, Risk, Scope
from remit.core.self_registration import GOVERNOR
from remit.core.tenants import DEFAULT_SLUG, Tenant
from remit.core.users import Role, User
from remit.crypto.jose import PrivateKey
from remit.ports.deps import Deps
from remit.seed.document import (
    PASSWORD,
    SCHEMA,
    Seed,
    SeedAdmin,
    SeedAgent,
    SeedClient,
    SeedResource,
    SeedTenant,
    SeedUser,
)
from remit.seed.keys import jwks, private_jwk
from remit.services.grants.client_credentials import act_for_itself
from remit.services.origin import Origin
from remit.services.provisioning.agents import create_agent, publish_remit
from remit.services.provisioning.clients import create_client
from remit.services.provisioning.grants import approve_agent
from remit.services.provisioning.resources import add_resource_secret, create_resource
from remit.services.provisioning.tenants import create_tenant
from remit.services.provisioning.users import create_user, set_rights, turn_rights_on

SCOPES = (
    Scope(name="read:calendar", sentence="See the events in your calendar", risk=Risk.READ),
    Scope(name="write:calendar", sentence="Add and change events in your calendar", risk=Risk.CHANGE),
    Scope(name="delete:calendar", sentence="Delete events from your calendar", risk=Risk.DESTROY, sensitive=True),
    Scope(name="tickets.update", sentence="Change and close tickets", risk=Risk.CHANGE),
)
READ = "read:calendar"
EVERYTHING = tuple(scope.name for scope in SCOPES)
NOT_DELETE = tuple(name for name in EVERYTHING if name != "delete:calendar")
UNATTENDED = (READ, "write:calendar")

RESOURCES = {
    "R1": ("http://127.0.0.1:9100", "Calendar"),
    "R2": ("http://127.0.0.1:9200", "Tickets"),
    "mcp": ("http://127.0.0.1:9500/mcp", "Calendar tools"),
}
REDIRECT = "http://127.0.0.1:8765/callback"
LOOPBACK = "http://127.0.0.1/callback"

USER_GRANTS = frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN})
ALL_GRANTS = USER_GRANTS | {GrantType.CLIENT_CREDENTIALS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One tenant: who is there, who owns the agents, and who may do what himself once rights are on."""

    slug: str
    name: str
    people: tuple[str, ...]
    owners: dict[str, str]
    rights: dict[str, dict[str, tuple[str, ...]]] | None


_ALL_RIGHTS = dict.fromkeys(RESOURCES, EVERYTHING)

PLANS = (
    Plan(
        slug="acme",
        name="Acme",
        people=("alice", "bob", "mallory"),
        owners={"A": "alice", "B": "bob"},
        rights={"alice": _ALL_RIGHTS, "bob": _ALL_RIGHTS, "mallory": {"R1": (READ,)}},
    ),
    # Everything in it is called as in the first one: a lookup that forgets its tenant finds the wrong one.
    Plan(slug="globex", name="Globex", people=("carol",), owners={"A": "carol", "B": "carol"}, rights=None),
)
AGENTS = {
    "A": ("Invoice helper", "Match invoices with the meetings they are for", EVERYTHING),
    "B": ("Ticket sorter", "Sort incoming tickets and plan their calls", NOT_DELETE),
}
CLIENTS = {
    "conf1": ("A", AuthMethod.SECRET_BASIC),
    "conf2": ("B", AuthMethod.SECRET_BASIC),
    "pub1": ("A", AuthMethod.NONE),
    "pub2": ("B", AuthMethod.NONE),
    "jwt1": ("A", AuthMethod.PRIVATE_KEY_JWT),
}


async def has_anything(deps: Deps) -> bool:
    """Say whether this instance is in use: somebody can sign in, or there is more than a fresh default tenant."""
    async with deps.db.system() as system:
        tenants, people = await system.tenants(), await system.user_count()
    return people > 0 or any(tenant.slug != DEFAULT_SLUG for tenant in tenants)


async def taken(deps: Deps) -> tuple[str, ...]:
    """Return those of our tenants' slugs that are taken."""
    async with deps.db.system() as system:
        return tuple([plan.slug for plan in PLANS if await system.tenant_by_slug(plan.slug) is not None])


async def fill(deps: Deps, who: Who, *, base_url: str) -> Seed:
    """Create everything, and tell it.

    Raises:
        RemitError: something was there already.
    """
    tenants = {plan.slug: await _Filling(deps, who, base_url=base_url).tenant(plan) for plan in PLANS}
    return Seed(schema=SCHEMA, base_url=base_url, password=PASSWORD, tenants=tenants)


class _Filling:
    """One tenant while it is being filled."""

    def __init__(self, deps: Deps, who: Who, *, base_url: str) -> None:
        self._deps = deps
        self._who = who
        self._base_url = base_url

    async def tenant(self, plan: Plan) -> SeedTenant:
        origin = Origin(peer=self._who.peer, request=self._who.request)
        made = _made(
            await create_tenant(
                self._deps, origin, slug=plan.slug, name=plan.name, base_url=self._base_url, who=self._who
            )
        )
        self._tenant: Tenant = made
        people = {name: await self._user(name, Role.USER) for name in plan.people}
        people["admin"] = await self._user("admin", Role.ADMIN)
        resources = {key: await self._resource(key) for key in RESOURCES}
        uses = {key: resource for key, (resource, _) in resources.items()}
        rights = await self._rights(plan, people, uses)
        agents = {key: await self._agent(key, people[plan.owners[key]].id, uses) for key in AGENTS}
        await self._registrations(uses)
        clients = {
            key: await self._client(key, agents[agent][0], agent, method, uses["R1"], people["admin"].id)
            for key, (agent, method) in CLIENTS.items()
        }
        return SeedTenant(
            id=made.id,
            slug=made.slug,
            issuer=made.issuer,
            api=made.api,
            rights_on=plan.rights is not None,
            authorization_endpoint=f"{made.issuer}/oauth/authorize",
            token_endpoint=f"{made.issuer}/oauth/token",
            introspection_endpoint=f"{made.issuer}/oauth/introspect",
            revocation_endpoint=f"{made.issuer}/oauth/revoke",
            userinfo_endpoint=f"{made.issuer}/oauth/userinfo",
            registration_endpoint=f"{made.issuer}/oauth/register",
            jwks_uri=f"{made.issuer}/oauth/jwks",
            feed=f"{made.issuer}/feed",
            decisions=f"{made.issuer}/decisions",
            users={name: _told_user(user, rights.get(name)) for name, user in people.items()},
            resources={key: _told_resource(resource, secret) for key, (resource, secret) in resources.items()},
            agents={
                key: _told_agent(agent, remit, plan.owners[key], AGENTS[key][2])
                for key, (agent, remit) in agents.items()
            },
            clients=clients,
            admin=await self._administrator(people["admin"]),
        )

    async def _user(self, name: str, role: Role) -> User:
        email = f"{name}@example.com"
        return _made(
            await create_user(
                self._tenant.id,
                self._deps,
                self._who,
                email=email,
                name=name.title(),
                role=role,
                password=PASSWORD,
                least=len(PASSWORD),
            )
        )

    async def _resource(self, key: str) -> tuple[Resource, Secret]:
        uri, name = RESOURCES[key]
        resource = _made(
            await create_resource(self._tenant.id, self._deps, self._who, uri=uri, name=name, scopes=SCOPES)
        )
        secret = _made(await add_resource_secret(self._tenant.id, self._deps, self._who, resource=resource.id))
        return resource, secret

    async def _rights(
        self, plan: Plan, people: dict[str, User], resources: dict[str, Resource]
    ) -> dict[str, dict[str, list[str]]]:
        """Turn rights on where the plan says so, and return what each holds."""
        if plan.rights is None:
            return {}
        given = {**plan.rights, "admin": _ALL_RIGHTS}
        for name, rights in given.items():
            for key, scopes in rights.items():
                _made(
                    await set_rights(
                        self._tenant.id,
                        self._deps,
                        self._who,
                        user=people[name].id,
                        resource=resources[key].id,
                        scopes=frozenset(scopes),
                    )
                )
        await turn_rights_on(self._tenant.id, self._deps, self._who)
        return {name: {key: sorted(scopes) for key, scopes in rights.items()} for name, rights in given.items()}

    async def _agent(self, key: str, owner: UserId, resources: dict[str, Resource]) -> tuple[Agent, Remit]:
        name, purpose, scopes = AGENTS[key]
        keys = frozenset(ScopeKey(resource.id, scope) for resource in resources.values() for scope in scopes)
        return await self._governed(name, purpose, owner, keys)

    async def _registrations(self, resources: dict[str, Resource]) -> None:
        """Let clients register themselves, with nothing that is sensitive within their reach."""
        governor = _made(
            await create_agent(
                self._tenant.id,
                self._deps,
                self._who,
                name=GOVERNOR,
                purpose="Its remit is the ceiling of every client that registers itself",
            )
        )
        keys = frozenset(
            ScopeKey(resource.id, scope.name)
            for resource in resources.values()
            for scope in resource.scopes
            if not scope.sensitive
        )
        _made(await publish_remit(self._tenant.id, self._deps, self._who, agent=governor.id, scopes=keys))

    async def _governed(
        self, name: str, purpose: str, owner: UserId, scopes: frozenset[ScopeKey]
    ) -> tuple[Agent, Remit]:
        agent = _made(
            await create_agent(
                self._tenant.id, self._deps, self._who, name=name, purpose=purpose, owner=owner, active=True
            )
        )
        remit = _made(await publish_remit(self._tenant.id, self._deps, self._who, agent=agent.id, scopes=scopes))
        return agent, remit

    async def _client(
        self, name: str, agent: Agent, key: str, method: AuthMethod, resource: Resource, approver: UserId
    ) -> SeedClient:
        public = method is AuthMethod.NONE
        private = PrivateKey.generate("ES256") if method is AuthMethod.PRIVATE_KEY_JWT else None
        draft = ClientDraft(
            agent=agent.id,
            name=name,
            auth_method=method,
            grant_types=USER_GRANTS if public else ALL_GRANTS,
            redirect_uris=(LOOPBACK if public else REDIRECT,),
            application_type="native" if public else "web",
            default_resource=resource.id,
            default_scopes=frozenset({READ}),
            jwks=None if private is None else jwks(private),
        )
        made = _made(await create_client(self._tenant.id, self._deps, self._who, draft))
        client = made.client
        approved = None if public else await self._approve(client, resource.id, UNATTENDED, approver)
        return SeedClient(
            client_id=client.id,
            client_secret=made.secret.reveal() if made.secret else None,
            private_jwk=None if private is None else private_jwk(private),
            auth_method=client.auth_method,
            agent=key,
            redirect_uri=client.redirect_uris[0],
            grant_types=sorted(client.grant_types),
            default_resource=resource.uri,
            default_scopes=[READ],
            admin_grant=approved,
            admin_scopes=[] if public else sorted(UNATTENDED),
        )

    async def _approve(self, client: Client, resource: ResourceId, scopes: tuple[str, ...], approver: UserId) -> str:
        approved = _made(
            await approve_agent(
                self._tenant.id,
                self._deps,
                self._who,
                client=client.id,
                resource=resource,
                scopes=frozenset(scopes),
                approver=approver,
            )
        )
        return approved.grant.id

    async def _administrator(self, admin: User) -> SeedAdmin:
        """Make the client that may do everything in this tenant's API, and issue it a token as anybody else's."""
        async with self._deps.db.read(self._tenant.id) as work:
            api = await work.resources.by_uri(self._tenant.api)
        if api is None:
            raise RemitError("a tenant has its own API from the start")
        names = tuple(scope.name for scope in API_SCOPES)
        keys = frozenset(ScopeKey(api.id, name) for name in names)
        agent, _ = await self._governed("Administrator", "Administers this tenant from scripts", admin.id, keys)
        made = _made(await create_client(self._tenant.id, self._deps, self._who, _admin_draft(agent.id, api, names)))
        await self._approve(made.client, api.id, names, admin.id)
        secret = made.secret or Secret("")
        issued: TokenSet = _made(
            await act_for_itself(
                self._tenant.id,
                Presented(client=made.client.id, proof=Proof.SECRET, value=secret),
                TokenCall(grant_type="client_credentials", scopes=frozenset(names), resources=(api.uri,)),
                self._deps,
                Origin(peer=self._who.peer, request=self._who.request),
            )
        )
        expires_at = self._deps.clock.now() + timedelta(seconds=issued.expires_in)
        return SeedAdmin(
            client_id=made.client.id,
            client_secret=secret.reveal(),
            resource=api.uri,
            scopes=sorted(names),
            access_token=issued.access_token.reveal(),
            expires_at=expires_at.isoformat(timespec="seconds"),
        )


def _admin_draft(agent: AgentId, api: Resource, names: tuple[str, ...]) -> ClientDraft:
    return ClientDraft(
        agent=agent,
        name="admin",
        auth_method=AuthMethod.SECRET_BASIC,
        grant_types=frozenset({GrantType.CLIENT_CREDENTIALS}),
        default_resource=api.id,
        default_scopes=frozenset(names),
    )


def _told_user(user: User, rights: dict[str, list[str]] | None) -> SeedUser:
    return SeedUser(id=user.id, email=user.email, name=user.name, role=user.role, password=PASSWORD, rights=rights)


def _told_resource(resource: Resource, secret: Secret) -> SeedResource:
    return SeedResource(
        id=resource.id,
        uri=resource.uri,
        name=resource.name,
        scopes=sorted(resource.scope_names),
        client_id=resource.id,
        client_secret=secret.reveal(),
    )


def _told_agent(agent: Agent, remit: Remit, owner: str, scopes: tuple[str, ...]) -> SeedAgent:
    return SeedAgent(
        id=agent.id,
        name=agent.name,
        owner=owner,
        purpose=agent.purpose,
        remit_id=remit.id,
        remit={key: sorted(scopes) for key in RESOURCES},
    )


Made = TypeVar("Made")


def _made(outcome: Made | Refusal) -> Made:
    if isinstance(outcome, Refusal):
        raise RemitError(f"seeding stopped: {outcome.hint}")
    return outcome
