"""`remit explain`: what an error code means, or what an event or token stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from remit.cli.exits import NOT_FOUND, OK
from remit.cli.here import end, say
from remit.cli.output import write_record, write_rows
from remit.cli.place import Place, through
from remit.core.explanations import EXPLANATIONS

if TYPE_CHECKING:
    from remit.cli.door import Api

CHAIN = ("user", "agent", "owner", "client", "grant", "line", "approver", "session", "jti", "resource", "purpose")
MOST = 200


def explain(
    what: Annotated[str, Parameter(name="WHAT", help="An error code, the id of an event, or the jti of a token.")],
    /,
    *,
    place: Place | None = None,
) -> int:
    """Say what an error code means, or tell the chain behind an event or an access token."""
    place = place or Place()
    known = EXPLANATIONS.get(what)
    if known is not None:
        write_record({"code": what, "means": known.means, "what_to_do": known.todo}, json=place.json)
        return OK

    async def tell(api: Api) -> int:
        from remit.cli.door import Refused
        from remit.cli.told import actor_of, body_of, part_of
        from remit.http.api import events as rest

        event = await api.try_(rest.get_event, what)
        jti = what if isinstance(event, Refused) else event.who.get("jti")
        around = (
            [] if jti is None else (await api.ask(rest.list_events, query=rest.EventQuery(jti=jti, limit=MOST))).events
        )
        if isinstance(event, Refused):
            if not around:
                raise end(f"`{what}` is no error code, and no event or token of this tenant", NOT_FOUND)
            who = part_of(body_of(around[0]), "who")
        else:
            who = dict(event.who)
            if not around:
                around = (await api.ask(rest.list_events, query=rest.EventQuery(cursor=event.seq + 1, limit=1))).events
        bodies = [body_of(one) for one in reversed(around)]
        rows = [
            {
                **{name: body.get(name) for name in ("id", "at", "type", "outcome")},
                "actor": actor_of(body),
                "who": body["who"],
            }
            for body in bodies
        ]
        if place.json:
            write_rows(rows, json=True)
            return OK
        write_record({name: who[name] for name in CHAIN if who.get(name)} or {"actor": who.get("actor")}, json=False)
        say("")
        write_rows(rows, json=False, columns=("at", "type", "outcome", "actor", "id"))
        return OK

    return through(place, tell)
