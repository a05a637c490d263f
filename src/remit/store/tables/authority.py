"""Tables of what was allowed and what stops it: grants, lines, codes, tokens, stops, sign-ins, what is used once."""

from __future__ import annotations

from sqlalchemy import UniqueConstraint

from remit.core.grants import CodeState, GrantState
from remit.core.oauth.device import DeviceState
from remit.core.stops import TargetKind
from remit.core.tokens import RefreshState
from remit.store.declare import flag, number, of, one_of, raw, table, text, time

table(
    "grants",
    text("id"),
    text("user_id", null=True),
    text("agent_id"),
    text("client_id"),
    text("resource_id"),
    text("scopes"),
    text("purpose"),
    text("approver", null=True),
    one_of("state", GrantState),
    time("created_at"),
    time("expires_at", null=True),
    time("revoked_at", null=True),
    text("revoked_why", null=True),
    of("users", "user_id"),
    of("agent", "agent_id"),
    of("client", "client_id"),
    of("resource", "resource_id"),
)
table(
    "line",
    text("id"),
    text("grant_id"),
    text("user_id"),
    text("agent_id"),
    text("client_id"),
    number("client_version"),
    text("redirect_uri"),
    text("resource_id"),
    text("scopes"),
    text("session_id"),
    flag("while_away"),
    one_of("state", GrantState),
    time("created_at"),
    time("expires_at"),
    text("details", null=True),
    time("revoked_at", null=True),
    text("revoked_why", null=True),
    of("grants", "grant_id"),
)
table(
    "code",
    text("id"),
    raw("digest"),
    text("line_id"),
    text("client_id"),
    text("redirect_uri"),
    flag("redirect_sent"),
    text("challenge"),
    text("nonce", null=True),
    time("auth_time"),
    text("amr"),
    text("jkt", null=True),
    one_of("state", CodeState),
    time("expires_at"),
    time("spent_at", null=True),
    of("line", "line_id"),
)
table(
    "pushed_request",
    text("id"),
    raw("digest"),
    text("client_id"),
    text("parameters"),
    time("expires_at"),
    of("client", "client_id"),
)
table(
    "device_request",
    text("id"),
    raw("digest"),
    text("user_code"),
    text("client_id"),
    number("client_version"),
    text("resource_id"),
    text("scopes"),
    text("details", null=True),
    number("max_age", null=True),
    text("acr", null=True),
    text("peer", null=True),
    text("jkt", null=True),
    one_of("state", DeviceState),
    number("pace"),
    time("next_at"),
    time("created_at"),
    time("expires_at"),
    text("line_id", null=True),
    time("auth_time", null=True),
    text("amr"),
    UniqueConstraint("tenant", "user_code"),
    of("client", "client_id"),
    of("resource", "resource_id"),
    of("line", "line_id"),
)
table(
    "refresh_token",
    text("id"),
    raw("digest"),
    text("line_id"),
    one_of("state", RefreshState),
    time("issued_at"),
    time("expires_at"),
    time("spent_at", null=True),
    text("successor", null=True),
    raw("sealed", null=True),
    text("jkt", null=True),
    of("line", "line_id"),
)
table(
    "stop",
    text("id"),
    one_of("target_kind", TargetKind),
    text("target_id"),
    text("reason"),
    text("actor_kind"),
    text("actor"),
    time("started_at"),
    time("ends_at", null=True),
    time("lifted_at", null=True),
    text("lifted_by", null=True),
    number("epoch"),
    UniqueConstraint("tenant", "epoch"),
    of_tenant=True,
)
table(
    "login_session",
    text("id"),
    raw("digest"),
    text("user_id"),
    time("auth_time"),
    text("amr"),
    time("last_seen"),
    time("ended_at", null=True),
    text("follows", null=True),
    of("users", "user_id"),
)
table(
    "second_factor",
    text("user_id"),
    raw("sealed"),
    number("last_step"),
    time("created_at"),
    time("confirmed_at", null=True),
    of("users", "user_id"),
    key=("user_id",),
)
table(
    "recovery_code",
    text("user_id"),
    text("tag"),
    time("spent_at", null=True),
    of("users", "user_id"),
    key=("user_id", "tag"),
)
table(
    "logout_notice",
    text("id"),
    text("client_id"),
    text("user_id"),
    text("session_id"),
    number("tries"),
    time("due_at"),
    time("created_at"),
    of("client", "client_id"),
)
# What the instance remembers of itself, in a tenant that is none: `remit.core.tenants.INSTANCE`.
table("fact", text("name"), text("value"), key=("name",))
table("once", text("kind"), text("key"), time("until"), time("claimed_at"), key=("kind", "key"), of_tenant=True)
table(
    "reply",
    text("caller"),
    text("key"),
    raw("request"),
    number("status"),
    raw("body"),
    time("until"),
    key=("caller", "key"),
    of_tenant=True,
)
