"""The first schema: tenants, their people, agents and clients, grants and tokens, stops, sessions, events."""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    UniqueConstraint,
    text,
)
from sqlalchemy import Text as AnyText
from sqlalchemy.schema import SchemaItem

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Compared byte by byte on every database: ids keep their case, and pages end where they say they do.
Text = AnyText().with_variant(AnyText(collation="C"), "postgresql")


def _one_of(table: str, name: str, *values: str) -> Column[str]:
    words = ", ".join(f"'{value}'" for value in values)
    return Column(name, Text, CheckConstraint(f"{name} in ({words})", name=op.f(f"{table}_{name}_ck")), nullable=False)


def _flag(table: str, name: str) -> Column[int]:
    return Column(name, Integer, CheckConstraint(f"{name} in (0, 1)", name=op.f(f"{table}_{name}_ck")), nullable=False)


def _unique(table: str, *columns: str) -> UniqueConstraint:
    return UniqueConstraint(*columns, name=op.f(f"{table}_{'_'.join(columns)}_uq"))


def _of(table: str, column: str, other: str) -> ForeignKeyConstraint:
    name = op.f(f"{table}_tenant_{column}_fk")
    return ForeignKeyConstraint(["tenant", column], [f"{other}.tenant", f"{other}.id"], name=name)


def _table(name: str, *items: SchemaItem, key: tuple[str, ...] = ("id",), of_tenant: bool = False) -> None:
    primary = PrimaryKeyConstraint("tenant", *key, name=op.f(f"{name}_pk"))
    walls = [ForeignKeyConstraint(["tenant"], ["tenant.tenant"], name=op.f(f"{name}_tenant_fk"))] if of_tenant else []
    op.create_table(name, Column("tenant", Text, nullable=False), *items, primary, *walls, sqlite_with_rowid=False)


def upgrade() -> None:
    _table(
        "tenant",
        Column("slug", Text, nullable=False),
        Column("name", Text, nullable=False),
        _one_of("tenant", "state", "active", "suspended"),
        _flag("tenant", "rights_on"),
        _flag("tenant", "require_pushed"),
        _flag("tenant", "device_flow"),
        Column("epoch", BigInteger, nullable=False),
        Column("stamp", BigInteger, nullable=False),
        Column("stop_stamp", BigInteger, nullable=False),
        Column("access_seconds", BigInteger, nullable=True),
        Column("refresh_idle_days", BigInteger, nullable=True),
        Column("refresh_absolute_days", BigInteger, nullable=True),
        Column("created_at", BigInteger, nullable=False),
        _unique("tenant", "slug"),
        key=(),
    )
    _table(
        "signing_key",
        Column("kid", Text, nullable=False),
        Column("alg", Text, nullable=False),
        _one_of("signing_key", "use", "access", "id", "audit"),
        _one_of("signing_key", "state", "next", "active", "retiring", "gone"),
        Column("public", Text, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("changed_at", BigInteger, nullable=False),
        key=("kid",),
        of_tenant=True,
    )
    _table(
        "users",
        Column("id", Text, nullable=False),
        Column("email", Text, nullable=False),
        Column("email_key", Text, nullable=False),
        Column("name", Text, nullable=False),
        _one_of("users", "role", "user", "auditor", "admin"),
        _one_of("users", "state", "active", "inactive"),
        Column("password_hash", Text, nullable=True),
        Column("created_at", BigInteger, nullable=False),
        _unique("users", "tenant", "email_key"),
        of_tenant=True,
    )
    _table(
        "agent",
        Column("id", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("purpose", Text, nullable=False),
        Column("owner", Text, nullable=True),
        Column("sponsor", Text, nullable=True),
        Column("role", Text, nullable=False),
        Column("model", Text, nullable=False),
        _one_of("agent", "state", "staged", "active", "retired"),
        Column("created_at", BigInteger, nullable=False),
        _unique("agent", "tenant", "name"),
        _of("agent", "owner", "users"),
        _of("agent", "sponsor", "users"),
        of_tenant=True,
    )
    _table(
        "resource",
        Column("id", Text, nullable=False),
        Column("uri", Text, nullable=False),
        Column("name", Text, nullable=False),
        _one_of("resource", "state", "active", "disabled"),
        Column("token_seconds", BigInteger, nullable=True),
        Column("details_types", Text, nullable=False),
        Column("served_by", Text, nullable=True),
        _flag("resource", "dpop_bound"),
        Column("created_at", BigInteger, nullable=False),
        _unique("resource", "tenant", "uri"),
        _of("resource", "served_by", "agent"),
        of_tenant=True,
    )
    _table(
        "scope",
        Column("resource_id", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("sentence", Text, nullable=False),
        _one_of("scope", "risk", "read", "change", "destroy"),
        _flag("scope", "sensitive"),
        Column("position", BigInteger, nullable=False),
        _of("scope", "resource_id", "resource"),
        key=("resource_id", "name"),
    )
    _table(
        "resource_secret",
        Column("resource_id", Text, nullable=False),
        Column("id", Text, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column("expires_at", BigInteger, nullable=True),
        Column("created_at", BigInteger, nullable=False),
        _of("resource_secret", "resource_id", "resource"),
        key=("resource_id", "id"),
    )
    _table(
        "user_scope",
        Column("user_id", Text, nullable=False),
        Column("resource_id", Text, nullable=False),
        Column("scope", Text, nullable=False),
        _of("user_scope", "user_id", "users"),
        _of("user_scope", "resource_id", "resource"),
        key=("user_id", "resource_id", "scope"),
    )
    _table(
        "remit",
        Column("id", Text, nullable=False),
        Column("agent_id", Text, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("scopes", Text, nullable=False),
        Column("expires_at", BigInteger, nullable=True),
        Column("token_seconds", BigInteger, nullable=True),
        _flag("remit", "dpop_bound"),
        _one_of("remit", "state", "active", "superseded"),
        Column("created_at", BigInteger, nullable=False),
        _unique("remit", "tenant", "agent_id", "version"),
        _of("remit", "agent_id", "agent"),
    )
    _table(
        "client",
        Column("id", Text, nullable=False),
        Column("agent_id", Text, nullable=False),
        Column("name", Text, nullable=False),
        _one_of("client", "auth_method", "none", "client_secret_basic", "client_secret_post", "private_key_jwt"),
        Column("application_type", Text, nullable=False),
        Column("redirect_uris", Text, nullable=False),
        Column("grant_types", Text, nullable=False),
        Column("default_resource", Text, nullable=True),
        Column("default_scopes", Text, nullable=False),
        Column("jwks", Text, nullable=True),
        Column("jwks_at", BigInteger, nullable=True),
        Column("old_jwks", Text, nullable=True),
        Column("old_jwks_until", BigInteger, nullable=True),
        _flag("client", "self_registered"),
        Column("version", BigInteger, nullable=False),
        Column("id_token_alg", Text, nullable=False),
        _flag("client", "require_pushed"),
        _flag("client", "require_signed"),
        _flag("client", "dpop_bound"),
        Column("details_types", Text, nullable=False),
        Column("document", Text, nullable=True),
        Column("home", Text, nullable=True),
        Column("logout", Text, nullable=False),
        _one_of("client", "state", "active", "retired", "expired"),
        Column("created_at", BigInteger, nullable=False),
        _unique("client", "tenant", "document"),
        _of("client", "agent_id", "agent"),
        _of("client", "default_resource", "resource"),
    )
    _table(
        "client_secret",
        Column("client_id", Text, nullable=False),
        Column("id", Text, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column("expires_at", BigInteger, nullable=True),
        Column("created_at", BigInteger, nullable=False),
        _of("client_secret", "client_id", "client"),
        key=("client_id", "id"),
    )
    _table(
        "client_reading",
        Column("client_id", Text, nullable=False),
        Column("what", Text, nullable=False),
        Column("etag", Text, nullable=True),
        Column("read_at", BigInteger, nullable=False),
        Column("fresh_until", BigInteger, nullable=False),
        key=("client_id", "what"),
        of_tenant=True,
    )
    _table(
        "client_access",
        Column("client_id", Text, nullable=False),
        Column("id", Text, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        key=("client_id",),
        of_tenant=True,
    )
    _table(
        "initial_token",
        Column("id", Text, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column("note", Text, nullable=False),
        Column("uses", BigInteger, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        of_tenant=True,
    )
    _table(
        "admission",
        _one_of("admission", "registration", "off", "token", "open"),
        _one_of("admission", "documents", "off", "any", "listed", "unlisted"),
        Column("hosts", Text, nullable=False),
        _flag("admission", "same_origin"),
        key=(),
        of_tenant=True,
    )
    _table(
        "credential_use",
        Column("holder", Text, nullable=False),
        Column("credential", Text, nullable=False),
        Column("last_at", BigInteger, nullable=False),
        key=("holder", "credential"),
        of_tenant=True,
    )
    _table(
        "grants",
        Column("id", Text, nullable=False),
        Column("user_id", Text, nullable=True),
        Column("agent_id", Text, nullable=False),
        Column("client_id", Text, nullable=False),
        Column("resource_id", Text, nullable=False),
        Column("scopes", Text, nullable=False),
        Column("purpose", Text, nullable=False),
        Column("approver", Text, nullable=True),
        _one_of("grants", "state", "active", "revoked"),
        Column("created_at", BigInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=True),
        Column("revoked_at", BigInteger, nullable=True),
        Column("revoked_why", Text, nullable=True),
        _of("grants", "user_id", "users"),
        _of("grants", "agent_id", "agent"),
        _of("grants", "client_id", "client"),
        _of("grants", "resource_id", "resource"),
    )
    _table(
        "line",
        Column("id", Text, nullable=False),
        Column("grant_id", Text, nullable=False),
        Column("user_id", Text, nullable=False),
        Column("agent_id", Text, nullable=False),
        Column("client_id", Text, nullable=False),
        Column("client_version", BigInteger, nullable=False),
        Column("redirect_uri", Text, nullable=False),
        Column("resource_id", Text, nullable=False),
        Column("scopes", Text, nullable=False),
        Column("session_id", Text, nullable=False),
        _flag("line", "while_away"),
        _one_of("line", "state", "active", "revoked"),
        Column("created_at", BigInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        Column("details", Text, nullable=True),
        Column("revoked_at", BigInteger, nullable=True),
        Column("revoked_why", Text, nullable=True),
        _of("line", "grant_id", "grants"),
    )
    _table(
        "code",
        Column("id", Text, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column("line_id", Text, nullable=False),
        Column("client_id", Text, nullable=False),
        Column("redirect_uri", Text, nullable=False),
        _flag("code", "redirect_sent"),
        Column("challenge", Text, nullable=False),
        Column("nonce", Text, nullable=True),
        Column("auth_time", BigInteger, nullable=False),
        Column("amr", Text, nullable=False),
        Column("jkt", Text, nullable=True),
        _one_of("code", "state", "live", "spent"),
        Column("expires_at", BigInteger, nullable=False),
        Column("spent_at", BigInteger, nullable=True),
        _of("code", "line_id", "line"),
    )
    _table(
        "pushed_request",
        Column("id", Text, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column("client_id", Text, nullable=False),
        Column("parameters", Text, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        _of("pushed_request", "client_id", "client"),
    )
    _table(
        "device_request",
        Column("id", Text, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column("user_code", Text, nullable=False),
        Column("client_id", Text, nullable=False),
        Column("client_version", BigInteger, nullable=False),
        Column("resource_id", Text, nullable=False),
        Column("scopes", Text, nullable=False),
        Column("details", Text, nullable=True),
        Column("max_age", BigInteger, nullable=True),
        Column("acr", Text, nullable=True),
        Column("peer", Text, nullable=True),
        Column("jkt", Text, nullable=True),
        _one_of("device_request", "state", "pending", "approved", "denied", "spent"),
        Column("pace", BigInteger, nullable=False),
        Column("next_at", BigInteger, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        Column("line_id", Text, nullable=True),
        Column("auth_time", BigInteger, nullable=True),
        Column("amr", Text, nullable=False),
        _unique("device_request", "tenant", "user_code"),
        _of("device_request", "client_id", "client"),
        _of("device_request", "resource_id", "resource"),
        _of("device_request", "line_id", "line"),
    )
    _table(
        "refresh_token",
        Column("id", Text, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column("line_id", Text, nullable=False),
        _one_of("refresh_token", "state", "live", "spent", "revoked"),
        Column("issued_at", BigInteger, nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        Column("spent_at", BigInteger, nullable=True),
        Column("successor", Text, nullable=True),
        Column("sealed", LargeBinary, nullable=True),
        Column("jkt", Text, nullable=True),
        _of("refresh_token", "line_id", "line"),
    )
    _table(
        "stop",
        Column("id", Text, nullable=False),
        _one_of(
            "stop",
            "target_kind",
            "token",
            "line",
            "grant",
            "agent",
            "client",
            "user",
            "tenant",
            "resource",
            "kid",
            "session",
        ),
        Column("target_id", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("actor_kind", Text, nullable=False),
        Column("actor", Text, nullable=False),
        Column("started_at", BigInteger, nullable=False),
        Column("ends_at", BigInteger, nullable=True),
        Column("lifted_at", BigInteger, nullable=True),
        Column("lifted_by", Text, nullable=True),
        Column("epoch", BigInteger, nullable=False),
        _unique("stop", "tenant", "epoch"),
        of_tenant=True,
    )
    _table(
        "login_session",
        Column("id", Text, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column("user_id", Text, nullable=False),
        Column("auth_time", BigInteger, nullable=False),
        Column("amr", Text, nullable=False),
        Column("last_seen", BigInteger, nullable=False),
        Column("ended_at", BigInteger, nullable=True),
        Column("follows", Text, nullable=True),
        _of("login_session", "user_id", "users"),
    )
    _table(
        "second_factor",
        Column("user_id", Text, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        Column("last_step", BigInteger, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("confirmed_at", BigInteger, nullable=True),
        _of("second_factor", "user_id", "users"),
        key=("user_id",),
    )
    _table(
        "recovery_code",
        Column("user_id", Text, nullable=False),
        Column("tag", Text, nullable=False),
        Column("spent_at", BigInteger, nullable=True),
        _of("recovery_code", "user_id", "users"),
        key=("user_id", "tag"),
    )
    _table(
        "logout_notice",
        Column("id", Text, nullable=False),
        Column("client_id", Text, nullable=False),
        Column("user_id", Text, nullable=False),
        Column("session_id", Text, nullable=False),
        Column("tries", BigInteger, nullable=False),
        Column("due_at", BigInteger, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        _of("logout_notice", "client_id", "client"),
    )
    _table("fact", Column("name", Text, nullable=False), Column("value", Text, nullable=False), key=("name",))
    _table(
        "once",
        Column("kind", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("until", BigInteger, nullable=False),
        Column("claimed_at", BigInteger, nullable=False),
        key=("kind", "key"),
        of_tenant=True,
    )
    _table(
        "reply",
        Column("caller", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("request", LargeBinary, nullable=False),
        Column("status", BigInteger, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("until", BigInteger, nullable=False),
        key=("caller", "key"),
        of_tenant=True,
    )
    _table(
        "event",
        Column("seq", BigInteger, nullable=False),
        Column("id", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        _one_of("event", "outcome", "ok", "refused", "denied", "alarm"),
        Column("user_id", Text, nullable=True),
        Column("agent_id", Text, nullable=True),
        Column("client_id", Text, nullable=True),
        Column("grant_id", Text, nullable=True),
        Column("line_id", Text, nullable=True),
        Column("jti", Text, nullable=True),
        Column("body", LargeBinary, nullable=False),
        Column("leaf", LargeBinary, nullable=False),
        _unique("event", "tenant", "id"),
        key=("seq",),
    )
    _table(
        "audit_tree",
        Column("size", BigInteger, nullable=False),
        Column("frontier", LargeBinary, nullable=False),
        key=(),
        of_tenant=True,
    )
    _table(
        "checkpoint",
        Column("size", BigInteger, nullable=False),
        Column("note", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        key=("size",),
        of_tenant=True,
    )
    _table(
        "event_tally",
        Column("minute", BigInteger, nullable=False),
        Column("reason", Text, nullable=False),
        Column("peer", Text, nullable=False),
        _one_of("event_tally", "outcome", "ok", "refused", "denied", "alarm"),
        Column("count", BigInteger, nullable=False),
        key=("minute", "reason", "peer"),
        of_tenant=True,
    )
    _table(
        "decision_report",
        Column("id", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        of_tenant=True,
    )
    _table(
        "scope_usage",
        Column("grant_id", Text, nullable=False),
        Column("scope", Text, nullable=False),
        Column("count", BigInteger, nullable=False),
        Column("denied", BigInteger, nullable=False),
        Column("last_at", BigInteger, nullable=False),
        _of("scope_usage", "grant_id", "grants"),
        key=("grant_id", "scope"),
    )
    _table(
        "agent_usage",
        Column("agent_id", Text, nullable=False),
        Column("resource_id", Text, nullable=False),
        Column("scope", Text, nullable=False),
        Column("last_at", BigInteger, nullable=False),
        _of("agent_usage", "agent_id", "agent"),
        _of("agent_usage", "resource_id", "resource"),
        key=("agent_id", "resource_id", "scope"),
    )
    op.create_index(
        "remit_active",
        "remit",
        ["tenant", "agent_id"],
        unique=True,
        sqlite_where=text("state = 'active'"),
        postgresql_where=text("state = 'active'"),
    )
    _event_indexes()
    op.create_index("client_by_agent", "client", ["tenant", "agent_id"])
    op.create_index("client_by_name", "client", ["tenant", "name"])
    op.create_index("grants_by_agent", "grants", ["tenant", "agent_id", "id"])
    op.create_index("grants_by_user", "grants", ["tenant", "user_id", "id"])
    op.create_index(
        "grants_of_agent",
        "grants",
        ["tenant", "client_id", "resource_id"],
        unique=True,
        sqlite_where=text("state = 'active' and user_id is null"),
        postgresql_where=text("state = 'active' and user_id is null"),
    )
    op.create_index(
        "grants_of_user",
        "grants",
        ["tenant", "user_id", "client_id", "resource_id"],
        unique=True,
        sqlite_where=text("state = 'active' and user_id is not null"),
        postgresql_where=text("state = 'active' and user_id is not null"),
    )
    op.create_index("line_by_grant", "line", ["tenant", "grant_id", "id"])
    op.create_index("line_by_session", "line", ["tenant", "session_id", "id"])
    op.create_index("logout_notice_due", "logout_notice", ["tenant", "due_at", "id"])
    op.create_index("stop_by_target", "stop", ["tenant", "target_id"])


def _event_indexes() -> None:
    """Find events by whom they are about. Tokens and calls are nearly all there is, and only the first two hold them."""
    calls = (
        "('token.issued', 'token.exchanged', 'token.refused', 'token.introspected', 'decision.permit', 'decision.deny')"
    )
    for name, columns, condition in (
        ("event_by_agent", ["agent_id", "seq"], None),
        ("event_by_user", ["user_id", "seq"], "user_id is not null"),
        ("event_changes", ["agent_id", "seq", "type"], f"type not in {calls}"),
        ("event_of_grant", ["grant_id", "seq", "type"], f"grant_id is not null and type not in {calls}"),
        ("event_by_type", ["type", "seq"], f"type not in {calls}"),
        ("event_not_ok", ["outcome", "seq"], "outcome <> 'ok'"),
    ):
        only = None if condition is None else text(condition)
        op.create_index(name, "event", ["tenant", *columns], sqlite_where=only, postgresql_where=only)


def downgrade() -> None:
    """Do nothing: there is no schema before the first."""
