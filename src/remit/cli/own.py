"""`remit own ...`: what whoever is signed in allowed agents, as My agents shows it."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from remit.cli.door import Api
from remit.cli.exits import AUTH, OK
from remit.cli.here import end
from remit.cli.output import write_record, write_rows
from remit.cli.place import Change, Place, through
from remit.http.api import own as rest
from remit.http.api.shapes import Nothing
from remit.ports.work import Kind

app = App(
    name="own",
    help="List, narrow and stop what you allowed agents yourself, on the server that you are signed in to; see what "
    "they did.",
    help_epilogue="Examples:\n  remit own list\n  remit own stop grt_01k...",
)

Id = Annotated[str, Parameter(help="Id of the grant.")]


@app.command(name="list", help_epilogue="Examples:\n  remit own list\n  remit own list --json")
def list_(*, place: Place | None = None) -> int:
    """List what you allowed and what still works for you."""
    place = place or Place()

    async def read(api: Api) -> int:
        _person(api)
        found = (await api.ask(rest.list_own)).grants
        write_rows(found, json=place.json, columns=("id", "agent_name", "resource", "can", "standing", "last_used"))
        return OK

    return through(place, read)


@app.command(help_epilogue="Examples:\n  remit own activity\n  remit own activity -n 100 --kind calls --json")
def activity(
    *,
    n: Annotated[int, Parameter(name=("-n", "--lines"), help="How many of the newest.")] = 20,
    kind: Annotated[Kind, Parameter(help="What agents did, or what changed.")] = Kind.ANY,
    place: Place | None = None,
) -> int:
    """List what happened in your name, newest first."""
    place = place or Place()

    async def read(api: Api) -> int:
        _person(api)
        found: list[rest.OwnEventView] = []
        async for page in api.every(rest.list_own_events, query=rest.OwnEventQuery(kind=kind)):
            found += page.events
            if len(found) >= n:
                break
        columns = ("at", "type", "outcome", "agent_name", "resource", "scopes")
        write_rows(found[: max(n, 0)], json=place.json, columns=columns)
        return OK

    return through(place, read)


@app.command(help_epilogue="Examples:\n  remit own narrow grt_01k... read:calendar")
def narrow(
    grant: Id,
    keep: Annotated[tuple[str, ...], Parameter(help="The scopes that stay.")],
    /,
    *,
    place: Change | None = None,
) -> int:
    """Leave an agent less than you allowed it."""
    place = place or Change()

    async def cut(api: Api) -> int:
        _person(api)
        write_record(await api.ask(rest.narrow_own, grant, body=rest.Keep(keep=list(keep))), json=place.json)
        return OK

    return through(place, cut)


@app.command(help_epilogue="Examples:\n  remit own stop grt_01k...")
def stop(grant: Id, /, *, place: Change | None = None) -> int:
    """Revoke what you allowed an agent."""
    place = place or Change()

    async def end_it(api: Api) -> int:
        _person(api)
        write_record(await api.ask(rest.stop_own, grant, body=Nothing()), json=place.json)
        return OK

    return through(place, end_it)


@app.command(name="stop-all", help_epilogue="Examples:\n  remit own stop-all --dry-run\n  remit own stop-all")
def stop_all(*, place: Change | None = None) -> int:
    """Revoke everything that you allowed anybody."""
    place = place or Change()

    async def end_them(api: Api) -> int:
        _person(api)
        write_record(await api.ask(rest.stop_all_own, body=Nothing()), json=place.json)
        return OK

    return through(place, end_them)


def _person(api: Api) -> None:
    """See that there is somebody whose own this is."""
    if not api.door.elsewhere:
        raise end("this machine does not know who you are: sign in with `remit login`", AUTH)
