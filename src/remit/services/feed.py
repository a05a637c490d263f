"""The revocation feed of a tenant: every stop that some unexpired token could still run into."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from remit.core.authority import MAX_TOKEN_SECONDS
from remit.core.names import ClientId, ResourceId, TenantId
from remit.core.oauth.client_auth import Presented
from remit.core.oauth.verdicts import Refusal
from remit.core.resources import Resource
from remit.core.stops import Stop, TargetKind
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.client_auth import authenticate_resource
from remit.services.grants.refusing import note_refusal
from remit.services.origin import Origin

ENTRY_LIFETIME = timedelta(seconds=MAX_TOKEN_SECONDS + 30)
PAGE = 500


async def open_feed(tenant: TenantId, presented: Presented, deps: Deps, origin: Origin) -> Resource | Refusal:
    """Let a resource server in to its tenant's feed."""
    async with deps.db.read(tenant) as work:
        caller = await authenticate_resource(work, presented, deps)
    if isinstance(caller, Refusal):
        return await note_refusal(tenant, caller, deps, origin, grant_type="feed")
    return caller


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPage:
    """Stops above an epoch, oldest first, and the tenant's counter, both from the same moment.

    INVARIANT: one read. A stop that fell between two reads would lie below the counter and never be sent.
    """

    stops: tuple[Stop, ...]
    latest: int


async def read_feed(tenant: TenantId, epoch: int, deps: Deps) -> FeedPage:
    """Return what comes after an epoch, with resources and clients named as tokens name them."""
    async with deps.db.read(tenant) as work:
        latest = await work.tenants.epoch()
        # A reader that is ahead of us knew a database that was since restored from a copy: it starts from here.
        found = await work.stops.since(min(epoch, latest), started_after=deps.clock.now() - ENTRY_LIFETIME, limit=PAGE)
        return FeedPage(stops=tuple([await _as_tokens_say(work, stop) for stop in found]), latest=latest)


async def _as_tokens_say(work: Work, stop: Stop) -> Stop:
    match stop.target.kind:
        case TargetKind.RESOURCE:
            resource = await work.resources.get(ResourceId(stop.target.id))
            named = stop.target.id if resource is None else resource.uri
        case TargetKind.CLIENT:
            client = await work.clients.get(ClientId(stop.target.id))
            named = stop.target.id if client is None else client.wire_id
        case _:
            return stop
    return replace(stop, target=stop.target._replace(id=named))
