"""The store as the services see it: a unit of work in one tenant, one small repository an aggregate.

No method takes a tenant: the work *is* the tenant. `Database.system` is the greppable door for what crosses tenants.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from remit.core.grants import Code, Grant, GrantState, Line
from remit.core.names import (
    AgentId,
    ClientId,
    GrantId,
    LineId,
    ResourceId,
    SessionId,
    StopId,
    TenantId,
    UserId,
)
from remit.core.oauth.device import DeviceRequest
from remit.core.oauth.logout import LogoutNotice
from remit.core.oauth.pushed import PushedRequest
from remit.core.sessions import LoginSession
from remit.core.stops import Stop, Target
from remit.core.tenants import Tenant
from remit.core.tokens import RefreshToken
from remit.core.totp import SecondFactor
from remit.ports.credentials import Credentials
from remit.ports.log import AuditLog, Decisions, EventFilter, Events, Kind, StoredEvent, TreeState, Usage
from remit.ports.registry import (
    AdmissionChoice,
    Agents,
    Clients,
    Keys,
    Readings,
    Registrations,
    Resources,
    Tenants,
    Users,
)
from remit.ports.replies import Facts, Replies, Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantFilter:
    """Which grants to look for. None means any."""

    user: UserId | None = None
    agent: AgentId | None = None
    client: ClientId | None = None
    resource: ResourceId | None = None
    state: GrantState | None = None


class Grants(Protocol):
    async def get(self, grant: GrantId) -> Grant | None: ...
    async def of_user(self, user: UserId, client: ClientId, resource: ResourceId) -> Grant | None:
        """Return the active grant of this user, client and resource; there is at most one."""
        ...

    async def of_agent(self, client: ClientId, resource: ResourceId) -> Grant | None:
        """Return the active admin grant by which a client acts for its agent itself."""
        ...

    async def list(
        self, *, user: UserId | None = None, agent: AgentId | None = None, active: bool = True
    ) -> tuple[Grant, ...]:
        """Return grants, newest first."""
        ...

    async def page(self, wanted: GrantFilter, *, before: str | None = None, limit: int) -> tuple[Grant, ...]:
        """Return grants newest first, those before one."""
        ...

    async def add(self, grant: Grant) -> None: ...
    async def change(self, grant: GrantId, *, scopes: frozenset[str], expires_at: datetime | None) -> None:
        """Widen or narrow what the grant holds."""
        ...

    async def revoke(self, grant: GrantId, *, at: datetime, reason: str) -> bool:
        """Revoke the grant. False when it already was."""
        ...


class Lines(Protocol):
    async def get(self, line: LineId) -> Line | None: ...
    async def list(self, grant: GrantId) -> tuple[Line, ...]: ...
    async def of_session(self, session: SessionId) -> tuple[Line, ...]:
        """Return what was approved in a login session, whether it still holds or not."""
        ...

    async def page(self, grant: GrantId, *, before: str | None = None, limit: int) -> tuple[Line, ...]:
        """Return lines of a grant newest first, those before one."""
        ...

    async def add(self, line: Line) -> None: ...
    async def revoke(self, line: LineId, *, at: datetime, reason: str) -> bool: ...


class Codes(Protocol):
    async def find(self, id: str) -> Code | None: ...
    async def add(self, code: Code) -> None: ...
    async def spend(self, code: Code, *, at: datetime) -> bool:
        """Win or lose the code. False when another request got there first."""
        ...


class PushedRequests(Protocol):
    async def find(self, id: str) -> PushedRequest | None: ...
    async def add(self, pushed: PushedRequest) -> None: ...
    async def drop(self, id: str) -> None:
        """Forget the request: it was answered. What is not there is not missed."""
        ...


class DeviceRequests(Protocol):
    async def find(self, id: str) -> DeviceRequest | None: ...
    async def by_code(self, user_code: str) -> DeviceRequest | None:
        """Return the request with this digest of a user code."""
        ...

    async def add(self, request: DeviceRequest) -> bool:
        """Keep the request. False when its user code is taken."""
        ...

    async def pace(self, id: str, *, interval: int, next_at: datetime) -> None:
        """Note from when on the device may ask again."""
        ...

    async def approve(
        self, id: str, *, line: LineId, auth_time: datetime, amr: tuple[str, ...], expires_at: datetime
    ) -> bool:
        """Answer with yes. False when it was answered before."""
        ...

    async def deny(self, id: str) -> bool:
        """Answer with no. False when it was answered before."""
        ...

    async def spend(self, id: str) -> bool:
        """Win or lose what was approved. False when another request got there first."""
        ...


class RefreshTokens(Protocol):
    async def find(self, id: str) -> RefreshToken | None:
        """Return the token with the state of its successor."""
        ...

    async def add(self, token: RefreshToken) -> None: ...
    async def spend(self, token: RefreshToken, *, successor: str, sealed: bytes, at: datetime) -> bool:
        """Win or lose the token. False when another request got there first."""
        ...


class Stops(Protocol):
    async def on(self, targets: Sequence[Target]) -> tuple[Stop, ...]:
        """Return the stop rows of these targets, whether still in force or not."""
        ...

    async def place(self, stop: Stop) -> Stop:
        """Store the stop, bump the tenant's counter and return the stop with its epoch."""
        ...

    async def get(self, stop: StopId) -> Stop | None: ...
    async def list(self, *, in_force_at: datetime | None = None) -> tuple[Stop, ...]: ...
    async def page(
        self, *, before: int | None = None, in_force_at: datetime | None = None, limit: int
    ) -> tuple[Stop, ...]:
        """Return stops newest first, those below an epoch."""
        ...

    async def lift(self, stop: StopId, *, at: datetime, by: str) -> bool: ...
    async def since(self, epoch: int, *, started_after: datetime, limit: int) -> tuple[Stop, ...]:
        """Return stops above an epoch in order: the revocation feed."""
        ...


class Sessions(Protocol):
    async def find(self, session: SessionId) -> LoginSession | None: ...
    async def add(self, session: LoginSession) -> None: ...
    async def touch(self, session: SessionId, *, at: datetime) -> None: ...
    async def end(self, session: SessionId, *, at: datetime) -> bool: ...


class SecondFactors(Protocol):
    async def find(self, user: UserId) -> SecondFactor | None: ...
    async def begin(self, factor: SecondFactor) -> bool:
        """Keep a secret that waits for its first code, in place of another such. False: there is an active one."""
        ...

    async def confirm(self, factor: SecondFactor, *, step: int, at: datetime) -> bool:
        """Make this very secret the active one. False when it is not the one that waits any more."""
        ...

    async def spend_step(self, user: UserId, step: int) -> bool:
        """Use up every code of this step and of those before. False when it was used before."""
        ...

    async def drop(self, user: UserId) -> bool:
        """Forget the secret and the recovery codes. False when there was no secret."""
        ...

    async def set_recovery(self, user: UserId, tags: Iterable[str]) -> None:
        """Keep these recovery codes and no others."""
        ...

    async def spend_recovery(self, user: UserId, tag: str, *, at: datetime) -> bool:
        """Use a recovery code up. False when it is none, or was used before."""
        ...

    async def recovery_left(self, user: UserId) -> int: ...


class LogoutNotices(Protocol):
    """The outbox of sign-outs: what is still to be told to clients."""

    async def add(self, notice: LogoutNotice) -> None:
        """Write a notice that is due at once."""
        ...

    async def due(self, now: datetime) -> bool: ...
    async def take(self, *, now: datetime, until: datetime, limit: int) -> tuple[LogoutNotice, ...]:
        """Take what is due, and count the try. Nobody else gets it before `until`."""
        ...

    async def drop(self, notice: LogoutNotice) -> bool:
        """Forget a notice. False: somebody has taken it anew meanwhile."""
        ...

    async def postpone(self, notice: LogoutNotice, *, until: datetime, counts: bool) -> bool:
        """Leave a notice for later; a try that was none is not counted. False as in `drop`."""
        ...


class Once(Protocol):
    """One-time things that have no row of their own: assertion ids, approved consent forms, setup links."""

    async def claim(self, kind: str, key: str, *, until: datetime, at: datetime) -> bool:
        """Use the key up. False when it was used before."""
        ...


class Verdicts(Protocol):
    """What was judged of a token, as long as all that can be remembered stands as it stood then.

    INVARIANT: whoever believes one has looked himself at what no stamp covers: the time, lines and login sessions.
    """

    async def find(self, token: str) -> object | None: ...
    def keep(self, token: str, verdict: object) -> None: ...


class Work(Protocol):
    """One transaction in one tenant. Commits when the body returns, rolls back when it raises.

    The body awaits nothing but its own repositories: no HTTP, no sleep, no other work.
    """

    @property
    def tenant(self) -> TenantId: ...

    tenants: Tenants
    keys: Keys
    users: Users
    agents: Agents
    clients: Clients
    admission: AdmissionChoice
    readings: Readings
    registrations: Registrations
    resources: Resources
    credentials: Credentials
    grants: Grants
    lines: Lines
    codes: Codes
    pushed: PushedRequests
    devices: DeviceRequests
    refresh_tokens: RefreshTokens
    stops: Stops
    sessions: Sessions
    second_factors: SecondFactors
    logout_notices: LogoutNotices
    once: Once
    replies: Replies
    events: Events
    decisions: Decisions
    audit: AuditLog
    facts: Facts
    verdicts: Verdicts


class System(Protocol):
    """The door across tenants: who exists at all. Everything else happens inside a work.

    Each call is a transaction of its own: a read sees what is committed, a write is committed when it returns.
    """

    async def tenant_by_slug(self, slug: str) -> Tenant | None: ...
    async def tenants(self) -> tuple[Tenant, ...]: ...
    async def add_tenant(self, tenant: Tenant, *, at: datetime) -> bool: ...
    async def user_count(self) -> int: ...
    async def purge(self, *, now: datetime) -> int:
        """Drop what is past its use (spent codes, old one-time keys, ended sessions); return how many rows."""
        ...


class Database(Protocol):
    def work(self, tenant: TenantId) -> AbstractAsyncContextManager[Work]: ...
    def read(self, tenant: TenantId) -> AbstractAsyncContextManager[Work]:
        """Open committed data for reading only; writing through it is an error."""
        ...

    def system(self) -> AbstractAsyncContextManager[System]: ...
    def changes(self) -> AsyncIterator[None]:
        """Yield whenever something was committed, by this process or another one."""
        ...

    @property
    def commits(self) -> int:
        """Return how many transactions this process has committed."""
        ...

    async def schema_is_current(self) -> bool:
        """Say whether the database answers and stands at the schema that this version needs."""
        ...

    async def close(self) -> None: ...


__all__ = [
    "Agents",
    "AuditLog",
    "Clients",
    "Codes",
    "Credentials",
    "Database",
    "Decisions",
    "DeviceRequests",
    "EventFilter",
    "Events",
    "Facts",
    "GrantFilter",
    "Grants",
    "Keys",
    "Kind",
    "Lines",
    "LogoutNotices",
    "Once",
    "PushedRequests",
    "RefreshTokens",
    "Replies",
    "Reply",
    "Resources",
    "SecondFactors",
    "Sessions",
    "Stops",
    "StoredEvent",
    "System",
    "Tenants",
    "TreeState",
    "Usage",
    "Users",
    "Verdicts",
    "Work",
]
