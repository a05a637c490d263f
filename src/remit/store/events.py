"""Events: rendered once, stored as the exact bytes that are hashed, a leaf of the tree in the same transaction."""

from __future__ import annotations

import os
from dataclasses import fields
from datetime import UTC, datetime

import msgspec

from remit.core.audit.events import EVENTS, Event, Outcome, RefusalsCounted, Who
from remit.core.audit.tree import leaf_hash
from remit.core.authority import MAX_TOKEN_SECONDS
from remit.core.names import RANDOM_BYTES, EventId, Prefix, TenantId, encode_id, time_of
from remit.ports.work import EventFilter, Kind, StoredEvent
from remit.store.audit import TreeInWork
from remit.store.columns import as_bytes, from_ms, to_ms
from remit.store.statements import Row, Statements

APPEND = """
insert into event (tenant, seq, id, type, at, outcome, user_id, agent_id, client_id, grant_id, line_id, jti, body,
                   leaf)
values (:tenant, :seq, :id, :type, :at, :outcome, :user, :agent, :client, :grant, :line, :jti, :body, :leaf)
"""

_CALLS = (
    "('token.issued', 'token.exchanged', 'token.refused', 'token.introspected', 'decision.permit', 'decision.deny')"
)

_FILTER = f"""
   and (cast(:type as text) is null or e.type = :type)
   and (cast(:outcome as text) is null or e.outcome = :outcome)
   and (cast(:user as text) is null or e.user_id = :user)
   and (cast(:agent as text) is null or e.agent_id = :agent)
   and (cast(:client as text) is null or e.client_id = :client)
   and (cast(:grant as text) is null or e.grant_id = :grant)
   and (cast(:line as text) is null or e.line_id = :line)
   and (cast(:jti as text) is null or e.jti = :jti)
   and (cast(:kind as text) = 'any'
        or cast(:kind as text) = case when e.type in {_CALLS} then 'calls' else 'changes' end)
   and e.at >= :since and e.at < :until
"""

_FROM = """
select e.seq, e.id, e.type, e.at, e.outcome, e.body from event e where e.tenant = :tenant and e.seq < :before"""

PAGE = f"{_FROM} {_FILTER} order by e.seq desc limit :limit"

# The others look up places in an index first, so that a page costs what was found and not what the log holds. A cross
# join, because SQLite keeps its order, and would else rather walk the log than an index that lacks part of an event.
_JOINED = f"""
 cross join event e
 where e.tenant = :tenant and e.seq = found.seq and e.seq + 0 < :before {_FILTER}
 order by found.seq desc limit :limit
"""

_FOUND = f" and seq < :before) found {_JOINED}"

_PLACES = """
select e.seq, e.id, e.type, e.at, e.outcome, e.body
  from (select seq from event where tenant = :tenant and """

OF_USER = f"{_PLACES} user_id = :user {_FOUND}"
OF_AGENT = f"{_PLACES} agent_id = :agent {_FOUND}"
CHANGES_OF_AGENT = f"{_PLACES} agent_id = :agent and type not in {_CALLS} {_FOUND}"
CHANGES_OF_GRANT = f"{_PLACES} grant_id = :grant and type not in {_CALLS} {_FOUND}"
OF_RARE_TYPE = f"{_PLACES} type = :type and type not in {_CALLS} {_FOUND}"
NOT_OK = f"{_PLACES} outcome = :outcome and outcome <> 'ok' {_FOUND}"

_ITS_AGENT = """
(select agent_id from grants where tenant = :tenant and id = :grant)"""

# Tokens and calls pay for two indexes, of their agent and of their user. Those of a grant are found among its agent's;
# those of a token among the events since it was made, for ids begin with their time.
OF_GRANT = f"{_PLACES} agent_id = {_ITS_AGENT} {_FOUND}"
OF_TOKEN = f"{_PLACES} id >= :first and id < :last) found {_JOINED}"

AFTER = """
select seq, id, type, at, outcome, body from event where tenant = :tenant and seq > :seq order by seq limit :limit
"""

GET = """
select seq, id, type, at, outcome, body from event where tenant = :tenant and id = :id
"""

TALLY = """
insert into event_tally (tenant, minute, reason, peer, outcome, count)
values (:tenant, :minute, :reason, :peer, :outcome, 1)
on conflict (tenant, minute, reason, peer) do update set count = event_tally.count + 1
returning count
"""

CLOSE_MINUTES = """
delete from event_tally
 where tenant = :tenant and (minute, reason, peer) in (
       select minute, reason, peer from event_tally
        where tenant = :tenant and minute < :minute order by minute, reason, peer limit 200)
returning minute, reason, peer, outcome, count
"""

_NEWEST = 2**62
_MINUTE_MS = 60_000
_TOKEN_MS = (MAX_TOKEN_SECONDS + 600) * 1000
"""How long after a token was made somebody may still tell of it: its longest life, and a late report."""
_SKEW_MS = 60_000
"""How far the clock of a node may be behind that of the node which made the token."""

_VERSION = 1
_encoder = msgspec.json.Encoder(order="sorted")
_WHO = tuple(item.name for item in fields(Who))


_OWN_FIELDS = {kind: tuple(item.name for item in fields(kind) if item.name != "who") for kind in EVENTS}
"""What each type of event adds to the common part."""


def rfc3339(at_ms: int) -> str:
    """Write a time as RFC 3339 in UTC with milliseconds, always of one length."""
    return from_ms(at_ms).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def render(event: Event, *, id: EventId, tenant: TenantId, at_ms: int) -> bytes:
    """Write the event as it will lie in the log for ever: keys sorted, empty parts of the chain left out."""
    who = {name: value for name in _WHO if (value := getattr(event.who, name)) is not None}
    return _encoder.encode(
        {
            "v": _VERSION,
            "id": id,
            "type": event.type,
            "at": rfc3339(at_ms),
            "tenant": tenant,
            "outcome": event.outcome.value,
            "who": who,
            "what": {name: getattr(event, name) for name in _OWN_FIELDS[type(event)]},
        }
    )


class EventTable:
    __slots__ = ("_statements", "_tree")

    def __init__(self, statements: Statements, tree: TreeInWork) -> None:
        self._statements = statements
        self._tree = tree

    async def append(self, event: Event, *, at: datetime) -> EventId:
        at_ms = to_ms(at)
        id_ = EventId(encode_id(Prefix.EVENT, at_ms=at_ms, random=os.urandom(RANDOM_BYTES)))
        body = render(event, id=id_, tenant=self._statements.tenant, at_ms=at_ms)
        leaf = leaf_hash(body)
        frontier = await self._tree.frontier()
        who = event.who
        await self._statements.rows(
            APPEND,
            seq=frontier.size,
            id=id_,
            type=event.type,
            at=at_ms,
            outcome=event.outcome.value,
            user=who.user,
            agent=who.agent,
            client=who.client,
            grant=who.grant,
            line=who.line,
            jti=who.jti,
            body=body,
            leaf=leaf,
        )
        self._tree.grow(frontier.append(leaf))
        return id_

    async def tally(self, event: Event, *, reason: str, at: datetime) -> None:
        minute = to_ms(at) // _MINUTE_MS
        row = await self._statements.row(
            TALLY, minute=minute, reason=reason, peer=event.who.peer or "", outcome=event.outcome.value
        )
        if row is None or row[0] > 1:
            return
        await self.append(event, at=at)
        await self.close_minutes(at=at)

    async def close_minutes(self, *, at: datetime) -> int:
        """Tell how many refusals were only counted in minutes that are over; return how many counters that ended.

        What is not a refusal (a token asked about again) was told once, and its count says nothing.
        """
        closed = await self._statements.rows(CLOSE_MINUTES, minute=to_ms(at) // _MINUTE_MS)
        for minute, reason, peer, outcome, count in sorted(closed):
            if count > 1 and outcome == Outcome.REFUSED:
                counted = RefusalsCounted(
                    who=Who(actor_kind="system", actor="remit", peer=peer or None),
                    reason=reason,
                    minute=rfc3339(minute * _MINUTE_MS),
                    count=count,
                )
                await self.append(counted, at=at)
        return len(closed)

    async def page(self, wanted: EventFilter, *, before: int | None = None, limit: int = 50) -> tuple[StoredEvent, ...]:
        first, last = _window(wanted.jti)
        rows = await self._statements.rows(
            statement_for(wanted),
            first=first,
            last=last,
            before=_NEWEST if before is None else before,
            type=wanted.type,
            outcome=wanted.outcome,
            user=wanted.user,
            agent=wanted.agent,
            client=wanted.client,
            grant=wanted.grant,
            line=wanted.line,
            jti=wanted.jti,
            kind=wanted.kind.value,
            since=0 if wanted.since is None else to_ms(wanted.since),
            until=_NEWEST if wanted.until is None else to_ms(wanted.until),
            limit=limit,
        )
        return tuple(_event(row) for row in rows)

    async def after(self, seq: int, *, limit: int = 500) -> tuple[StoredEvent, ...]:
        return tuple(_event(row) for row in await self._statements.rows(AFTER, seq=seq, limit=limit))

    async def get(self, event: EventId) -> StoredEvent | None:
        row = await self._statements.row(GET, id=event)
        return None if row is None else _event(row)


def statement_for(wanted: EventFilter) -> str:
    """Choose the statement that looks at the fewest events."""
    rare = wanted.kind is Kind.CHANGES or (wanted.type is not None and f"'{wanted.type}'" not in _CALLS)
    if wanted.grant is not None and rare:
        return CHANGES_OF_GRANT
    if wanted.user is not None:
        return OF_USER
    if wanted.agent is not None:
        return CHANGES_OF_AGENT if rare else OF_AGENT
    if wanted.jti is not None:
        return OF_TOKEN
    if wanted.grant is not None:
        return OF_GRANT
    if wanted.type is not None and rare:
        return OF_RARE_TYPE
    if wanted.outcome is not None and wanted.outcome != Outcome.OK:
        return NOT_OK
    return PAGE


def _window(jti: str | None) -> tuple[str, str]:
    """Return between which ids the events of a token lie, whichever node's clock they were written by."""
    try:
        made = time_of((jti or "").partition("_")[2])
    except ValueError:
        return "", ""
    bounds = (max(0, made - _SKEW_MS), made + _TOKEN_MS)
    first, last = (encode_id(Prefix.EVENT, at_ms=at, random=bytes(RANDOM_BYTES)) for at in bounds)
    return first, last


def _event(row: Row) -> StoredEvent:
    seq, id_, type_, at, outcome, body = row
    return StoredEvent(seq=seq, id=EventId(id_), type=type_, at=from_ms(at), outcome=outcome, body=as_bytes(body))
