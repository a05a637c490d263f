"""How SQLite looks for events: in an index, whatever the log has grown to."""

from __future__ import annotations

import re

import apsw
import pytest

from remit.ports.work import EventFilter, Kind
from remit.store import events
from remit.store.migrate import upgrade

LOOKS = {
    "a user": (EventFilter(user="usr_1"), "event_by_user"),
    "a user's token": (EventFilter(user="usr_1", jti="tok_1"), "event_by_user"),
    "an agent": (EventFilter(agent="agt_1"), "event_by_agent"),
    "an agent's client": (EventFilter(agent="agt_1", client="cli_1"), "event_by_agent"),
    "what changed about an agent": (EventFilter(agent="agt_1", kind=Kind.CHANGES), "event_changes"),
    "a grant": (EventFilter(grant="grt_1"), "event_by_agent"),
    "the consents of a grant": (EventFilter(grant="grt_1", type="consent.given"), "event_of_grant"),
    "a token": (EventFilter(jti="tok_1"), "sqlite_autoindex_event_2"),
    "a rare type": (EventFilter(type="stop.placed"), "event_by_type"),
    "refusals": (EventFilter(outcome="denied"), "event_not_ok"),
}


@pytest.mark.parametrize(("wanted", "index"), LOOKS.values(), ids=LOOKS)
def test_events_are_found_in_an_index(tmp_path, wanted, index):
    upgrade(tmp_path / "remit.db")
    connection = apsw.Connection(str(tmp_path / "remit.db"))
    sql = events.statement_for(wanted)
    names = set(re.findall(r":(\w+)", sql))
    steps = [str(row[3]) for row in connection.execute("explain query plan " + sql, dict.fromkeys(names))]
    connection.close()
    assert f" INDEX {index} " in steps[0], steps
    # The event itself by its key; no step that walks the log.
    assert all("SCAN" not in step for step in steps), steps
