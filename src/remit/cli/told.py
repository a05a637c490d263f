"""An event as a line for people; what lies in the log may be anything by now, and is then shown as such."""

from __future__ import annotations

import msgspec

from remit.cli.output import text
from remit.http.api.events import EventView

Body = dict[str, object]


def body_of(event: EventView) -> Body:
    """Return the members of an event."""
    return msgspec.json.decode(event.event, type=Body)


def part_of(body: Body, name: str) -> Body:
    found = body.get(name)
    return dict(found) if isinstance(found, dict) else {}


def actor_of(body: Body) -> str:
    who = part_of(body, "who")
    return text(f"{who.get('actor_kind', '')}:{who.get('actor', '')}")


def write_line(body: Body) -> None:
    said = " ".join(
        f"{name}={text(value)}" for name, value in part_of(body, "what").items() if value not in (None, "", [], False)
    )
    at = text(body.get("at")).partition(".")[0].replace("T", " ").removesuffix("Z")
    kind, outcome, name = (text(body.get(member)) for member in ("type", "outcome", "id"))
    print(f"{at}Z  {kind:22}  {outcome:7}  {name}  {actor_of(body)}  {said}".rstrip())
