"""The one rule of authority.

    what an agent may do now = policy ∩ remit ∩ user's rights ∩ grant ∩ line ∩ token ∩ everybody in it is live

`principal_live` asks who is live and `attenuate` narrows. Every path uses both: each grant type, introspection,
userinfo, consent and what follows. Nothing else in Remit answers either question.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from remit.core.agents import AgentState, Remit
from remit.core.clients import ClientState, Party
from remit.core.grants import Grant, GrantState, Line
from remit.core.lifetimes import ACCESS_SECONDS, USUAL
from remit.core.oauth.scopes import IDENTITY_SCOPES
from remit.core.resources import Resource, ResourceState
from remit.core.sessions import LoginSession
from remit.core.stops import Stop, Target, TargetKind
from remit.core.tenants import Tenant, TenantState
from remit.core.users import Rights, User, UserState

EARLIER_REMIT = "remit of an earlier agent"
EARLIER_RESOURCE = "earlier resource"

MAX_TOKEN_SECONDS = ACCESS_SECONDS[-1]
DEFAULT_TOKEN_SECONDS = USUAL.access_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Everybody an access token would speak for. Parts that a grant type does not have are None."""

    tenant: Tenant
    party: Party
    resource: Resource | None = None
    user: User | None = None
    grant: Grant | None = None
    line: Line | None = None
    session: str | None = None
    login: LoginSession | None = None
    """The session's row: when and how the user logged in, and whether a line that needs him to be there may go on."""
    kid: str | None = None
    jti: str | None = None
    details: str | None = None
    """What the token of this chain is held to beside its scopes, in canonical JSON; so is what comes out of it."""
    before: tuple[Party, ...] = ()
    """By exchange: who acted before `party`, newest first. The last one is the client of the grant."""
    passed: tuple[Resource, ...] = ()
    """By exchange: the resources on the way, one for each of those before, the resource of the grant first."""
    via: tuple[Target, ...] = ()
    """By exchange: the tokens that this one came from, and whatever else a stop on the way would name."""

    @property
    def while_away(self) -> bool:
        """Say whether the end of the login session leaves this chain alone."""
        return self.line is not None and self.line.while_away

    @property
    def dpop_bound(self) -> bool:
        """Say whether its tokens must be bound to a key: the client, the agent's remit or the resource may want it."""
        remit, resource = self.party.remit, self.resource
        return (
            self.party.client.dpop_bound
            or (remit is not None and remit.dpop_bound)
            or (resource is not None and resource.dpop_bound)
        )

    def targets(self) -> tuple[Target, ...]:
        """Name every id at which a stop would end this chain."""
        return (*self.own_targets(), *self.via)

    def own_targets(self) -> tuple[Target, ...]:
        """Name those of who acts now, for whom and on what; not what came before by exchange."""
        found = [
            Target(TargetKind.TENANT, self.tenant.id),
            Target(TargetKind.AGENT, self.party.agent.id),
            Target(TargetKind.CLIENT, self.party.client.id),
        ]
        if self.resource is not None:
            found.append(Target(TargetKind.RESOURCE, self.resource.id))
        if self.user is not None:
            found.append(Target(TargetKind.USER, self.user.id))
        if self.grant is not None:
            found.append(Target(TargetKind.GRANT, self.grant.id))
        if self.line is not None:
            found.append(Target(TargetKind.LINE, self.line.id))
        if self.session is not None and not self.while_away:
            found.append(Target(TargetKind.SESSION, self.session))
        if self.kid is not None:
            found.append(Target(TargetKind.KID, self.kid))
        if self.jti is not None:
            found.append(Target(TargetKind.TOKEN, self.jti))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Dead:
    """Somebody in the chain is not live: which part, and how it came to be so."""

    part: str
    how: str

    @property
    def hint(self) -> str:
        return f"the {self.part} {self.how}"


_ENDED = {ClientState.EXPIRED: "registration was not used and expired: register again"}
"""What a client reads that is not retired, and could come back."""


def principal_live(chain: Chain, stops: Iterable[Stop], *, now: datetime) -> Dead | None:
    """Return the first part of the chain that is not live, or None when all are.

    `stops` are the stop rows of the chain's targets; whether each is in force is decided here, by time.
    """
    party = chain.party
    states = (
        ("tenant", chain.tenant.state is TenantState.ACTIVE, "is suspended"),
        *_identity(party),
        ("user", chain.user is None or chain.user.state is UserState.ACTIVE, "is inactive"),
        ("resource", chain.resource is None or chain.resource.state is ResourceState.ACTIVE, "is disabled"),
        ("grant", chain.grant is None or chain.grant.state is GrantState.ACTIVE, "was revoked"),
        ("line", chain.line is None or chain.line.state is GrantState.ACTIVE, "was revoked"),
        *_ceiling(party, now),
        ("grant", chain.grant is None or not _past(chain.grant.expires_at, now), "expired"),
        ("line", chain.line is None or not _past(chain.line.expires_at, now), "expired"),
        ("login session", chain.line is None or chain.while_away or _logged_in(chain.login, now), "ended"),
        *(
            (f"earlier {part}", alive, how)
            for earlier in chain.before
            for part, alive, how in (*_identity(earlier), *_ceiling(earlier, now))
        ),
        *(("earlier resource", way.state is ResourceState.ACTIVE, "is disabled") for way in chain.passed),
    )
    # A stop says more than a state that it also changed ("was stopped" beats "was revoked"), so stops are asked first.
    own, via = set(chain.own_targets()), set(chain.via)
    for stop in stops:
        if (stop.target in own or stop.target in via) and stop.in_force(now):
            word = _WORDS[stop.target.kind]
            return Dead(word if stop.target in own else f"earlier {word}", "was stopped")
    for part, alive, how in states:
        if not alive:
            return Dead(part, how)
    return None


def lives_until(chain: Chain) -> datetime | None:
    """Return when time alone ends a chain that is live now; None: it does not. Stops only come by being placed."""
    line, grant = chain.line, chain.grant
    login = None if line is None or chain.while_away else chain.login
    ends = (
        *(party.remit.expires_at for party in (chain.party, *chain.before) if party.remit is not None),
        None if grant is None else grant.expires_at,
        None if line is None else line.expires_at,
        None if login is None else login.runs_out_at,
    )
    return min((end for end in ends if end is not None), default=None)


_State = tuple[str, bool, str]
"""A part of the chain, whether it is as it must be, and how it is otherwise."""


def _identity(party: Party) -> tuple[_State, ...]:
    return (
        ("client", party.client.state is ClientState.ACTIVE, _ENDED.get(party.client.state, "is retired")),
        ("agent", party.agent.state is AgentState.ACTIVE, f"is {party.agent.state}"),
        ("agent", party.agent.owner is not None, "has no owner"),
    )


def _ceiling(party: Party, now: datetime) -> tuple[_State, ...]:
    return (
        ("remit", party.remit is not None, "is missing: the agent has no active remit"),
        ("remit", party.remit is None or not _past(party.remit.expires_at, now), "expired"),
    )


_WORDS = {kind: str(kind) for kind in TargetKind} | {TargetKind.KID: "signing key", TargetKind.SESSION: "login session"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """One thing that authority may not exceed: a set of scopes (None: it does not speak of scopes) and a time."""

    name: str
    scopes: frozenset[str] | None
    until: datetime | None = None
    seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """What is left after every ceiling. `removed` tells which ceiling took which scopes, for hints and audit."""

    scopes: frozenset[str]
    expires_at: datetime
    removed: tuple[tuple[str, frozenset[str]], ...]


def attenuate(asked: frozenset[str], ceilings: Sequence[Ceiling], *, now: datetime) -> Authority:
    """Narrow what was asked by every ceiling in turn.

    INVARIANT: the result never exceeds `asked` nor any ceiling, in scopes or in time. Identity scopes belong to no
    resource, so a ceiling built by `of_remit` or `of_rights` lets them pass.
    """
    scopes = asked
    expires_at = now + timedelta(seconds=MAX_TOKEN_SECONDS)
    removed: list[tuple[str, frozenset[str]]] = []
    for ceiling in ceilings:
        if ceiling.scopes is not None:
            lost = scopes - ceiling.scopes
            if lost:
                removed.append((ceiling.name, lost))
                scopes &= ceiling.scopes
        if ceiling.until is not None:
            expires_at = min(expires_at, ceiling.until)
        if ceiling.seconds is not None:
            expires_at = min(expires_at, now + timedelta(seconds=ceiling.seconds))
    return Authority(scopes=scopes, expires_at=expires_at, removed=tuple(removed))


def of_remit(remit: Remit, resource: Resource, *, name: str = "remit") -> Ceiling:
    """Return the remit's ceiling on one resource."""
    return Ceiling(
        name=name,
        scopes=remit.on(resource.id) | IDENTITY_SCOPES,
        until=remit.expires_at,
        seconds=remit.token_seconds,
    )


def of_resource(resource: Resource) -> Ceiling:
    """Return what the resource defines at all, and how long its tokens may live."""
    return Ceiling(name="resource", scopes=resource.scope_names | IDENTITY_SCOPES, seconds=resource.token_seconds)


def of_way(resource: Resource) -> Ceiling:
    """Return what a resource on the way still defines: a scope that is gone there is in no token that came from it."""
    return Ceiling(name=EARLIER_RESOURCE, scopes=resource.scope_names | IDENTITY_SCOPES)


def of_rights(rights: Rights) -> Ceiling:
    """Return the user's own rights: nobody can give an agent more than he has himself."""
    held = None if rights.scopes is None else rights.scopes | IDENTITY_SCOPES
    return Ceiling(name="user's rights", scopes=held)


def of_grant(grant: Grant) -> Ceiling:
    return Ceiling(name="grant", scopes=grant.scopes, until=grant.expires_at)


def of_line(line: Line) -> Ceiling:
    return Ceiling(name="line", scopes=line.scopes, until=line.expires_at)


def of_tenant(seconds: int = DEFAULT_TOKEN_SECONDS) -> Ceiling:
    """Return the tenant's own rule for how long an access token lives."""
    return Ceiling(name="tenant policy", scopes=None, seconds=seconds)


def _logged_in(login: LoginSession | None, now: datetime) -> bool:
    """Say whether a line that needs its user's session has it. A session runs out by itself, which places no stop."""
    return login is not None and login.live(now)


def _past(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and now >= moment
