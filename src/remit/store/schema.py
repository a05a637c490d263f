"""The schema, declared once for every database. Only migrations and their tests read this module.

Text ids, times as integer milliseconds, digests as bytes, JSON as text, states as text with a check. Every primary key
begins with the tenant, and tables are stored in its order (`without rowid` on SQLite). Token tables have no secondary
index: a token is found by the id inside it, and "all tokens of X" is a state of X.
"""

from __future__ import annotations

from sqlalchemy import Index, UniqueConstraint, text

from remit.core.agents import AgentState
from remit.core.audit.events import Outcome
from remit.core.clients import AuthMethod, ClientState
from remit.core.grants import CodeState, GrantState
from remit.core.keys import KeyState, KeyUse
from remit.core.resources import ResourceState, Risk
from remit.core.stops import TargetKind
from remit.core.tenants import TenantState
from remit.core.tokens import RefreshState
from remit.core.users import Role, UserState
from remit.store.declare import METADATA
from remit.store.declare import flag as _flag
from remit.store.declare import number as _number
from remit.store.declare import of as _of
from remit.store.declare import one_of as _one_of
from remit.store.declare import raw as _bytes
from remit.store.declare import table as _table
from remit.store.declare import text as _text
from remit.store.declare import time as _time

__all__ = ["METADATA"]

# `user` and `grant` are reserved words, so these two tables are named in the plural and columns that point to them end
# in `_id`.

_table(
    "tenant",
    _text("slug"),
    _text("name"),
    _one_of("state", TenantState),
    _flag("rights_on"),
    _number("epoch"),
    # Random numbers, drawn anew with every change of what is remembered between works (`remit.store.recall`).
    _number("stamp"),
    _number("stop_stamp"),
    _number("access_seconds", null=True),
    _number("refresh_idle_days", null=True),
    _number("refresh_absolute_days", null=True),
    _time("created_at"),
    UniqueConstraint("slug"),
    key=(),
)
_table(
    "signing_key",
    _text("kid"),
    _text("alg"),
    _one_of("use", KeyUse),
    _one_of("state", KeyState),
    _text("public"),
    _bytes("sealed"),
    _time("created_at"),
    _time("changed_at"),
    key=("kid",),
    of_tenant=True,
)
_table(
    "users",
    _text("id"),
    _text("email"),
    _text("email_key"),
    _text("name"),
    _one_of("role", Role),
    _one_of("state", UserState),
    _text("password_hash", null=True),
    _time("created_at"),
    UniqueConstraint("tenant", "email_key"),
    of_tenant=True,
)
_table(
    "resource",
    _text("id"),
    _text("uri"),
    _text("name"),
    _one_of("state", ResourceState),
    _number("token_seconds", null=True),
    _time("created_at"),
    UniqueConstraint("tenant", "uri"),
    of_tenant=True,
)
_table(
    "scope",
    _text("resource_id"),
    _text("name"),
    _text("sentence"),
    _one_of("risk", Risk),
    _flag("sensitive"),
    _number("position"),
    _of("resource", "resource_id"),
    key=("resource_id", "name"),
)
_table(
    "resource_secret",
    _text("resource_id"),
    _text("id"),
    _bytes("digest"),
    _time("expires_at", null=True),
    _time("created_at"),
    _of("resource", "resource_id"),
    key=("resource_id", "id"),
)
_table(
    "user_scope",
    _text("user_id"),
    _text("resource_id"),
    _text("scope"),
    _of("users", "user_id"),
    _of("resource", "resource_id"),
    key=("user_id", "resource_id", "scope"),
)
_table(
    "agent",
    _text("id"),
    _text("name"),
    _text("purpose"),
    _text("owner", null=True),
    _text("sponsor", null=True),
    _text("role"),
    _text("model"),
    _one_of("state", AgentState),
    _time("created_at"),
    UniqueConstraint("tenant", "name"),
    _of("users", "owner"),
    _of("users", "sponsor"),
    of_tenant=True,
)
_table(
    "remit",
    _text("id"),
    _text("agent_id"),
    _number("version"),
    _text("scopes"),
    _time("expires_at", null=True),
    _number("token_seconds", null=True),
    _one_of("state", ("active", "superseded")),
    _time("created_at"),
    UniqueConstraint("tenant", "agent_id", "version"),
    _of("agent", "agent_id"),
)
_table(
    "client",
    _text("id"),
    _text("agent_id"),
    _text("name"),
    _one_of("auth_method", AuthMethod),
    _text("application_type"),
    _text("redirect_uris"),
    _text("grant_types"),
    _text("default_resource", null=True),
    _text("default_scopes"),
    _text("jwks", null=True),
    _time("jwks_at", null=True),
    _text("old_jwks", null=True),
    _time("old_jwks_until", null=True),
    _flag("self_registered"),
    _number("version"),
    _text("id_token_alg"),
    _one_of("state", ClientState),
    _time("created_at"),
    _of("agent", "agent_id"),
    _of("resource", "default_resource"),
)
_table(
    "client_secret",
    _text("client_id"),
    _text("id"),
    _bytes("digest"),
    _time("expires_at", null=True),
    _time("created_at"),
    _of("client", "client_id"),
    key=("client_id", "id"),
)
_table(
    "credential_use",
    _text("holder"),
    _text("credential"),
    _time("last_at"),
    key=("holder", "credential"),
    of_tenant=True,
)
_table(
    "grants",
    _text("id"),
    _text("user_id", null=True),
    _text("agent_id"),
    _text("client_id"),
    _text("resource_id"),
    _text("scopes"),
    _text("purpose"),
    _text("approver", null=True),
    _one_of("state", GrantState),
    _time("created_at"),
    _time("expires_at", null=True),
    _time("revoked_at", null=True),
    _text("revoked_why", null=True),
    _of("users", "user_id"),
    _of("agent", "agent_id"),
    _of("client", "client_id"),
    _of("resource", "resource_id"),
)
_table(
    "line",
    _text("id"),
    _text("grant_id"),
    _text("user_id"),
    _text("agent_id"),
    _text("client_id"),
    _number("client_version"),
    _text("redirect_uri"),
    _text("resource_id"),
    _text("scopes"),
    _text("session_id"),
    _flag("while_away"),
    _one_of("state", GrantState),
    _time("created_at"),
    _time("expires_at"),
    _time("revoked_at", null=True),
    _text("revoked_why", null=True),
    _of("grants", "grant_id"),
)
_table(
    "code",
    _text("id"),
    _bytes("digest"),
    _text("line_id"),
    _text("client_id"),
    _text("redirect_uri"),
    _flag("redirect_sent"),
    _text("challenge"),
    _text("nonce", null=True),
    _time("auth_time"),
    _text("amr"),
    _one_of("state", CodeState),
    _time("expires_at"),
    _time("spent_at", null=True),
    _of("line", "line_id"),
)
_table(
    "refresh_token",
    _text("id"),
    _bytes("digest"),
    _text("line_id"),
    _one_of("state", RefreshState),
    _time("issued_at"),
    _time("expires_at"),
    _time("spent_at", null=True),
    _text("successor", null=True),
    _bytes("sealed", null=True),
    _of("line", "line_id"),
)
_table(
    "stop",
    _text("id"),
    _one_of("target_kind", TargetKind),
    _text("target_id"),
    _text("reason"),
    _text("actor_kind"),
    _text("actor"),
    _time("started_at"),
    _time("ends_at", null=True),
    _time("lifted_at", null=True),
    _text("lifted_by", null=True),
    _number("epoch"),
    UniqueConstraint("tenant", "epoch"),
    of_tenant=True,
)
_table(
    "login_session",
    _text("id"),
    _bytes("digest"),
    _text("user_id"),
    _time("auth_time"),
    _text("amr"),
    _time("last_seen"),
    _time("ended_at", null=True),
    _of("users", "user_id"),
)
# What the instance remembers of itself, in a tenant that is none: `remit.core.tenants.INSTANCE`.
_table("fact", _text("name"), _text("value"), key=("name",))
_table("once", _text("kind"), _text("key"), _time("until"), _time("claimed_at"), key=("kind", "key"), of_tenant=True)
_table(
    "reply",
    _text("caller"),
    _text("key"),
    _bytes("request"),
    _number("status"),
    _bytes("body"),
    _time("until"),
    key=("caller", "key"),
    of_tenant=True,
)
_table(
    "event",
    _number("seq"),
    _text("id"),
    _text("type"),
    _time("at"),
    _one_of("outcome", Outcome),
    _text("user_id", null=True),
    _text("agent_id", null=True),
    _text("client_id", null=True),
    _text("grant_id", null=True),
    _text("line_id", null=True),
    _text("jti", null=True),
    _bytes("body"),
    _bytes("leaf"),
    UniqueConstraint("tenant", "id"),
    key=("seq",),
)
_table("audit_tree", _number("size"), _bytes("frontier"), key=(), of_tenant=True)
_table("checkpoint", _number("size"), _text("note"), _time("at"), key=("size",), of_tenant=True)
_table(
    "event_tally",
    _number("minute"),
    _text("reason"),
    _text("peer"),
    _one_of("outcome", Outcome),
    _number("count"),
    key=("minute", "reason", "peer"),
    of_tenant=True,
)
_table("decision_report", _text("id"), _time("at"), of_tenant=True)
_table(
    "scope_usage",
    _text("grant_id"),
    _text("scope"),
    _number("count"),
    _number("denied"),
    _time("last_at"),
    _of("grants", "grant_id"),
    key=("grant_id", "scope"),
)

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
_index("client_by_name", "client", "name")
_index("client_by_agent", "client", "agent_id")
_index("stop_by_target", "stop", "target_id")

# Tokens and calls are nearly all there is: they are found by agent and by user, and every other index leaves them out.
_CHANGES = "type not in ('token.issued', 'token.refused', 'token.introspected', 'decision.permit', 'decision.deny')"
_index("event_by_agent", "event", "agent_id", "seq")
_index("event_by_user", "event", "user_id", "seq", where="user_id is not null")
_index("event_changes", "event", "agent_id", "seq", "type", where=_CHANGES)
_index("event_of_grant", "event", "grant_id", "seq", "type", where=f"grant_id is not null and {_CHANGES}")
_index("event_by_type", "event", "type", "seq", where=_CHANGES)
_index("event_not_ok", "event", "outcome", "seq", where="outcome <> 'ok'")
