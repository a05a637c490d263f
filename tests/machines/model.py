"""What must be true of grants, lines, tokens and stops, in plain Python and from the documents alone.

Nothing of the product is imported here: the machine lets both do the same and compares what they say.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

Outcome = frozenset[str] | Literal["refused"]
"""The scopes that were given, or that nothing was."""

REFUSED: Literal["refused"] = "refused"
REPLAY_SECONDS = 30
CODE_SECONDS = 60
TOKEN_SECONDS = 900
FINAL = {"token", "line", "grant"}


@dataclass(slots=True, kw_only=True)
class Grant:
    name: str
    client: str
    scopes: frozenset[str]
    revoked: bool = False


@dataclass(slots=True, kw_only=True)
class Line:
    name: str
    grant: Grant
    scopes: frozenset[str]
    revoked: bool = False


@dataclass(slots=True, kw_only=True)
class Code:
    line: Line
    made: int
    spent: bool = False


@dataclass(slots=True, kw_only=True)
class Refresh:
    line: Line
    spent: int | None = None
    successor: Refresh | None = None


@dataclass(slots=True, kw_only=True)
class Access:
    name: str
    line: Line
    scopes: frozenset[str]
    made: int
    epoch: int


@dataclass(slots=True, kw_only=True)
class Stop:
    kind: str
    target: str
    epoch: int
    until: int | None = None
    lifted: bool = False

    def holds(self, now: int) -> bool:
        return not self.lifted and (self.until is None or now < self.until)


@dataclass(slots=True, kw_only=True)
class Model:
    """One user, one agent with two clients, one resource; time is a number of seconds."""

    user: str
    agent: str
    resource: str
    tenant: str
    remit: frozenset[str]
    now: int = 0
    epoch: int = 0
    grants: dict[str, Grant] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    stops: list[Stop] = field(default_factory=list)
    effects: Counter[str] = field(default_factory=Counter)
    leaked: set[str] = field(default_factory=set)

    # --- who may what

    def stopped(self, client: str, line: Line | None = None, access: Access | None = None) -> bool:
        return any(stop.holds(self.now) for stop in self._about(client, line, access))

    def _about(self, client: str, line: Line | None, access: Access | None) -> list[Stop]:
        chain = {("tenant", self.tenant), ("agent", self.agent), ("client", client), ("resource", self.resource)}
        chain.add(("user", self.user))
        if line is not None:
            chain |= {("line", line.name), ("grant", line.grant.name)}
        if access is not None:
            chain.add(("token", access.name))
        return [stop for stop in self.stops if (stop.kind, stop.target) in chain]

    def alive(self, line: Line) -> bool:
        return not (line.revoked or line.grant.revoked or self.stopped(line.grant.client, line))

    def left(self, scopes: frozenset[str], line: Line) -> frozenset[str]:
        return scopes & line.scopes & line.grant.scopes & self.remit

    def active(self, access: Access) -> Outcome:
        """Say what introspection says."""
        line = access.line
        about = self._about(line.grant.client, line, access)
        if self.now >= access.made + TOKEN_SECONDS or line.revoked or line.grant.revoked:
            return REFUSED
        if any(stop.holds(self.now) or stop.epoch > access.epoch for stop in about):
            return REFUSED
        return self.left(access.scopes, line) or REFUSED

    # --- what happens

    def approve(self, client: str, scopes: frozenset[str], grant: str, line: str) -> Line:
        """Take a yes that was given: the grant grows, the line keeps what was allowed this time."""
        held = self.grants.setdefault(grant, Grant(name=grant, client=client, scopes=frozenset()))
        held.scopes |= scopes
        made = self.lines[line] = Line(name=line, grant=held, scopes=scopes)
        self.effects["consent.given"] += 1
        return made

    def may_approve(self, client: str, scopes: frozenset[str]) -> frozenset[str]:
        return frozenset() if self.stopped(client) else scopes & self.remit

    def issue(self, line: Line, asked: frozenset[str]) -> Outcome:
        left = self.left(asked, line)
        if not self.alive(line) or not left:
            return REFUSED
        self.effects["token.issued"] += 1
        return left

    def redeem(self, code: Code, client: str) -> Outcome:
        if client != code.line.grant.client:
            return REFUSED
        if code.spent:
            self.end_leaked(code.line)
            return REFUSED
        if self.now >= code.made + CODE_SECONDS:
            return REFUSED
        given = self.issue(code.line, code.line.scopes)
        code.spent = given != REFUSED
        return given

    def refresh(self, token: Refresh, client: str, wanted: frozenset[str] | None) -> tuple[Outcome, bool]:
        """Return what is given, and whether it is a repeated answer."""
        line = token.line
        if client != line.grant.client:
            self.end_leaked(line)
            return REFUSED, False
        if line.revoked:
            return REFUSED, False
        repeats = token.spent is not None
        if repeats and not self._repeatable(token):
            self.end_leaked(line)
            return REFUSED, False
        if wanted is not None and not wanted <= line.scopes:
            return REFUSED, False
        given = self.issue(line, line.scopes if wanted is None else wanted)
        if given != REFUSED and not repeats:
            token.spent, token.successor = self.now, Refresh(line=line)
        return given, repeats

    def _repeatable(self, token: Refresh) -> bool:
        assert token.spent is not None
        assert token.successor is not None
        return token.successor.spent is None and self.now < token.spent + REPLAY_SECONDS

    def end_leaked(self, line: Line) -> None:
        if not line.revoked:
            line.revoked = True
            self._put("line", line.name)
            self.leaked.add(line.name)

    def stop(self, kind: str, target: str, seconds: int | None = None) -> None:
        if kind in FINAL and any((s.kind, s.target) == (kind, target) and s.holds(self.now) for s in self.stops):
            return
        if kind == "grant":
            self.grants[target].revoked = True
        if kind == "line":
            self.lines[target].revoked = True
        self._put(kind, target, until=None if seconds is None else self.now + seconds)
        self.effects["stop.placed"] += 1

    def lift(self, kind: str, target: str) -> None:
        for stop in self.stops:
            if (stop.kind, stop.target) == (kind, target) and stop.holds(self.now):
                stop.lifted = True
                self.effects["stop.lifted"] += 1

    def narrow(self, grant: Grant, keep: frozenset[str]) -> None:
        if grant.revoked or not keep <= grant.scopes:
            return
        if not keep:
            self.stop("grant", grant.name)
        elif keep != grant.scopes:
            grant.scopes = keep
            self._put("grant", grant.name, lifted=True)
            self.effects["grant.narrowed"] += 1

    def publish(self, scopes: frozenset[str]) -> None:
        if self.remit - scopes:
            # Tokens that still name what is gone are refused everywhere, also by those who ask nobody.
            self._put("agent", self.agent, lifted=True)
        self.remit = scopes
        self.effects["remit.published"] += 1

    def _put(self, kind: str, target: str, *, until: int | None = None, lifted: bool = False) -> None:
        self.epoch += 1
        self.stops.append(Stop(kind=kind, target=target, epoch=self.epoch, until=until, lifted=lifted))
