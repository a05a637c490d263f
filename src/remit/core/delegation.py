"""Delegation: agents that act one after the other for the same subject (RFC 8693 §4).

A token that was exchanged tells its chain twice. `act` names the agents that act, the newest outside, for whoever reads
the token. `via` names everything at which a stop must end it: the tokens and keys it came from, and the resources,
agents and clients on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from remit.core.clients import Party
from remit.core.names import AgentId, ClientId
from remit.core.oauth.verdicts import Refusal
from remit.core.resources import Resource
from remit.core.stops import Target, TargetKind

MAX_DEPTH: Final = 5
"""So many agents may act one after the other by exchange (TX-9)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """One level of `act`."""

    agent: AgentId
    client: ClientId


def write_actors(actors: Sequence[Actor]) -> dict[str, object]:
    """Write `act`: actors come newest first, and the newest stands outside (RFC 8693 §4.1)."""
    act: dict[str, object] = {}
    for actor in reversed(actors):
        act = {"sub": actor.agent, "client_id": actor.client, **({"act": act} if act else {})}
    return act


def read_actors(act: object) -> tuple[Actor, ...] | None:
    """Read `act`, newest first. None when it is not of the form that we write.

    What is not about identity (`exp`, `aud` and so on) says nothing in an actor (TX-10).
    """
    actors: list[Actor] = []
    while act is not None:
        if not isinstance(act, dict) or len(actors) == MAX_DEPTH:
            return None
        agent, client = act.get("sub"), act.get("client_id")
        if not isinstance(agent, str) or not isinstance(client, str):
            return None
        actors.append(Actor(agent=AgentId(agent), client=ClientId(client)))
        act = act.get("act")
    return tuple(actors)


def write_via(targets: Iterable[Target]) -> dict[str, list[str]]:
    """Write `via`: ids by the kind of stop that would end them, in the order in which they came."""
    via: dict[str, list[str]] = {}
    for kind, id_ in targets:
        via.setdefault(kind.value, []).append(id_)
    return via


def read_via(via: object) -> tuple[Target, ...] | None:
    """Read `via`. None when it is not of the form that we write: a stop that nobody feels is no stop."""
    if not isinstance(via, dict):
        return None
    targets: list[Target] = []
    for kind, ids in via.items():
        if kind not in _KINDS or not isinstance(ids, list) or not all(isinstance(id_, str) for id_ in ids):
            return None
        targets += [Target(TargetKind(kind), id_) for id_ in ids]
    return tuple(targets)


_KINDS: Final = frozenset(TargetKind)

NOT_OURS: Final = Refusal(
    "invalid_request",
    "subject_token is not an access token of this issuer, or it has expired: show one that this issuer gave",
)


def judge_presenter(claims: Mapping[str, object], audience: Resource | None, party: Party) -> Refusal | None:
    """Say whether an agent may act on with this token (TX-4, TX-8). None means that it may.

    Whoever shows a token can read it, so these answers tell him nothing; they come before anything is said of whether
    the token is live.
    """
    if claims.get("agent_id") == party.agent.id:
        return Refusal(
            "invalid_request",
            "subject_token was issued to this very agent: show it to the next one, or ask for fewer scopes where it "
            "came from",
        )
    if audience is None or audience.served_by != party.agent.id:
        return Refusal(
            "invalid_request",
            "subject_token is for a resource at which this agent does not answer: exchange tokens whose aud is your "
            "own resource, or let an administrator name this agent in its served_by",
        )
    may_act = claims.get("may_act")
    if may_act is not None and not _matches(may_act, claims, party):
        return Refusal(
            "invalid_request",
            "the may_act of subject_token names another actor: ask for a new token for this resource",
        )
    return None


def _matches(may_act: object, claims: Mapping[str, object], party: Party) -> bool:
    """Compare every member that identifies an actor; one that is absent demands nothing (RFC 8693 §4.4)."""
    if not isinstance(may_act, dict) or "sub" not in may_act:
        return False
    said = {"sub": party.agent.id, "iss": claims.get("iss"), "client_id": party.client.wire_id}
    return all(may_act[name] == value for name, value in said.items() if name in may_act)


def judge_chain(party: Party, before: Sequence[Party]) -> Refusal | None:
    """Say whether one more agent may act after those `before`: not twice, and not without end (TX-9)."""
    if party.agent.id in {earlier.agent.id for earlier in before}:
        return Refusal(
            "invalid_request", "this agent acts in the chain of subject_token already: a chain does not run in circles"
        )
    # The last of them is whom the subject allowed; it does not act by exchange.
    if len(before) > MAX_DEPTH:
        return Refusal(
            "invalid_request",
            f"{MAX_DEPTH} agents act in the chain of subject_token already, and no chain is longer: let one of them "
            "call the resource itself",
        )
    return None
