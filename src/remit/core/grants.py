"""Grants, lines and codes: the record of a yes, one approval of it, and the ticket that redeems it once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from remit.core.names import AgentId, ClientId, GrantId, LineId, ResourceId, SessionId, UserId


class GrantState(StrEnum):
    ACTIVE = "active"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Subject lets client of agent do scopes on resource until a time.

    `user` is None for an admin grant: the agent acts for itself, approved by an administrator (client_credentials).
    """

    id: GrantId
    user: UserId | None
    agent: AgentId
    client: ClientId
    resource: ResourceId
    scopes: frozenset[str]
    purpose: str
    approver: UserId | None
    state: GrantState
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One approval of a grant: its own scope snapshot and exactly one family of refresh tokens."""

    id: LineId
    grant: GrantId
    user: UserId
    agent: AgentId
    client: ClientId
    client_version: int
    redirect_uri: str
    """Where the answer of this approval went; remembered consent holds only for the same place."""
    resource: ResourceId
    scopes: frozenset[str]
    session: SessionId
    while_away: bool
    """False: the line ends with the login session it was approved in."""
    state: GrantState
    created_at: datetime
    expires_at: datetime
    details: str | None = None
    """The authorization details that were approved, in canonical JSON; None: it is held to its scopes alone."""


class CodeState(StrEnum):
    LIVE = "live"
    SPENT = "spent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """An authorization code as stored (OA-8): redeemed once, by its client, with its verifier."""

    id: str
    digest: bytes = field(repr=False)
    line: LineId
    client: ClientId
    redirect_uri: str
    redirect_sent: bool
    """Whether the authorization request named the redirect URI; if so a token request that names one must repeat it."""
    challenge: str
    nonce: str | None
    auth_time: datetime
    amr: tuple[str, ...]
    state: CodeState
    expires_at: datetime
    jkt: str | None = None
    """The key that must redeem it, where the authorization request named one (RFC 9449 §10)."""
