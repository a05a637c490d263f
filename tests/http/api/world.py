"""Callers of the REST API: an administrator's program, and people with the permissions that a test gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from remit.core.agents import ScopeKey
from remit.core.clients import AuthMethod, GrantType
from remit.core.permissions import API_SCOPES
from remit.core.registration import ClientDraft
from remit.services.provisioning.agents import create_agent, publish_remit
from remit.services.provisioning.clients import create_client
from remit.services.provisioning.grants import approve_agent
from tests.kit.flows import approve, redeem
from tests.kit.world import SEEDER, sure

EVERYTHING = frozenset(scope.name for scope in API_SCOPES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """One tenant's API with a token for it."""

    http: httpx.AsyncClient
    base: str
    token: str

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content: dict[str, Any] = {} if body is None else {"json": body}
        return await self.http.request(
            method, f"{self.base}/api/v1{path}", headers={"authorization": f"Bearer {self.token}", **named}, **content
        )

    async def get(self, path: str) -> httpx.Response:
        return await self.ask("GET", path)

    async def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self.ask("POST", path, {} if body is None else body, **headers)

    async def patch(self, path: str, body: Any, *, tag: str = "*") -> httpx.Response:
        return await self.ask("PATCH", path, body, if_match=tag)


async def api_of(remit, world, scopes: frozenset[str] = EVERYTHING, *, dpop: str | None = None) -> Api:
    """Return the API of a tenant for a program that an administrator approved for these permissions.

    With `dpop`, a proof, its token is bound to the key of it.
    """
    deps, tenant = remit.deps, world.tenant
    async with deps.db.read(tenant.id) as work:
        resource = await work.resources.by_uri(tenant.api)
        known = await work.agents.by_name("api")
    assert resource is not None
    if known is None:
        known = sure(
            await create_agent(
                tenant.id, deps, SEEDER, name="api", purpose="administers", owner=world.admin.id, active=True
            )
        )
        keys = frozenset(ScopeKey(resource.id, name) for name in EVERYTHING)
        sure(await publish_remit(tenant.id, deps, SEEDER, agent=known.id, scopes=keys))
    draft = ClientDraft(
        agent=known.id,
        name=f"api {deps.fresh.ordinal()}",
        auth_method=AuthMethod.SECRET_POST,
        grant_types=frozenset({GrantType.CLIENT_CREDENTIALS}),
    )
    made = sure(await create_client(tenant.id, deps, SEEDER, draft))
    assert made.secret is not None
    sure(
        await approve_agent(
            tenant.id,
            deps,
            SEEDER,
            client=made.client.id,
            resource=resource.id,
            scopes=scopes,
            approver=world.admin.id,
        )
    )
    answer = await remit.http.post(
        f"{world.issuer}/oauth/token",
        data={
            "grant_type": "client_credentials",
            "client_id": made.client.id,
            "client_secret": made.secret.reveal(),
            "resource": tenant.api,
            "scope": " ".join(sorted(scopes)),
        },
        headers={} if dpop is None else {"dpop": dpop},
    )
    assert answer.status_code == 200, answer.text
    return Api(http=remit.http, base=world.issuer, token=answer.json()["access_token"])


async def api_as(remit, world, email: str, scopes: frozenset[str] = EVERYTHING) -> Api:
    """Return the API for a person who signed in to a client of it and agreed."""
    deps, tenant = remit.deps, world.tenant
    await api_of(remit, world)
    async with deps.db.read(tenant.id) as work:
        agent = await work.agents.by_name("api")
    assert agent is not None
    draft = ClientDraft(
        agent=agent.id,
        name=f"console {deps.fresh.ordinal()}",
        auth_method=AuthMethod.NONE,
        application_type="native",
        redirect_uris=("http://127.0.0.1/cb",),
    )
    client = sure(await create_client(tenant.id, deps, SEEDER, draft)).client
    asked = {"scope": " ".join(sorted(scopes)), "resource": tenant.api}
    answer = await approve(remit, world, client, email=email, **asked)
    redeemed = await redeem(remit, world, client, answer.code)
    return Api(http=remit.http, base=world.issuer, token=redeemed.json()["access_token"])
