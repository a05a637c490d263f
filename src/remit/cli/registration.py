"""`remit registration ...`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from remit.cli.credentials import ONCE
from remit.cli.door import Api
from remit.cli.exits import OK
from remit.cli.output import row_of, write_record, write_rows
from remit.cli.place import Change, Place, through
from remit.cli.spans import read_span
from remit.http.api import initial_tokens as rest
from remit.http.api.shapes import Nothing

app = App(
    name="registration",
    help="Make and end tokens with which programs may register clients.",
    help_epilogue="Examples:\n  remit registration token --note 'laptops of the team' --uses 20 --for 30d"
    "\n  remit registration tokens",
)


@app.command(help_epilogue="Examples:\n  remit registration token --note 'laptops of the team' --uses 20 --for 30d")
def token(
    *,
    note: Annotated[str, Parameter(help="What it is for.")] = "",
    uses: Annotated[int, Parameter(help="How many clients it lets in.")] = 1,
    for_: Annotated[str, Parameter(name="--for", help="How long, as in 30m, 4h, 7d.")] = "7d",
    place: Change | None = None,
) -> int:
    """Make a token with which clients may register. It is shown this once."""
    place = place or Change()
    lives = int(read_span(for_).total_seconds())

    async def make(api: Api) -> int:
        body = rest.NewInitialToken(note=note, uses=uses, lives_seconds=lives)
        write_record(row_of(await api.ask(rest.add_initial_token, body=body)), json=place.json)
        api.say(ONCE)
        return OK

    return through(place, make)


@app.command(help_epilogue="Examples:\n  remit registration tokens --tenant acme")
def tokens(*, place: Place | None = None) -> int:
    """List the newest tokens, and how many clients each still lets in."""
    place = place or Place()

    async def show(api: Api) -> int:
        found = await api.ask(rest.list_initial_tokens)
        write_rows([row_of(one) for one in found.tokens], json=place.json)
        return OK

    return through(place, show)


@app.command(help_epilogue="Examples:\n  remit registration end 01k...")
def end(
    id_: Annotated[str, Parameter(name="ID", help="As `remit registration tokens` lists it.")],
    /,
    *,
    place: Change | None = None,
) -> int:
    """End a token before its time. Clients that it let in stay."""
    place = place or Change()

    async def take_back(api: Api) -> int:
        write_record(await api.ask(rest.end_initial_token, id_, body=Nothing()), json=place.json)
        return OK

    return through(place, take_back)
