"""REST v1: the audit log and what guards decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import msgspec

from remit.core.audit.events import DecisionReported, DenialReported, Outcome
from remit.core.names import EventId, LineId
from remit.core.oauth.verdicts import Refusal
from remit.http.api.operation import Call, NoQuery, Operation, View
from remit.http.api.shapes import Id, Moment, NumberedQuery, cut, directory, utc
from remit.ports.work import EventFilter, Kind, StoredEvent
from remit.services.activity import tell

NO_EVENT: Final = Refusal("not_found", "no such event in this tenant")


class EventView(View):
    """An event as it lies in the log, at its place in the tree: `event` are the very bytes that were hashed."""

    seq: int
    event: msgspec.Raw


class EventPage(View):
    """Events, newest first."""

    events: list[EventView]
    next: str | None


class EventChain(View):
    """An event taken apart: who and what in its own words, and what people call the ids among them.

    `legible` is false where the bytes are no event: somebody changed them.
    """

    id: str
    seq: int
    type: str
    at: datetime
    outcome: str
    who: dict[str, str]
    what: dict[str, Any]
    names: dict[str, str]
    legible: bool


class EventQuery(NumberedQuery):
    """What to look for; ids, and times with `since` in and `until` out. `calls` are what agents did."""

    type: Id | None = None
    outcome: Outcome | None = None
    kind: Kind = Kind.ANY
    user: Id | None = None
    agent: Id | None = None
    client: Id | None = None
    grant: Id | None = None
    line: Id | None = None
    jti: Id | None = None
    since: Moment | None = None
    until: Moment | None = None


class DecisionQuery(NumberedQuery):
    """Decisions of guards; `permitted` chooses those that allowed a call, or those that did not."""

    permitted: bool = True
    user: Id | None = None
    agent: Id | None = None
    client: Id | None = None
    grant: Id | None = None
    jti: Id | None = None
    since: Moment | None = None
    until: Moment | None = None


class IntegrityView(View):
    """What the last whole pass over the log said; each call takes the next step. `looked_at` is when it began."""

    entries: int
    looked_at: datetime | None
    problem: str
    sound: bool


async def list_events(call: Call[EventQuery, None]) -> EventPage:
    wanted = replace(_filter(call.query), type=call.query.type, outcome=call.query.outcome, kind=call.query.kind)
    if call.query.line is not None:
        # Found among the events of its user, which have an index.
        line = await call.work.lines.get(LineId(call.query.line))
        user = wanted.user or (call.query.line if line is None else line.user)
        wanted = replace(wanted, line=call.query.line, user=user)
    return await _page(call, wanted)


async def list_decisions(call: Call[DecisionQuery, None]) -> EventPage:
    kind = DecisionReported.type if call.query.permitted else DenialReported.type
    return await _page(call, replace(_filter(call.query), type=kind))


async def get_event(call: Call[NoQuery, None]) -> EventChain | Refusal:
    found = await call.work.events.get(EventId(call.path["event"]))
    if found is None:
        return NO_EVENT
    told = await tell(call.work, directory(call), found)
    return EventChain(
        id=found.id,
        seq=found.seq,
        type=found.type,
        at=found.at,
        outcome=found.outcome,
        who=dict(told.who),
        what=dict(told.what),
        # In one order everywhere: the answer has a tag.
        names=dict(sorted(told.names.items())),
        legible=told.legible,
    )


async def get_integrity(call: Call[NoQuery, None]) -> IntegrityView:
    seal = await call.integrity.look(call.tenant.id, call.deps)
    return IntegrityView(
        entries=seal.entries,
        looked_at=seal.looked_at,
        problem=seal.problem,
        sound=seal.looked_at is not None and not seal.problem,
    )


def _filter(query: EventQuery | DecisionQuery) -> EventFilter:
    return EventFilter(
        user=query.user,
        agent=query.agent,
        client=query.client,
        grant=query.grant,
        jti=query.jti,
        since=utc(query.since),
        until=utc(query.until),
    )


async def _page(call: Call[Any, None], wanted: EventFilter) -> EventPage:
    query = call.query
    found = await call.work.events.page(wanted, before=query.cursor, limit=query.limit + 1)
    page, last = cut(found, query.limit)
    return EventPage(events=[_view(event) for event in page], next=str(last.seq) if last else None)


def _view(event: StoredEvent) -> EventView:
    return EventView(seq=event.seq, event=msgspec.Raw(event.body))


OPERATIONS: Final = (
    Operation("GET", "/api/v1/events", "audit:read", list_events, "Read the audit log", EventPage, query=EventQuery),
    Operation("GET", "/api/v1/events/{event}", "audit:read", get_event, "Show an event and its chain", EventChain),
    Operation("GET", "/api/v1/integrity", "audit:read", get_integrity, "Is the log what it was?", IntegrityView),
    Operation(
        "GET",
        "/api/v1/decisions",
        "audit:read",
        list_decisions,
        "Read what guards decided",
        EventPage,
        query=DecisionQuery,
    ),
)
