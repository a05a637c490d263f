"""Every door that takes an access token: userinfo, introspection, our own API, and an API behind the SDK's guard."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2

from remit.core.agents import ScopeKey
from remit.core.clients import AuthMethod, GrantType
from remit.core.registration import ClientDraft
from remit.services.provisioning.agents import create_agent, publish_remit
from remit.services.provisioning.clients import create_client
from remit.services.provisioning.grants import approve_agent
from remit_sdk import guard
from tests.kit.clock import FixedClock
from tests.kit.flows import introspect, userinfo
from tests.kit.instance import Remit
from tests.kit.through import Through
from tests.kit.world import SEEDER, World, sure
from tests.sdk.calendar import ROUTES, calendar
from tests.sdk.clock import StillClock

NAMES = ("userinfo", "introspection", "api", "guard")


class GuardClock(StillClock):
    """The wall clock of the instance, and a steady one that stands: nothing the guard knows grows old by itself."""

    def __init__(self, clock: FixedClock) -> None:
        super().__init__()
        self._clock = clock

    def now(self) -> float:
        return self._clock.now().timestamp()


@dataclass(slots=True, kw_only=True)
class Doors:
    """The doors of one tenant; the guarded API is its calendar."""

    remit: Remit
    world: World
    guarded: httpx2.AsyncClient

    async def opens(self, door: str, text: str) -> bool:
        """Show a text at a door. Whatever is not a yes must be the refusal that this door always gives."""
        match door:
            case "userinfo":
                answer = await userinfo(self.remit, self.world, text)
            case "introspection":
                told = await introspect(self.remit, self.world, text)
                assert told["active"] is True or told == {"active": False}
                return bool(told["active"])
            case "api":
                where = f"{self.world.issuer}/api/v1/agents"
                answer = await self.remit.http.get(where, headers={"authorization": f"Bearer {text}"})
            case "guard":
                seen = await self.guarded.get("/events", headers={"authorization": f"Bearer {text}"})
                return _judged(seen.status_code, seen.headers.get("www-authenticate", ""), text, seen.text)
            case _:
                raise ValueError(door)
        return _judged(answer.status_code, answer.headers.get("www-authenticate", ""), text, answer.text)

    async def which_open(self, text: str) -> set[str]:
        return {door for door in NAMES if await self.opens(door, text)}


def _judged(status: int, challenge: str, text: str, body: str) -> bool:
    if status == 200:
        return True
    assert (status, 'error="invalid_token"' in challenge) == (401, True), (status, challenge)
    assert text not in challenge + body
    return False


@asynccontextmanager
async def doors_of(remit: Remit, world: World) -> AsyncIterator[Doors]:
    """Open the doors: the guard follows the feed, as it does in life."""
    api = guard(
        world.issuer,
        resource=world.calendar.uri,
        credentials=(world.calendar.id, world.calendar_secret.reveal()),
        clock=GuardClock(remit.clock),
        transport=Through(remit.app),
    )
    app = api.wrap(calendar(), routes=ROUTES)
    async with remit.listening(), api.running():
        await api.ready()
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="https://calendar.example") as guarded:
            yield Doors(remit=remit, world=world, guarded=guarded)


async def api_token(remit: Remit, world: World, *scopes: str) -> str:
    """Return a live token of a client that may use the tenant's own API."""
    wanted = frozenset(scopes or ("agents:read",))
    async with remit.deps.db.read(world.tenant.id) as work:
        api = await work.resources.by_uri(world.tenant.api)
    assert api is not None
    tenant, deps = world.tenant.id, remit.deps
    agent = sure(
        await create_agent(
            tenant, deps, SEEDER, name=f"console {time.monotonic_ns()}", purpose="runs this", owner=world.admin.id,
            sponsor=world.admin.id, active=True,
        )
    )  # fmt: skip
    keys = frozenset(ScopeKey(api.id, name) for name in wanted)
    sure(await publish_remit(tenant, deps, SEEDER, agent=agent.id, scopes=keys))
    draft = ClientDraft(
        agent=agent.id,
        name="console",
        auth_method=AuthMethod.SECRET_BASIC,
        grant_types=frozenset({GrantType.CLIENT_CREDENTIALS}),
        default_resource=api.id,
        default_scopes=wanted,
    )
    made = sure(await create_client(tenant, deps, SEEDER, draft))
    assert made.secret is not None
    sure(
        await approve_agent(
            tenant, deps, SEEDER, client=made.client.id, resource=api.id, scopes=wanted, approver=world.admin.id
        )
    )
    answer = await remit.http.post(
        f"{world.issuer}/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(made.client.id, made.secret.reveal()),
    )
    assert answer.status_code == 200, answer.text
    text: str = answer.json()["access_token"]
    return text
