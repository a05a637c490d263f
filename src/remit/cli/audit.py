"""`remit audit ...`: read the audit log. What verifies and exports it whole is in `audit_whole.py`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import App, Parameter

from remit.cli.door import Api
from remit.cli.exits import OK, REFUSED, USAGE
from remit.cli.find import find_agent, find_client, find_user
from remit.cli.here import end, say
from remit.cli.machine import on_this_machine
from remit.cli.output import write_record
from remit.cli.place import Place, through
from remit.cli.spans import read_span
from remit.cli.told import body_of, write_line
from remit.core.audit.events import Outcome
from remit.http.api import events as rest
from remit.ports.work import Kind

app = App(
    name="audit",
    help="Read, verify and export the audit log.",
    help_epilogue="Examples:\n  remit audit tail -n 50 --follow\n  remit audit show evt_01k..."
    "\n  remit audit verify --checkpoint checkpoints.log\n  remit audit export --out audit.jsonl",
)

app.command(
    "remit.cli.audit_whole:verify",
    name="verify",
    help="Check every entry and every checkpoint; ends with 1 when something was touched.",
    help_epilogue=on_this_machine(
        "audit verify",
        "Examples:\n  remit audit verify\n  remit audit verify --checkpoint /mnt/worm/checkpoints.log --json",
    ),
)
app.command(
    "remit.cli.audit_whole:export",
    name="export",
    help="Write the whole log as JSON lines.",
    help_epilogue=on_this_machine(
        "audit export",
        "Examples:\n  remit audit export --out audit.jsonl\n  remit audit export | gzip > audit.jsonl.gz",
    ),
)

_MOST_LINES = 100_000
_PAUSE = 1.0
"""Seconds between two looks at a log that is followed."""

Lines = Annotated[int, Parameter(name=("-n", "--lines"), help="How many of the newest.")]


@app.command(
    help_epilogue="Examples:\n  remit audit tail\n  remit audit tail -n 100 --outcome denied"
    "\n  remit audit tail --agent invoice-helper --kind calls --since 7d\n  remit audit tail --follow --json"
)
def tail(
    *,
    n: Lines = 20,
    follow: Annotated[
        bool, Parameter(name=("-f", "--follow"), negative="", show_default=False, help="Go on as events come.")
    ] = False,
    type_: Annotated[str | None, Parameter(name="--type", help="Only this type, as in token.issued.")] = None,
    outcome: Annotated[Outcome | None, Parameter(help="Only this outcome.")] = None,
    kind: Annotated[Kind, Parameter(help="Only what agents did, or only what changed.")] = Kind.ANY,
    user: Annotated[str | None, Parameter(help="Only what was done for this user: address or id.")] = None,
    agent: Annotated[str | None, Parameter(help="Only by or about this agent: name or id.")] = None,
    client: Annotated[str | None, Parameter(help="Only by or about this client: name or id.")] = None,
    grant: Annotated[str | None, Parameter(help="Only under this grant.")] = None,
    line: Annotated[str | None, Parameter(help="Only under this approval of a grant.")] = None,
    jti: Annotated[str | None, Parameter(help="Only about the access token of this id.")] = None,
    since: Annotated[str | None, Parameter(help="Only of the time from now back, as in 4h or 7d.")] = None,
    place: Place | None = None,
) -> int:
    """Print the newest events, oldest first. With --json each line is the event to the byte, as it was hashed."""
    place = place or Place()

    async def show(api: Api) -> int:
        query = rest.EventQuery(
            type=type_,
            outcome=outcome,
            kind=kind,
            user=None if user is None else await find_user(api, user),
            agent=None if agent is None else await find_agent(api, agent),
            client=None if client is None else await find_client(api, client),
            grant=grant,
            line=line,
            jti=jti,
            since=None if since is None else datetime.now(UTC) - read_span(since),
        )
        found = await _newest(api, query, n)
        seq = await _seq(api) if follow else -1
        _print(found, json=place.json)
        while follow:
            await asyncio.sleep(_PAUSE)
            fresh = await _since(api, query, seq)
            _print(fresh, json=place.json)
            seq = max([seq, *(event.seq for event in fresh)])
        return OK

    return through(place, show)


@app.command(help_epilogue="Examples:\n  remit audit show evt_01k...\n  remit audit show evt_01k... --json")
def show(event: Annotated[str, Parameter(help="Its id.")], /, *, place: Place | None = None) -> int:
    """Show one event with its place in the log, and what people call the ids in it."""
    place = place or Place()

    async def read(api: Api) -> int:
        found = await api.ask(rest.get_event, event)
        write_record(found, json=place.json, shown={"names": "", "who": "", "what": "", **_flat(found)})
        if not found.legible:
            say("The bytes of this entry are no event: somebody changed them.")
        return OK

    return through(place, read)


@app.command(help_epilogue="Examples:\n  remit audit decisions --denied\n  remit audit decisions -n 100 --json")
def decisions(
    *,
    n: Lines = 20,
    denied: Annotated[
        bool, Parameter(negative="", show_default=False, help="Those that did not allow a call.")
    ] = False,
    place: Place | None = None,
) -> int:
    """Print what guards decided last, oldest first."""
    place = place or Place()

    async def read(api: Api) -> int:
        query = rest.DecisionQuery(permitted=not denied)
        found: list[rest.EventView] = []
        async for page in api.every(rest.list_decisions, query=query):
            found += page.events
            if len(found) >= n:
                break
        _print(found[: _lines(n)][::-1], json=place.json)
        return OK

    return through(place, read)


@app.command(help_epilogue="Examples:\n  remit audit integrity\n  remit audit integrity --json")
def integrity(*, place: Place | None = None) -> int:
    """Say what the last whole pass over the log found. Ends with 1 when something was touched.

    A server goes on with its pass at each question, and remembers where the log stood before; `remit audit verify`
    is the whole check at once.
    """
    place = place or Place()

    async def read(api: Api) -> int:
        seal = await api.ask(rest.get_integrity)
        while seal.looked_at is None and not seal.problem:
            seal = await api.ask(rest.get_integrity)
        write_record(seal, json=place.json)
        return OK if seal.sound else REFUSED

    return through(place, read)


def _lines(n: int) -> int:
    if not 0 <= n <= _MOST_LINES:
        raise end(f"-n takes a number up to {_MOST_LINES}", USAGE)
    return n


async def _newest(api: Api, query: rest.EventQuery, n: int) -> list[rest.EventView]:
    """Return the newest events, oldest first."""
    found: list[rest.EventView] = []
    if _lines(n):
        async for page in api.every(rest.list_events, query=query):
            found += page.events
            if len(found) >= n:
                break
    return found[:n][::-1]


async def _seq(api: Api) -> int:
    """Return the place of the newest event there is."""
    newest = (await api.ask(rest.list_events, query=rest.EventQuery(limit=1))).events
    return newest[0].seq if newest else -1


async def _since(api: Api, query: rest.EventQuery, seq: int) -> list[rest.EventView]:
    """Return the events behind a place, oldest first."""
    found: list[rest.EventView] = []
    async for page in api.every(rest.list_events, query=query):
        fresh = [event for event in page.events if event.seq > seq]
        found += fresh
        if len(fresh) < len(page.events):
            break
    return found[::-1]


def _print(events: Sequence[rest.EventView], *, json: bool) -> None:
    for event in events:
        if json:
            print(bytes(event.event).decode())
        else:
            write_line(body_of(event))
    sys.stdout.flush()


def _flat(found: rest.EventChain) -> dict[str, object]:
    """Take an event apart for people: a line a member, ids with what people call them."""
    told: dict[str, object] = {}
    for part in ("who", "what"):
        for name, value in getattr(found, part).items():
            known = found.names.get(value) if isinstance(value, str) else None
            told[f"{part}.{name}"] = f"{value} ({known})" if known else value
    return told
