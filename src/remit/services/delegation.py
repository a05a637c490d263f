"""Read who handed a token on, and the tokens that it came from (RFC 8693 §4.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from remit.core.authority import Chain
from remit.core.clients import Party
from remit.core.delegation import read_actors, read_via
from remit.core.grants import Grant
from remit.core.resources import Resource
from remit.core.stops import Target, TargetKind
from remit.ports.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOn:
    """What an exchanged token adds to its chain; nothing for a token that comes straight from its grant."""

    before: tuple[Party, ...] = ()
    passed: tuple[Resource, ...] = ()
    via: tuple[Target, ...] = ()


ORIGINAL = HandedOn()


async def handed_on(
    work: Work, claims: Mapping[str, object], party: Party, grant: Grant, resource: Resource
) -> HandedOn | None:
    """Load who stands between the grant and a token. None: token and grant do not belong together.

    A token without an actor is its grant's own: the same client, the same resource. One with actors names the client
    that uses it as the newest actor, and came by way of the grant's resource.
    """
    actors = read_actors(claims.get("act"))
    if actors is None:
        return None
    if not actors:
        return ORIGINAL if grant.client == party.client.id and grant.resource == resource.id else None
    told = read_via(claims.get("via"))
    if told is None or actors[0].client != party.client.wire_id or actors[0].agent != party.agent.id:
        return None
    found = [await work.resources.by_uri(target.id) for target in told if target.kind is TargetKind.RESOURCE]
    passed = tuple(way for way in found if way is not None)
    clients = (*(actor.client for actor in actors[1:]), grant.client)
    before = tuple([earlier for client in clients if (earlier := await work.clients.party(client)) is not None])
    if len(before) != len(clients) or len(passed) != len(before) or len(found) != len(passed):
        return None
    if passed[0].id != grant.resource:
        return None
    # Tokens name resources and clients by what others know them by, stops by their id.
    ids = {_as_told(target, name): target for target, name in _names(before, passed)}
    stops = [ids.get(target, target) for target in told]
    if not all(target.kind not in _NAMED or target in ids for target in told):
        return None
    return HandedOn(before=before, passed=passed, via=tuple(stops))


_NAMED = frozenset({TargetKind.RESOURCE, TargetKind.CLIENT})


def as_tokens_say(chain: Chain) -> tuple[Target, ...]:
    """Name what a token came from as tokens and the feed do: resources by URI, clients by their `client_id`."""
    told = {target: _as_told(target, name) for target, name in _names(chain.before, chain.passed)}
    return tuple(told.get(target, target) for target in chain.via)


def _names(before: Iterable[Party], passed: Iterable[Resource]) -> Iterator[tuple[Target, str]]:
    for party in before:
        yield Target(TargetKind.CLIENT, party.client.id), party.client.wire_id
    for way in passed:
        yield Target(TargetKind.RESOURCE, way.id), way.uri


def _as_told(target: Target, name: str) -> Target:
    return target._replace(id=name)
