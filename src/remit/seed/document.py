"""What `remit dev-seed` writes down (docs/dev-seed.md). Scripts are written against these names: none ever goes."""

from __future__ import annotations

import msgspec

SCHEMA = 1
"""Raised when a name goes or changes its meaning, and for nothing else."""

PASSWORD = "password"
"""Of every user. Only here: outside a seed a password has at least twelve characters."""


class SeedUser(msgspec.Struct, kw_only=True):
    id: str
    email: str
    name: str
    role: str
    password: str
    rights: dict[str, list[str]] | None
    """Scopes he holds by the name of the resource; null where the tenant has not turned rights on."""


class SeedResource(msgspec.Struct, kw_only=True):
    id: str
    uri: str
    name: str
    scopes: list[str]
    client_id: str
    client_secret: str
    """With these two the resource introspects, reads the feed and reports decisions."""


class SeedAgent(msgspec.Struct, kw_only=True):
    id: str
    name: str
    owner: str
    purpose: str
    remit_id: str
    remit: dict[str, list[str]]
    """The ceiling: scopes by the name of the resource."""


class SeedClient(msgspec.Struct, kw_only=True):
    client_id: str
    client_secret: str | None
    private_jwk: dict[str, str] | None
    auth_method: str
    agent: str
    redirect_uri: str | None
    grant_types: list[str]
    default_resource: str | None
    default_scopes: list[str]
    admin_grant: str | None
    """The grant by which it may use client_credentials."""
    admin_scopes: list[str]


class SeedAdmin(msgspec.Struct, kw_only=True):
    """The administrator client and a token of it for the tenant's own API."""

    client_id: str
    client_secret: str
    resource: str
    scopes: list[str]
    access_token: str
    expires_at: str


class SeedTenant(msgspec.Struct, kw_only=True):
    id: str
    slug: str
    issuer: str
    api: str
    rights_on: bool
    authorization_endpoint: str
    token_endpoint: str
    introspection_endpoint: str
    revocation_endpoint: str
    userinfo_endpoint: str
    registration_endpoint: str
    """Clients may register themselves, under the remit of the agent `self-registered`."""
    jwks_uri: str
    feed: str
    decisions: str
    users: dict[str, SeedUser]
    resources: dict[str, SeedResource]
    agents: dict[str, SeedAgent]
    clients: dict[str, SeedClient]
    admin: SeedAdmin


class Seed(msgspec.Struct, kw_only=True):
    schema: int
    base_url: str
    password: str
    tenants: dict[str, SeedTenant]
