"""What has to happen so that a tenant is as described. Pure: two descriptions in, a list of changes out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias, TypeVar

import msgspec

from remit.core.oauth.verdicts import Refusal
from remit.core.resources import ResourceState
from remit.services.desired.state import (
    AgentDescribed,
    ClientDescribed,
    RemitDescribed,
    ResourceDescribed,
    State,
    merge,
)

Thing: TypeAlias = ResourceDescribed | AgentDescribed | RemitDescribed | ClientDescribed


class Kind(StrEnum):
    RESOURCE = "resource"
    AGENT = "agent"
    REMIT = "remit"
    CLIENT = "client"


class Verb(StrEnum):
    CREATE = "create"
    CHANGE = "change"
    END = "end"
    """Disable a resource, retire an agent or a client: nothing is ever deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    field: str
    before: object
    after: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing to do. `name` is the URI of a resource, the name of an agent (also of a remit) or of a client."""

    verb: Verb
    kind: Kind
    name: str
    differences: tuple[Difference, ...] = ()
    wanted: Thing | None = None

    def touches(self, *fields: str) -> bool:
        return any(difference.field in fields for difference in self.differences)


_FIXED = ("agent", "auth_method", "application_type")
"""What a client is for its whole life."""

Named = TypeVar("Named", ResourceDescribed, AgentDescribed, ClientDescribed)


def plan(current: State, wanted: State, *, prune: bool = False) -> tuple[Change, ...] | Refusal:
    """Return what to do, in an order in which everything is there before it is named.

    What `wanted` does not name stays, unless it shall be pruned. Refuses what cannot become of what there is.
    """
    told = merge([wanted])
    if isinstance(told, Refusal):
        return told
    resources = _compare(Kind.RESOURCE, current.resources, told.resources, key=lambda found: found.uri)
    agents = _agents(current.agents, told.agents)
    clients = _compare(Kind.CLIENT, current.clients, told.clients, key=lambda found: found.name)
    for flaw in (_judge_agents(agents), _judge_clients(clients)):
        if flaw is not None:
            return flaw
    return (*resources, *agents, *clients, *(_prune(current, told) if prune else ()))


def _agents(current: Sequence[AgentDescribed], wanted: Sequence[AgentDescribed]) -> list[Change]:
    """Compare agents, and their remits apart: a remit is published, and only where one is described."""
    present = {agent.name: agent for agent in current}
    bare = [msgspec.structs.replace(agent, remit=None) for agent in current]
    told = [_completed(agent, present.get(agent.name)) for agent in wanted]
    changes = _compare(Kind.AGENT, bare, told, key=lambda found: found.name)
    for agent in wanted:
        before = present.get(agent.name)
        held = None if before is None else before.remit
        if agent.remit is None or agent.remit == held:
            continue
        verb = Verb.CREATE if held is None else Verb.CHANGE
        differences = _differences(held, agent.remit)
        changes.append(Change(verb=verb, kind=Kind.REMIT, name=agent.name, differences=differences, wanted=agent.remit))
    return changes


def _completed(agent: AgentDescribed, before: AgentDescribed | None) -> AgentDescribed:
    """Say of an agent what its description leaves open, and its people as they are spelled here."""
    completed = msgspec.structs.replace(agent, remit=None, state=agent.state or "staged")
    if before is None:
        return completed
    return msgspec.structs.replace(
        completed,
        state=agent.state or before.state,
        owner=_spelled(agent.owner, before.owner),
        sponsor=_spelled(agent.sponsor, before.sponsor),
    )


def _spelled(address: str | None, before: str | None) -> str | None:
    """Return the address as it is known here, if it is the same one: case makes no other person."""
    same = address is not None and before is not None and address.strip().casefold() == before.casefold()
    return before if same else address


def _compare(
    kind: Kind, current: Iterable[Named], wanted: Iterable[Named], *, key: Callable[[Named], str]
) -> list[Change]:
    present = {key(found): found for found in current}
    changes = []
    for described in wanted:
        found = present.get(key(described))
        if found is None:
            differences = _differences(None, described)
            changes.append(
                Change(verb=Verb.CREATE, kind=kind, name=key(described), differences=differences, wanted=described)
            )
        elif differences := _differences(found, described):
            changes.append(
                Change(verb=Verb.CHANGE, kind=kind, name=key(described), differences=differences, wanted=described)
            )
    return changes


def _differences(before: Thing | None, after: Thing) -> tuple[Difference, ...]:
    """Say field by field what is different; of a new thing, everything that is not as usual."""
    found = []
    for field in msgspec.structs.fields(after):
        old = None if before is None else getattr(before, field.name)
        new = getattr(after, field.name)
        if before is None and (new is None or new == field.default or new in ("", [])):
            continue
        if before is None or old != new:
            found.append(Difference(field=field.name, before=old, after=new))
    return tuple(found)


def _judge_agents(changes: Sequence[Change]) -> Refusal | None:
    for change in changes:
        for difference in change.differences if change.verb is Verb.CHANGE else ():
            if difference.field == "state" and difference.after == "staged":
                return Refusal("conflict", f"the agent `{change.name}` is active and is never staged again: stop it")
    return None


def _judge_clients(changes: Sequence[Change]) -> Refusal | None:
    for change in changes:
        if change.verb is Verb.CHANGE and change.touches(*_FIXED):
            fixed = next(one.field for one in change.differences if one.field in _FIXED)
            return Refusal(
                "conflict", f"the client `{change.name}` keeps its {fixed}: describe the new one under another name"
            )
    return None


def _prune(current: State, wanted: State) -> list[Change]:
    clients = {client.name for client in wanted.clients}
    agents = {agent.name for agent in wanted.agents}
    uris = {resource.uri for resource in wanted.resources}
    gone = [(Kind.CLIENT, client.name) for client in current.clients if client.name not in clients]
    gone += [(Kind.AGENT, agent.name) for agent in current.agents if agent.name not in agents]
    gone += [
        (Kind.RESOURCE, resource.uri)
        for resource in current.resources
        if resource.uri not in uris and resource.state is ResourceState.ACTIVE
    ]
    return [Change(verb=Verb.END, kind=kind, name=name) for kind, name in gone]
