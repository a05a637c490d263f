"""Open a tenant to clients that register themselves."""

from __future__ import annotations

from remit.core.agents import ScopeKey
from remit.core.names import AgentId
from remit.core.self_registration import GOVERNOR
from remit.services.provisioning.agents import create_agent, publish_remit
from tests.kit.instance import Remit
from tests.kit.world import SEEDER, World, sure


async def let_in(remit: Remit, world: World, *names: str) -> AgentId:
    """Give the tenant a remit for clients that register themselves."""
    governor = sure(await create_agent(world.tenant.id, remit.deps, SEEDER, name=GOVERNOR, purpose="ceiling"))
    scopes = frozenset(ScopeKey(world.calendar.id, name) for name in names or ("read:calendar", "write:calendar"))
    sure(await publish_remit(world.tenant.id, remit.deps, SEEDER, agent=governor.id, scopes=scopes))
    return governor.id
