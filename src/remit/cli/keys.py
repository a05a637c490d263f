"""`remit keys ...`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from remit.cli.door import Api
from remit.cli.exits import OK
from remit.cli.output import write_record, write_rows
from remit.cli.place import Change, Place, through
from remit.core.keys import KeyUse
from remit.http.api import keys as rest
from remit.http.api.shapes import Because

app = App(
    name="keys",
    help="List, rotate and revoke signing keys.",
    help_epilogue="Examples:\n  remit keys list --tenant acme\n  remit keys rotate --tenant acme",
)


@app.command(name="list", help_epilogue="Examples:\n  remit keys list\n  remit keys list --all --json")
def list_(
    *,
    all_: Annotated[bool, Parameter(name="--all", negative="", show_default=False, help="Also what is gone.")] = False,
    place: Place | None = None,
) -> int:
    """List the tenant's signing keys and the state of each."""
    place = place or Place()

    async def read(api: Api) -> int:
        found = (await api.ask(rest.list_keys, query=rest.KeyQuery(gone=all_))).keys
        found.sort(key=lambda key: (key.use, key.alg, key.state, key.kid))
        write_rows(found, json=place.json, columns=("kid", "use", "alg", "state", "created_at", "changed_at"))
        return OK

    return through(place, read)


@app.command(help_epilogue="Examples:\n  remit keys rotate\n  remit keys rotate --use access --tenant acme")
def rotate(
    *,
    use: Annotated[KeyUse | None, Parameter(help="Only keys that sign this.")] = None,
    at_once: Annotated[
        bool,
        Parameter(name="--at-once", negative="", show_default=False, help="Do not wait until checkers know the key."),
    ] = False,
    place: Change | None = None,
) -> int:
    """Let the next keys sign. What the old ones signed stays good until it expires."""
    place = place or Change()

    async def move(api: Api) -> int:
        moved = (await api.ask(rest.rotate_keys, body=rest.Rotation(use=use, at_once=at_once))).keys
        write_rows(moved, json=place.json, columns=("kid", "use", "alg", "state"))
        return OK

    return through(place, move)


@app.command(help_epilogue="Examples:\n  remit keys revoke KID --reason 'the key leaked, INC-42'")
def revoke(
    kid: Annotated[str, Parameter(name="KID", help="The key, as `remit keys list` names it.")],
    /,
    *,
    reason: Annotated[str, Parameter(help="Why; everybody who asks is told.")],
    place: Change | None = None,
) -> int:
    """Refuse everything a key signed, from now on and for ever. For a key that leaked; `rotate` is for all else."""
    place = place or Change()

    async def take_back(api: Api) -> int:
        write_record(await api.ask(rest.revoke_key, kid, body=Because(reason=reason)), json=place.json)
        api.say("Revoked. Running servers refuse its tokens within a second; its successor signs already.")
        return OK

    return through(place, take_back)
