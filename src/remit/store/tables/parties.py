"""Tables of who and what there is: tenants and their keys, people, agents, clients, resources, and who may do what."""

from __future__ import annotations

from sqlalchemy import UniqueConstraint

from remit.core.admission import Documents, Registrations
from remit.core.agents import AgentState
from remit.core.clients import AuthMethod, ClientState
from remit.core.keys import KeyState, KeyUse
from remit.core.resources import ResourceState, Risk
from remit.core.tenants import TenantState
from remit.core.users import Role, UserState
from remit.store.declare import flag, number, of, one_of, raw, table, text, time

table(
    "tenant",
    text("slug"),
    text("name"),
    one_of("state", TenantState),
    flag("rights_on"),
    flag("require_pushed"),
    flag("device_flow"),
    number("epoch"),
    # Random numbers, drawn anew with every change of what is remembered between works (`remit.store.recall`).
    number("stamp"),
    number("stop_stamp"),
    number("access_seconds", null=True),
    number("refresh_idle_days", null=True),
    number("refresh_absolute_days", null=True),
    time("created_at"),
    UniqueConstraint("slug"),
    key=(),
)
table(
    "signing_key",
    text("kid"),
    text("alg"),
    one_of("use", KeyUse),
    one_of("state", KeyState),
    text("public"),
    raw("sealed"),
    time("created_at"),
    time("changed_at"),
    key=("kid",),
    of_tenant=True,
)
table(
    "users",
    text("id"),
    text("email"),
    text("email_key"),
    text("name"),
    one_of("role", Role),
    one_of("state", UserState),
    text("password_hash", null=True),
    time("created_at"),
    UniqueConstraint("tenant", "email_key"),
    of_tenant=True,
)
table(
    "agent",
    text("id"),
    text("name"),
    text("purpose"),
    text("owner", null=True),
    text("sponsor", null=True),
    text("role"),
    text("model"),
    one_of("state", AgentState),
    time("created_at"),
    UniqueConstraint("tenant", "name"),
    of("users", "owner"),
    of("users", "sponsor"),
    of_tenant=True,
)
table(
    "resource",
    text("id"),
    text("uri"),
    text("name"),
    one_of("state", ResourceState),
    number("token_seconds", null=True),
    text("details_types"),
    text("served_by", null=True),
    flag("dpop_bound"),
    time("created_at"),
    UniqueConstraint("tenant", "uri"),
    of("agent", "served_by"),
    of_tenant=True,
)
table(
    "scope",
    text("resource_id"),
    text("name"),
    text("sentence"),
    one_of("risk", Risk),
    flag("sensitive"),
    number("position"),
    of("resource", "resource_id"),
    key=("resource_id", "name"),
)
table(
    "resource_secret",
    text("resource_id"),
    text("id"),
    raw("digest"),
    time("expires_at", null=True),
    time("created_at"),
    of("resource", "resource_id"),
    key=("resource_id", "id"),
)
table(
    "user_scope",
    text("user_id"),
    text("resource_id"),
    text("scope"),
    of("users", "user_id"),
    of("resource", "resource_id"),
    key=("user_id", "resource_id", "scope"),
)
table(
    "remit",
    text("id"),
    text("agent_id"),
    number("version"),
    text("scopes"),
    time("expires_at", null=True),
    number("token_seconds", null=True),
    flag("dpop_bound"),
    one_of("state", ("active", "superseded")),
    time("created_at"),
    UniqueConstraint("tenant", "agent_id", "version"),
    of("agent", "agent_id"),
)
table(
    "client",
    text("id"),
    text("agent_id"),
    text("name"),
    one_of("auth_method", AuthMethod),
    text("application_type"),
    text("redirect_uris"),
    text("grant_types"),
    text("default_resource", null=True),
    text("default_scopes"),
    text("jwks", null=True),
    time("jwks_at", null=True),
    text("old_jwks", null=True),
    time("old_jwks_until", null=True),
    flag("self_registered"),
    number("version"),
    text("id_token_alg"),
    flag("require_pushed"),
    flag("require_signed"),
    flag("dpop_bound"),
    text("details_types"),
    text("document", null=True),
    text("home", null=True),
    text("logout"),
    one_of("state", ClientState),
    time("created_at"),
    UniqueConstraint("tenant", "document"),
    of("agent", "agent_id"),
    of("resource", "default_resource"),
)
table(
    "client_secret",
    text("client_id"),
    text("id"),
    raw("digest"),
    time("expires_at", null=True),
    time("created_at"),
    of("client", "client_id"),
    key=("client_id", "id"),
)
table(
    "client_reading",
    text("client_id"),
    text("what"),
    text("etag", null=True),
    time("read_at"),
    time("fresh_until"),
    key=("client_id", "what"),
    of_tenant=True,
)
table(
    "client_access",
    text("client_id"),
    text("id"),
    raw("digest"),
    time("created_at"),
    key=("client_id",),
    of_tenant=True,
)
table(
    "initial_token",
    text("id"),
    raw("digest"),
    text("note"),
    number("uses"),
    time("created_at"),
    time("expires_at"),
    of_tenant=True,
)
table(
    "admission",
    one_of("registration", Registrations),
    one_of("documents", Documents),
    text("hosts"),
    flag("same_origin"),
    key=(),
    of_tenant=True,
)
table(
    "credential_use",
    text("holder"),
    text("credential"),
    time("last_at"),
    key=("holder", "credential"),
    of_tenant=True,
)
