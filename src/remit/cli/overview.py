"""`remit overview`: the tenant at a glance."""

from __future__ import annotations

from remit.cli.door import Api
from remit.cli.exits import OK
from remit.cli.output import write_record
from remit.cli.place import Place, through
from remit.http.api.settings import get_overview


def overview(*, place: Place | None = None) -> int:
    """Say what there is in the tenant, who is stopped, and how many calls of the last day were refused."""
    place = place or Place()

    async def look(api: Api) -> int:
        write_record(await api.ask(get_overview), json=place.json)
        return OK

    return through(place, look)
