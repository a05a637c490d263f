"""Resources: APIs and MCP servers named by a URI, with the scopes they define."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from remit.core.names import AgentId, ResourceId


class ResourceState(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"


class Risk(StrEnum):
    """How the consent page groups a scope: Read, Change, Delete or spend."""

    READ = "read"
    CHANGE = "change"
    DESTROY = "destroy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One scope of a resource, with the plain sentence a user reads before allowing it."""

    name: str
    sentence: str
    risk: Risk
    sensitive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    id: ResourceId
    uri: str
    name: str
    state: ResourceState
    token_seconds: int | None
    scopes: tuple[Scope, ...]
    details_types: frozenset[str] = frozenset()
    """Types of `authorization_details` that this API keeps to. Tokens for it carry no others (RFC 9396 §3)."""
    served_by: AgentId | None = None
    """The agent that answers at this resource: it may act on with the tokens that it is shown (RFC 8693)."""
    dpop_bound: bool = False
    """There are no tokens for it that are not bound to a key (RFC 9449)."""

    @property
    def scope_names(self) -> frozenset[str]:
        return frozenset(scope.name for scope in self.scopes)
