"""Revoke or trim all grants that a filter finds: look first what that is, then do it in one transaction, an event each.

Looking is apart from doing, because it may take long and must hold nobody up. What was found has a mark: whoever
confirms sends back which grants he saw, and of what, and nothing else is taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from remit.core.audit.events import GrantsRevoked, GrantsTrimmed, Who
from remit.core.grants import Grant, GrantState
from remit.core.names import EventId, TenantId
from remit.core.oauth.scopes import IDENTITY_SCOPES
from remit.core.oauth.verdicts import Refusal
from remit.core.trimming import LONGEST_SPAN, unused
from remit.ports.deps import Deps
from remit.services.directory import PAGE, Directory, GrantFacts, Standing, live, sessions_of
from remit.services.grant_changes import narrow_in, revoke_in
from remit.services.scope_uses import uses_in
from remit.services.tables import GrantsWanted, by_ids, fitting, indexed, may_fit

MOST: Final = 500
"""Grants that are taken back in one transaction. Where more are found, `more` says so, and doing it again goes on."""

EVERYBODYS = Refusal("invalid_request", "say which grants: by user, agent, client, resource, scope or how long unused")
ALL_OVER = Refusal("invalid_request", "what is revoked or expired gives nothing any more: nothing can be taken back")
BAD_SPAN = Refusal("invalid_request", f"look back a day at least and {LONGEST_SPAN.days} at most")
NONE_FOUND = Refusal("not_found", "no grant that still gives anything is found by this")
ALL_USED = Refusal(
    "not_found",
    "of no grant that is found by this can anything be trimmed: it was used or is newer, or nothing of it was seen in "
    "use, in which case revoke it if nobody needs it",
)
OTHERS_NOW = Refusal("conflict", "other grants are found now than you were shown: look at them again")
NO_REASON = Refusal("invalid_request", "say why: it stands in the log")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A grant, and the scopes that it will hold no more: all of them where it is revoked."""

    grant: Grant
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What would be taken back, newest grants first. `span` is how long ago a use counts; None revokes."""

    sought: GrantsWanted
    span: timedelta | None
    taken: tuple[Taken, ...]
    more: bool

    @property
    def mark(self) -> str:
        """Return what tells this from everything else that could have been found."""
        text = "\n".join(" ".join([taken.grant.id, *sorted(taken.scopes)]) for taken in self.taken)
        return hashlib.sha256(f"{self.span}\n{text}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Whom it concerns and how much of theirs ends. The first few are named, with how many there are."""

    users: int
    user_names: tuple[str, ...]
    agents: int
    agent_names: tuple[str, ...]
    sessions: int
    first: tuple[tuple[GrantFacts, frozenset[str]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """What was done, and the event that sums it up."""

    taken: tuple[Taken, ...]
    more: bool
    event: EventId


async def find_taken(
    tenant: TenantId, wanted: GrantsWanted, deps: Deps, *, span: timedelta | None = None
) -> Found | Refusal:
    """Find what would be taken back, in reads that are short each: nobody waits for them."""
    if not wanted.any:
        return EVERYBODYS
    if wanted.state in {Standing.REVOKED, Standing.EXPIRED}:
        return ALL_OVER
    if any(each is not None and not timedelta(days=1) <= each <= LONGEST_SPAN for each in (span, wanted.unused)):
        return BAD_SPAN
    async with deps.db.read(tenant) as work:
        named = await by_ids(work, wanted)
    found: list[Taken] = []
    last: str | None = None
    while True:
        async with deps.db.read(tenant) as work:
            directory = Directory(work, deps.clock.now())
            page = await work.grants.page(indexed(named), before=last, limit=MOST)
            for grant in page:
                if not live(grant, directory.now) or not await _is_wanted(directory, grant, named):
                    continue
                scopes = grant.scopes
                if span is not None:
                    scopes = unused(await uses_in(work, grant), now=directory.now, span=span)
                    if not scopes:
                        continue
                if len(found) == MOST:
                    return Found(sought=named, span=span, taken=tuple(found), more=True)
                found.append(Taken(grant=grant, scopes=scopes))
        if len(page) < MOST:
            if not found:
                return NONE_FOUND if span is None else ALL_USED
            return Found(sought=named, span=span, taken=tuple(found), more=False)
        last = page[-1].id


async def _is_wanted(directory: Directory, grant: Grant, named: GrantsWanted) -> bool:
    if named.state is None and named.unused is None:
        return may_fit(grant, named, directory.now)
    return await fitting(directory, grant, named) is not None


async def effect_of(tenant: TenantId, found: Found, deps: Deps, *, names: int = 10) -> Effect:
    """Say whom it would concern and how much of theirs would end."""
    async with deps.db.read(tenant) as work:
        directory = Directory(work, deps.clock.now())
        users = _in_order(taken.grant.user for taken in found.taken if taken.grant.user is not None)
        agents = _in_order(taken.grant.agent for taken in found.taken)
        return Effect(
            users=len(users),
            user_names=tuple([await directory.label(user) or user for user in users[:names]]),
            agents=len(agents),
            agent_names=tuple([await directory.label(agent) or agent for agent in agents[:names]]),
            sessions=sum([await sessions_of(work, taken.grant, directory.now) for taken in found.taken]),
            first=tuple([(await directory.grant(taken.grant), taken.scopes) for taken in found.taken[:PAGE]]),
        )


async def take_back(tenant: TenantId, found: Found, deps: Deps, who: Who, *, reason: str) -> TakenBack | Refusal:
    """Do what was found, in one transaction. What somebody else was faster with is left out."""
    if not reason.strip():
        return NO_REASON
    async with deps.db.work(tenant) as work:
        done = []
        for taken in found.taken:
            held = await work.grants.get(taken.grant.id)
            keep = frozenset() if held is None else held.scopes - taken.scopes
            if held is None or held.state is GrantState.REVOKED or keep == held.scopes:
                continue
            if found.span is None:
                outcome = await revoke_in(work, held, deps, who, reason=reason)
            elif keep <= IDENTITY_SCOPES:
                continue  # somebody narrowed it meanwhile, and this would take the rest
            else:
                outcome = await narrow_in(work, held, keep, deps, who, reason=reason)
            if isinstance(outcome, Refusal):
                return outcome
            done.append(taken)
        event = await work.events.append(_summary(found, len(done), who, reason), at=deps.clock.now())
    return TakenBack(taken=tuple(done), more=found.more, event=event)


def _summary(found: Found, count: int, who: Who, reason: str) -> GrantsRevoked | GrantsTrimmed:
    # Found from the agent and the client that were sought, as what happened to each grant is.
    who = replace(who, agent=found.sought.agent or who.agent, client=found.sought.client or who.client)
    sought = _words(found.sought)
    if found.span is None:
        return GrantsRevoked(who=who, sought=sought, count=count, reason=reason)
    return GrantsTrimmed(who=who, sought=sought, count=count, days=found.span.days, reason=reason)


def _words(sought: GrantsWanted) -> tuple[str, ...]:
    named = (
        ("user", sought.user),
        ("agent", sought.agent),
        ("client", sought.client),
        ("resource", sought.resource),
        ("scope", sought.scope),
        ("state", sought.state),
        ("unused days", sought.unused.days if sought.unused else None),
    )
    return tuple(f"{name} {value}" for name, value in named if value is not None)


def _in_order(ids: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(ids))
