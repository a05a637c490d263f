"""What the last form did, said once above the next page. Anybody can make such a link, so each says what is true."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Final

import msgspec

from remit.core.audit.events import GrantsRevoked, GrantsTrimmed
from remit.core.grants import GrantState
from remit.core.keys import KeyState
from remit.core.names import AgentId, ClientId, EventId, GrantId, ResourceId, StopId
from remit.core.stops import Stop, Target, TargetKind
from remit.http._kit.views import Notice
from remit.http.console.stopping import lift_url
from remit.http.visits import Visit
from remit.ports.work import Work
from remit.services.directory import Directory


async def notice_of(visit: Visit) -> Notice | None:
    look = NOTICES.get(visit.query.one("said") or "")
    about = visit.query.one("about")
    if look is None or about is None:
        return None
    async with visit.deps.db.read(visit.tenant) as work:
        return await look(visit, work, about)


UNDO_FOR: Final = timedelta(seconds=10)
"""How long Undo stands in the bar. Resume stands at whatever is stopped, for as long as it is."""


def _undo(visit: Visit, stop: Stop, action: str) -> str:
    fresh = visit.deps.clock.now() <= stop.started_at + UNDO_FOR
    return action if visit.may_write and fresh else ""


async def _placed(visit: Visit, work: Work, about: str) -> Notice | None:
    stop = await work.stops.get(StopId(about))
    if stop is None or not stop.in_force(visit.deps.clock.now()):
        return None
    name = await Directory(work, visit.deps.clock.now()).label(stop.target.id) or stop.target.id
    undo = _undo(visit, stop, lift_url(visit, stop.id))
    return Notice(text=f"{name} is stopped, everywhere.", undo=undo, undo_label="Undo")


async def _stopped(visit: Visit, work: Work, about: str) -> Notice | None:
    agent = await work.agents.get(AgentId(about))
    stop = await _stop_on(visit, work, about)
    if agent is None or stop is None:
        return None
    undo = _undo(visit, stop, f"{visit.issuer}/console/agents/{agent.id}/resume")
    return Notice(text=f"{agent.name} is stopped, everywhere.", undo=undo, undo_label="Undo")


async def _resumed(visit: Visit, work: Work, about: str) -> Notice | None:
    agent = await work.agents.get(AgentId(about))
    if agent is None or await _stop_on(visit, work, about) is not None:
        return None
    return Notice(text=f"{agent.name} may work again. It needs new tokens; the old ones stay refused.")


async def _stop_on(visit: Visit, work: Work, agent: str) -> Stop | None:
    """Return the newest stop in force on an agent."""
    now = visit.deps.clock.now()
    stops = [stop for stop in await work.stops.on([Target(TargetKind.AGENT, agent)]) if stop.in_force(now)]
    return stops[-1] if stops else None


async def _revoked(_: Visit, work: Work, about: str) -> Notice | None:
    grant = await work.grants.get(GrantId(about))
    over = grant is not None and grant.state is GrantState.REVOKED
    return Notice(text="That access is revoked. The agent has to ask for it again.") if over else None


async def _taken(_: Visit, work: Work, about: str) -> Notice | None:
    """Say what was taken back together, as its event tells it."""
    event = await work.events.get(EventId(about))
    if event is None or event.type not in {GrantsRevoked.type, GrantsTrimmed.type}:
        return None
    told = msgspec.json.decode(event.body)["what"]
    done = "revoked" if event.type == GrantsRevoked.type else "trimmed to what was used of them"
    grants = "1 grant is" if told["count"] == 1 else f"{told['count']} grants are"
    return Notice(text=f"{grants} {done}.")


async def _registered(_: Visit, work: Work, about: str) -> Notice | None:
    agent = await work.agents.get(AgentId(about))
    return Notice(text=f"{agent.name} is registered.") if agent else None


async def _lifted(_: Visit, work: Work, about: str) -> Notice | None:
    stop = await work.stops.get(StopId(about))
    over = stop is not None and stop.lifted_at is not None
    return Notice(text="The stop is lifted. Tokens from before it stay refused.") if over else None


async def _rotated(_: Visit, work: Work, about: str) -> Notice | None:
    signs = any(key.kid == about and key.state is KeyState.ACTIVE for key in await work.keys.all())
    return Notice(text="New keys sign from now on. Tokens of the old ones stay good.") if signs else None


async def _key_ended(_: Visit, work: Work, about: str) -> Notice | None:
    gone = any(key.kid == about and key.state is KeyState.GONE for key in await work.keys.all())
    return Notice(text="That key is out. Whatever it signed is refused everywhere.") if gone else None


async def _lifetimes(visit: Visit, _: Work, about: str) -> Notice | None:
    return Notice(text="The lifetimes below hold for tokens from now on.") if about == visit.tenant else None


async def _keys(visit: Visit, work: Work, about: str) -> Notice | None:
    client = await work.clients.get(ClientId(about))
    if client is None or client.jwks_at is None:
        return None
    more = " Those before stay good as long as chosen." if client.old_keys(visit.deps.clock.now()) is not None else ""
    return Notice(text=f"The new keys are good.{more}")


async def _ended(visit: Visit, work: Work, about: str) -> Notice | None:
    now = visit.deps.clock.now()
    secrets = (*await work.clients.secrets(ClientId(about)), *await work.resources.secrets(ResourceId(about)))
    client = await work.clients.get(ClientId(about))
    over = client is not None and client.old_jwks is not None and client.old_keys(now) is None
    if not over and all(secret.usable(now) for secret in secrets):
        return None
    return Notice(text="That credential is over. Tokens that it got live on until they expire.")


NOTICES: Final[Mapping[str, Callable[[Visit, Work, str], Awaitable[Notice | None]]]] = {
    "placed": _placed,
    "stopped": _stopped,
    "resumed": _resumed,
    "revoked": _revoked,
    "taken": _taken,
    "registered": _registered,
    "lifted": _lifted,
    "rotated": _rotated,
    "key-ended": _key_ended,
    "lifetimes": _lifetimes,
    "keys": _keys,
    "ended": _ended,
}
"""What `said` may be in an address; `about` names whom or what it is said of."""
