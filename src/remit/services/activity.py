"""The audit log as people read it: events taken apart, with the names of everybody in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import msgspec

from remit.core.names import EventId, GrantId, LineId, TenantId
from remit.ports.deps import Deps
from remit.ports.work import EventFilter, Kind, StoredEvent, Work
from remit.services.directory import Directory

PAGE = 50

Field: TypeAlias = str | int | bool | list[str] | None
"""What a field of an event may hold (core.audit.events)."""

_NOBODY = {"actor_kind": "unknown", "actor": "unknown"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event. `who` and `what` are its own words; `names` says what people call the ids among them."""

    stored: StoredEvent
    who: Mapping[str, str]
    what: Mapping[str, Field]
    names: Mapping[str, str]
    legible: bool = True
    """False: these bytes are no event of ours. Somebody changed them, and the page that shows it must still open."""

    def listed(self, field: str) -> list[str]:
        """Return a field that holds several words."""
        value = self.what.get(field)
        return value if isinstance(value, list) else []

    def name(self, id_: str | None) -> str:
        """Return what people call an id; the id itself where it has no name."""
        return self.names.get(id_, id_) if id_ else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody looks for. People, agents and clients may be given by name as well as by id."""

    type: str | None = None
    outcome: str | None = None
    user: str | None = None
    agent: str | None = None
    client: str | None = None
    about: str | None = None
    """The id of a token, a line or a grant, told apart by how it begins."""
    kind: Kind = Kind.ANY


class _Body(msgspec.Struct):
    """The parts of a stored event that vary."""

    who: dict[str, str]
    what: dict[str, Field]


async def list_events(
    tenant: TenantId, wanted: Wanted, deps: Deps, *, before: int | None = None, limit: int = PAGE
) -> tuple[tuple[Told, ...], bool]:
    """Return events newest first, and whether there are older ones."""
    async with deps.db.read(tenant) as work:
        found = await work.events.page(await _by_ids(work, wanted), before=before, limit=limit + 1)
        directory = Directory(work, deps.clock.now())
        return tuple([await tell(work, directory, event) for event in found[:limit]]), len(found) > limit


async def find_event(tenant: TenantId, event: EventId, deps: Deps) -> Told | None:
    async with deps.db.read(tenant) as work:
        found = await work.events.get(event)
        return None if found is None else await tell(work, Directory(work, deps.clock.now()), found)


async def tell(work: Work, directory: Directory, event: StoredEvent) -> Told:
    """Take an event apart and name everybody in it."""
    try:
        body = msgspec.json.decode(event.body, type=_Body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Told(stored=event, who=_NOBODY, what={}, names={}, legible=False)
    names = {}
    for text in {*body.who.values(), *_texts(body.what)}:
        name = await directory.label(text)
        if name is not None:
            names[text] = name
    uri = body.who.get("resource")
    resource = await work.resources.by_uri(uri) if uri is not None else None
    if uri is not None and resource is not None:
        names[uri] = resource.name
    return Told(stored=event, who=_NOBODY | body.who, what=body.what, names=names)


async def _by_ids(work: Work, wanted: Wanted) -> EventFilter:
    user = await work.users.by_email(wanted.user) if wanted.user else None
    agent = await work.agents.by_name(wanted.agent) if wanted.agent else None
    client = await work.clients.by_name(wanted.client) if wanted.client else None
    chosen = EventFilter(
        type=wanted.type,
        outcome=wanted.outcome,
        user=wanted.user,
        agent=wanted.agent,
        client=wanted.client,
        kind=wanted.kind,
    )
    chosen = replace(
        chosen,
        user=user.id if user else chosen.user,
        agent=agent.id if agent else chosen.agent,
        client=client.id if client else chosen.client,
    )
    return await _about(work, chosen, wanted.about)


async def _about(work: Work, chosen: EventFilter, about: str | None) -> EventFilter:
    match (about or "").partition("_")[0]:
        case "":
            return chosen
        case "lin":
            # Found among the events of its user, which have an index.
            line = await work.lines.get(LineId(about or ""))
            return replace(chosen, line=about, user=line.user if line is not None else about)
        case "grt":
            grant = await work.grants.get(GrantId(about or ""))
            user = chosen.user or (grant.user if grant is not None else None)
            return replace(chosen, grant=about, user=user)
        case _:
            return replace(chosen, jti=about)


def _texts(what: Mapping[str, Field]) -> Iterator[str]:
    for value in what.values():
        if isinstance(value, str):
            yield value


__all__ = ["Field", "Kind", "Told", "Wanted", "find_event", "list_events", "tell"]
