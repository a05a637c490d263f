"""`remit stop`, `remit resume`, `remit stops list`."""

from __future__ import annotations

import shlex
from typing import Annotated

from cyclopts import App, Parameter

from remit.cli.exits import OK
from remit.cli.find import find_target
from remit.cli.here import Here, Where, in_tenant, refused, say
from remit.cli.output import Row, when, write_record, write_rows
from remit.cli.spans import end_of
from remit.core.oauth.verdicts import Refusal
from remit.core.stops import RESUMABLE, Stop, TargetKind
from remit.services.stops import lift_stops, place_stop

app = App(
    name="stops",
    help="List stops.",
    help_epilogue="Examples:\n  remit stops list --tenant acme",
)


def stop(
    kind: Annotated[TargetKind, Parameter(help="What it is.")],
    id_: Annotated[str, Parameter(name="ID", help="Its id, or the name or address that only it has.")],
    /,
    *,
    reason: Annotated[str, Parameter(help="Why; everybody who asks is told.")],
    for_: Annotated[
        str | None, Parameter(name="--for", help="How long, as in 30m, 4h, 2d. Left out: until resumed.")
    ] = None,
    where: Where | None = None,
) -> int:
    """Refuse somebody from now on, everywhere. On a token, line, grant, session or key that is final."""
    where = where or Where()

    async def place(here: Here) -> int:
        until = end_of(for_, now=here.deps.clock.now())
        async with here.deps.db.read(here.tenant.id) as work:
            target = await find_target(work, kind, id_)
        outcome = await place_stop(here.tenant.id, target, here.deps, here.who, reason=reason, until=until)
        if isinstance(outcome, Refusal):
            raise refused(outcome)
        write_record(told(outcome), json=where.json)
        lifting = f"`remit resume {kind} {shlex.quote(id_)}` lifts it" if kind in RESUMABLE else "this is final"
        say(f"Stopped. Running servers refuse it within a second; {lifting}.")
        return OK

    return in_tenant(where, place)


def resume(
    kind: Annotated[TargetKind, Parameter(help="What it is.")],
    id_: Annotated[str, Parameter(name="ID", help="Its id, or the name or address that only it has.")],
    /,
    *,
    reason: Annotated[str, Parameter(help="Why it may go on.")],
    where: Where | None = None,
) -> int:
    """Lift every stop on somebody. Access tokens from before stay refused; new ones can be had at once."""
    where = where or Where()

    async def lift(here: Here) -> int:
        async with here.deps.db.read(here.tenant.id) as work:
            target = await find_target(work, kind, id_)
        outcome = await lift_stops(here.tenant.id, target, here.deps, here.who, reason=reason)
        if isinstance(outcome, Refusal):
            raise refused(outcome)
        write_rows([told(found) for found in outcome], json=where.json, columns=COLUMNS)
        say(f"Lifted {len(outcome)} stop{'' if len(outcome) == 1 else 's'}.")
        return OK

    return in_tenant(where, lift)


@app.command(name="list", help_epilogue="Examples:\n  remit stops list\n  remit stops list --all --json")
def list_(
    *,
    all_: Annotated[bool, Parameter(name="--all", negative="", show_default=False, help="Also what is over.")] = False,
    where: Where | None = None,
) -> int:
    """List the stops in force."""
    where = where or Where()

    async def show(here: Here) -> int:
        async with here.deps.db.read(here.tenant.id) as work:
            found = await work.stops.list(in_force_at=None if all_ else here.deps.clock.now())
        write_rows([told(stop) for stop in found], json=where.json, columns=COLUMNS)
        return OK

    return in_tenant(where, show)


COLUMNS = ("id", "kind", "target", "reason", "actor", "started_at", "ends_at", "lifted_at")


def told(stop: Stop) -> Row:
    return {
        "id": stop.id,
        "kind": stop.target.kind.value,
        "target": stop.target.id,
        "reason": stop.reason,
        "actor": f"{stop.actor_kind}:{stop.actor}",
        "started_at": when(stop.started_at),
        "ends_at": when(stop.ends_at),
        "lifted_at": when(stop.lifted_at),
        "epoch": stop.epoch,
    }
