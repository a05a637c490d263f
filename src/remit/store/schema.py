"""The schema, declared once for every database. Only migrations and their tests read this module.

Text ids, times as integer milliseconds, digests as bytes, JSON as text, states as text with a check. Every primary key
begins with the tenant, and tables are stored in its order (`without rowid` on SQLite). Token tables have no secondary
index: a token is found by the id inside it, and "all tokens of X" is a state of X. `user` and `grant` are reserved
words, so these two tables are named in the plural, and columns that point to them end in `_id`.
"""

from __future__ import annotations

from sqlalchemy import Index, text

from remit.store.declare import METADATA
from remit.store.tables import authority, parties, records  # noqa: F401 - a part declares its tables by being imported

__all__ = ["METADATA"]

_TABLES = METADATA.tables


def _index(name: str, table: str, *columns: str, unique: bool = False, where: str | None = None) -> None:
    only = None if where is None else text(where)
    chosen = [_TABLES[table].c[column] for column in ("tenant", *columns)]
    Index(name, *chosen, unique=unique, sqlite_where=only, postgresql_where=only)


_OF_USER = "state = 'active' and user_id is not null"
_OF_AGENT = "state = 'active' and user_id is null"

# INVARIANT: an agent has one active remit; a client has one active grant of a user on a resource.
_index("remit_active", "remit", "agent_id", unique=True, where="state = 'active'")
_index("grants_of_user", "grants", "user_id", "client_id", "resource_id", unique=True, where=_OF_USER)
_index("grants_of_agent", "grants", "client_id", "resource_id", unique=True, where=_OF_AGENT)
_index("grants_by_user", "grants", "user_id", "id")
_index("grants_by_agent", "grants", "agent_id", "id")
_index("line_by_grant", "line", "grant_id", "id")
_index("line_by_session", "line", "session_id", "id")
_index("logout_notice_due", "logout_notice", "due_at", "id")
_index("client_by_name", "client", "name")
_index("client_by_agent", "client", "agent_id")
_index("stop_by_target", "stop", "target_id")

# Tokens and calls are nearly all there is: they are found by agent and by user, and every other index leaves them out.
_CALLS = "'token.issued', 'token.exchanged', 'token.refused', 'token.introspected', 'decision.permit', 'decision.deny'"
_CHANGES = f"type not in ({_CALLS})"
_index("event_by_agent", "event", "agent_id", "seq")
_index("event_by_user", "event", "user_id", "seq", where="user_id is not null")
_index("event_changes", "event", "agent_id", "seq", "type", where=_CHANGES)
_index("event_of_grant", "event", "grant_id", "seq", "type", where=f"grant_id is not null and {_CHANGES}")
_index("event_by_type", "event", "type", "seq", where=_CHANGES)
_index("event_not_ok", "event", "outcome", "seq", where="outcome <> 'ok'")
