"""How SQLite looks for events: in an index, whatever the log has grown to."""

from __future__ import annotations

import re

import apsw
import pytest

from remit.ports.work import EventFilter, Kind
from remit.store import events
from remit.store.migrate import upgrade
from tests.rules.test_sql import STATEMENTS

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


WALKS = {
    # What is asked for is the whole of a table of a tenant that stays small, or all of it.
    *("agents.ACTIVE_REMITS", "agents.LIST", "clients.COUNT_SELF_REGISTERED", "clients.LIST", "clients.UNUSED"),
    *("grants.LIST", "keys.ALL", "resources.LIST", "stops.LIST", "stops.LIST_IN_FORCE", "users.LIST"),
    *("audit.CHECKPOINTS", "audit.NEWEST", "audit.SIGNED"),
    # A tenant's own row.
    *("audit.FRONTIER", "statements.HEAD", "statements.DRAW_STAMP", "statements.DRAW_STOP_STAMP", "stops.BUMP"),
    *(
        "admission.GET",
        "registrations.LIST",
        "tenants.CHOOSE_ASKING",
        "tenants.CHOOSE_LIFETIMES",
        "tenants.CURRENT",
        "tenants.TURN_RIGHTS_ON",
    ),
    # Jobs, which nobody waits for.
    *("housekeeping.DROP_CODES", "housekeeping.DROP_ONCE", "housekeeping.DROP_PUSHED_REQUESTS"),
    "housekeeping.DROP_DEVICE_REQUESTS",
    *(
        "housekeeping.DROP_REFRESH_TOKENS",
        "housekeeping.DROP_REPLIES",
        "housekeeping.DROP_REPORTS",
        "housekeeping.DROP_SESSIONS",
        "housekeeping.DROP_UNCONFIRMED",
    ),
}
"""Statements that look at every row of a tenant in one of its tables."""


def test_no_other_statement_walks_a_whole_tenant(tmp_path):
    """Left to itself, SQLite prefers the rows of a tenant in order to an index of those that are asked for."""
    upgrade(tmp_path / "remit.db")
    connection = apsw.Connection(str(tmp_path / "remit.db"))
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    walking = set()
    for name, sql in STATEMENTS.items():
        module, _, constant = name.partition(".")
        # Those of the log are put together from parts, and looked at below.
        if ":tenant" not in sql or constant.startswith("_") or module in {"events", "postgres", "migrate_postgres"}:
            continue
        names = set(re.findall(r"(?<!:):(\w+)", sql))
        steps = [str(row[3]) for row in connection.execute("explain query plan " + sql, dict.fromkeys(names))]
        if any(step.endswith("(tenant=?)") or re.match("SCAN (?!CONSTANT ROW)", step) for step in steps):
            walking.add(name)
    connection.close()
    assert walking == WALKS


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
