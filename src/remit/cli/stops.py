"""`remit stop`, `remit resume`, `remit stops ...`."""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import Annotated

from cyclopts import App, Parameter

from remit.cli.door import Api
from remit.cli.exits import OK
from remit.cli.find import find_target
from remit.cli.output import write_record, write_rows
from remit.cli.place import Change, Place, through
from remit.cli.spans import read_span
from remit.core.stops import RESUMABLE, TargetKind
from remit.http.api import stops as rest

app = App(
    name="stops",
    help="List and show stops.",
    help_epilogue="Examples:\n  remit stops list --tenant acme",
)

COLUMNS = ("id", "kind", "target", "reason", "actor", "started_at", "ends_at", "lifted_at")


def stop(
    kind: Annotated[TargetKind, Parameter(help="What it is.")],
    id_: Annotated[str, Parameter(name="ID", help="Its id, or the name or address that only it has.")],
    /,
    *,
    reason: Annotated[str, Parameter(help="Why; everybody who asks is told.")],
    for_: Annotated[
        str | None, Parameter(name="--for", help="How long, as in 30m, 4h, 2d. Left out: until resumed.")
    ] = None,
    place: Change | None = None,
) -> int:
    """Refuse somebody from now on, everywhere. On a token, line, grant, session or key that is final."""
    place = place or Change()

    async def put(api: Api) -> int:
        seconds = None if for_ is None else read_span(for_) // timedelta(seconds=1)
        body = rest.NewStop(kind=kind, id=await find_target(api, kind, id_), reason=reason, seconds=seconds)
        write_record(await api.ask(rest.create_stop, body=body), json=place.json)
        lifting = f"`remit resume {kind} {shlex.quote(id_)}` lifts it" if kind in RESUMABLE else "this is final"
        api.say(f"Stopped. Running servers refuse it within a second; {lifting}.")
        return OK

    return through(place, put)


def resume(
    kind: Annotated[TargetKind, Parameter(help="What it is.")],
    id_: Annotated[str, Parameter(name="ID", help="Its id, or the name or address that only it has.")],
    /,
    *,
    reason: Annotated[str, Parameter(help="Why it may go on.")],
    place: Change | None = None,
) -> int:
    """Lift every stop on somebody. Access tokens from before stay refused; new ones can be had at once."""
    place = place or Change()

    async def lift(api: Api) -> int:
        body = rest.Resume(kind=kind, id=await find_target(api, kind, id_), reason=reason)
        lifted = await api.ask(rest.resume, body=body)
        write_record(lifted, json=place.json)
        api.say(f"Lifted {len(lifted.lifted)} stop{'' if len(lifted.lifted) == 1 else 's'}.")
        return OK

    return through(place, lift)


@app.command(name="list", help_epilogue="Examples:\n  remit stops list\n  remit stops list --all --json")
def list_(
    *,
    all_: Annotated[bool, Parameter(name="--all", negative="", show_default=False, help="Also what is over.")] = False,
    place: Place | None = None,
) -> int:
    """List the stops in force, newest first."""
    place = place or Place()

    async def read(api: Api) -> int:
        query = rest.StopQuery(in_force=not all_)
        found = [stop async for page in api.every(rest.list_stops, query=query) for stop in page.stops]
        write_rows(found, json=place.json, columns=COLUMNS)
        return OK

    return through(place, read)


@app.command(help_epilogue="Examples:\n  remit stops show stp_01k...")
def show(stop: Annotated[str, Parameter(help="Its id.")], /, *, place: Place | None = None) -> int:
    """Show one stop."""
    place = place or Place()

    async def read(api: Api) -> int:
        write_record(await api.ask(rest.get_stop, stop), json=place.json)
        return OK

    return through(place, read)
