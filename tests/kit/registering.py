"""Clients that register themselves (RFC 7591): the door of a tenant opened, and a good request for it."""

from __future__ import annotations

from typing import Any, Final

import httpx

from remit.core.agents import ScopeKey
from remit.core.names import AgentId
from remit.core.self_registration import GOVERNOR
from remit.services.provisioning.agents import create_agent, publish_remit
from tests.kit.instance import Remit
from tests.kit.world import SEEDER, World, sure

LOCAL: Final = "http://localhost:40123/callback"
PUBLIC: Final = {
    "client_name": "Notes",
    "redirect_uris": [LOCAL],
    "grant_types": ["authorization_code", "refresh_token"],
    "token_endpoint_auth_method": "none",
}


async def let_in(remit: Remit, world: World, *names: str) -> AgentId:
    """Give the tenant a remit for clients that register themselves."""
    governor = sure(await create_agent(world.tenant.id, remit.deps, SEEDER, name=GOVERNOR, purpose="ceiling"))
    scopes = frozenset(ScopeKey(world.calendar.id, name) for name in names or ("read:calendar", "write:calendar"))
    sure(await publish_remit(world.tenant.id, remit.deps, SEEDER, agent=governor.id, scopes=scopes))
    return governor.id


async def register(remit: Remit, world: World, **changes: Any) -> httpx.Response:
    """Send a good registration, but for some members."""
    return await remit.http.post(f"{world.issuer}/oauth/register", json={**PUBLIC, **changes})
