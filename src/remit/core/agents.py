"""Agents and their remits: governed identities and the ceiling that none of them can leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from remit.core.names import AgentId, RemitId, ResourceId, UserId
from remit.core.oauth.verdicts import Refusal


class AgentState(StrEnum):
    """Stored states. Suspended is not stored: it is a stop in force, so that lifting it needs no job."""

    STAGED = "staged"
    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    id: AgentId
    name: str
    purpose: str
    owner: UserId | None
    sponsor: UserId | None
    role: str
    model: str
    state: AgentState
    created_at: datetime


class ScopeKey(NamedTuple):
    """A scope is known by its resource and its name; names may repeat across resources."""

    resource: ResourceId
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remit:
    """One version of an agent's ceiling. Exactly one version of an agent is active."""

    id: RemitId
    agent: AgentId
    version: int
    scopes: frozenset[ScopeKey]
    expires_at: datetime | None
    token_seconds: int | None
    """Shortens access tokens below the tenant's and the resource's lifetime; None leaves them."""
    dpop_bound: bool = False
    """The agent gets no token that is not bound to its key (RFC 9449)."""

    def on(self, resource: ResourceId) -> frozenset[str]:
        """Return the names of the scopes this remit allows on one resource."""
        return frozenset(key.name for key in self.scopes if key.resource == resource)


ALLOWED_STEPS: dict[AgentState, frozenset[AgentState]] = {
    AgentState.STAGED: frozenset({AgentState.ACTIVE, AgentState.RETIRED}),
    AgentState.ACTIVE: frozenset({AgentState.RETIRED}),
    AgentState.RETIRED: frozenset(),
}
"""Where an agent may go from each state. There is no way back from retired."""


def judge_step(agent: Agent, to: AgentState) -> Refusal | None:
    """Say whether an agent may take this step of its life. None means yes."""
    if to not in ALLOWED_STEPS[agent.state]:
        return Refusal("invalid_request", f"an agent that is {agent.state} cannot become {to}")
    if to is AgentState.ACTIVE and agent.owner is None:
        return Refusal("invalid_request", "name an owner before the agent becomes active")
    return None
