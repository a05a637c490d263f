"""Tables of what happened: events and the tree over them, tallies, reports of resources and the use of scopes."""

from __future__ import annotations

from sqlalchemy import UniqueConstraint

from remit.core.audit.events import Outcome
from remit.store.declare import number, of, one_of, raw, table, text, time

table(
    "event",
    number("seq"),
    text("id"),
    text("type"),
    time("at"),
    one_of("outcome", Outcome),
    text("user_id", null=True),
    text("agent_id", null=True),
    text("client_id", null=True),
    text("grant_id", null=True),
    text("line_id", null=True),
    text("jti", null=True),
    raw("body"),
    raw("leaf"),
    UniqueConstraint("tenant", "id"),
    key=("seq",),
)
table("audit_tree", number("size"), raw("frontier"), key=(), of_tenant=True)
table("checkpoint", number("size"), text("note"), time("at"), key=("size",), of_tenant=True)
table(
    "event_tally",
    number("minute"),
    text("reason"),
    text("peer"),
    one_of("outcome", Outcome),
    number("count"),
    key=("minute", "reason", "peer"),
    of_tenant=True,
)
table("decision_report", text("id"), time("at"), of_tenant=True)
table(
    "scope_usage",
    text("grant_id"),
    text("scope"),
    number("count"),
    number("denied"),
    time("last_at"),
    of("grants", "grant_id"),
    key=("grant_id", "scope"),
)
table(
    "agent_usage",
    text("agent_id"),
    text("resource_id"),
    text("scope"),
    time("last_at"),
    of("agent", "agent_id"),
    of("resource", "resource_id"),
    key=("agent_id", "resource_id", "scope"),
)
