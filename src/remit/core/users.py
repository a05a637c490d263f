"""Users: human subjects, and what each may do himself."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from remit.core.names import ResourceId, UserId


class UserState(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"


class Role(StrEnum):
    """What a user may do in the console: nothing but his own pages, read everything, or administer the tenant."""

    USER = "user"
    AUDITOR = "auditor"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    id: UserId
    email: str
    name: str
    role: Role
    state: UserState
    password_hash: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """The scopes a user holds on one resource. `None` means all of them (the tenant has not turned rights on)."""

    resource: ResourceId
    scopes: frozenset[str] | None
