"""`remit explain`: what an error code means, or what an event or token stands on."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from remit.cli.exits import NOT_FOUND, OK
from remit.cli.here import Here, Where, end, in_tenant, say
from remit.cli.output import Row, write_record, write_rows
from remit.core.explanations import EXPLANATIONS
from remit.core.names import EventId
from remit.ports.work import EventFilter, StoredEvent

CHAIN = ("user", "agent", "owner", "client", "grant", "line", "approver", "session", "jti", "resource", "purpose")
MOST = 200


def explain(
    what: Annotated[str, Parameter(name="WHAT", help="An error code, the id of an event, or the jti of a token.")],
    /,
    *,
    where: Where | None = None,
) -> int:
    """Say what an error code means, or tell the chain behind an event or an access token."""
    where = where or Where()
    known = EXPLANATIONS.get(what)
    if known is not None:
        write_record({"code": what, "means": known.means, "what_to_do": known.todo}, json=where.json)
        return OK

    async def tell(here: Here) -> int:
        async with here.deps.db.read(here.tenant.id) as work:
            event = await work.events.get(EventId(what))
            jti = what if event is None else _who(event).get("jti")
            around = await work.events.page(EventFilter(jti=str(jti)), limit=MOST) if jti else ()
        if event is None and not around:
            raise end(f"`{what}` is no error code, and no event or token of this tenant", NOT_FOUND)
        rows = [_told(one) for one in reversed(around or ([event] if event else []))]
        if where.json:
            write_rows(rows, json=True)
            return OK
        chain = _who(event or around[-1])
        write_record({name: chain[name] for name in CHAIN if name in chain} or {"actor": chain["actor"]}, json=False)
        say("")
        write_rows(rows, json=False, columns=("at", "type", "outcome", "actor", "id"))
        return OK

    return in_tenant(where, tell)


def _body(event: StoredEvent) -> dict[str, object]:
    import msgspec

    return msgspec.json.decode(event.body, type=dict[str, object])


def _who(event: StoredEvent) -> dict[str, object]:
    who = _body(event)["who"]
    return dict(who) if isinstance(who, dict) else {}


def _told(event: StoredEvent) -> Row:
    body, who = _body(event), _who(event)
    return {
        "id": event.id,
        "at": body.get("at"),
        "type": event.type,
        "outcome": event.outcome,
        "actor": f"{who.get('actor_kind')}:{who.get('actor')}",
        "who": who,
    }
