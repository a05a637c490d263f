"""One tenant through any life that chance gives it, next to a model that must say the same after every step."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from remit.core.agents import ScopeKey
from remit.core.grants import GrantState
from remit.core.names import ClientId, GrantId, Prefix, SecretKind, TenantId, parse_opaque
from remit.core.oauth.authorize import AuthorizeRequest
from remit.core.oauth.client_auth import Presented, Proof
from remit.core.oauth.pkce import challenge_of
from remit.core.oauth.token_set import TokenCall, TokenSet
from remit.core.oauth.verdicts import Refusal
from remit.core.stops import Target, TargetKind
from remit.ports.deps import Deps
from remit.services.audit_log import Verified, verify_audit
from remit.services.consent import Answer, Choice, approve
from remit.services.grant_changes import narrow
from remit.services.grants import GRANTS
from remit.services.introspection import introspect
from remit.services.provisioning.agents import publish_remit
from remit.services.revocation import revoke
from remit.services.sessions import SignedInUser, sign_in
from remit.services.stops import lift_stops, place_stop
from tests.kit.flows import VERIFIER, claims_of
from tests.kit.instance import Remit, instance
from tests.kit.world import HERE, PASSWORD, SEEDER, World, sure
from tests.machines.model import REFUSED, Access, Code, Model, Outcome, Refresh

ALL = frozenset(["read:calendar", "write:calendar", "delete:calendar"])
# The whole comes first and often: where nothing is left, nothing happens any more.
PARTS = st.sets(st.sampled_from(sorted(ALL))).map(frozenset)
SCOPES = st.sampled_from([ALL, ALL, ALL]) | PARTS
SOME = SCOPES.filter(bool)
CLIENTS = st.sampled_from(["web", "local"])
# Whoever it belongs to comes first and often, or every line would be over at once.
ANYBODY = st.sampled_from(["owner", "owner", "owner", "owner", "owner", "web", "local", "rival"])
RESUMABLE = ("agent", "client", "user", "resource")
SECONDS = st.integers(1, 120) | st.none()
COUNTED = ("consent.given", "token.issued", "stop.placed", "stop.lifted", "grant.narrowed", "remit.published")


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """Something that a client holds: its text, and what the model knows of it."""

    text: str
    known: Code | Refresh | Access


class Life(RuleBasedStateMachine):
    """One tenant for one life. The subclass of a test says where its files are."""

    folders: Iterator[Path] = iter(())
    remit: Remit
    deps: Deps
    world: World
    tenant: TenantId
    alice: SignedInUser
    model: Model

    codes, refreshes, accesses = Bundle("codes"), Bundle("refreshes"), Bundle("accesses")

    def __init__(self):
        super().__init__()
        self.runner = asyncio.Runner()
        folder = next(self.folders)
        folder.mkdir()
        self.opened = instance(folder)
        self.remit = self.runner.run(self.opened.__aenter__())
        self.deps, self.world = self.remit.deps, self.remit.acme
        self.tenant = self.world.tenant.id
        self.began = self.remit.clock.now()
        signed_in = self.runner.run(sign_in(self.tenant, "alice@example.com", PASSWORD, self.deps, HERE))
        assert isinstance(signed_in, tuple)
        self.alice = signed_in[0]
        self.seen = len(self.runner.run(self._events()))
        self.model = Model(
            user=self.world.alice.id,
            agent=self.world.agent.id,
            resource=self.world.calendar.id,
            tenant=self.tenant,
            remit=ALL,
        )
        self.successors: dict[str, set[str]] = {}
        self.tokens: list[Held] = []
        self.asked: list[Held] = []

    # --- what a client and its user do

    @initialize(target=refreshes, count=st.integers(1, 3))
    def begin_with_some_lines(self, count):
        held = []
        for client, scopes in [("local", frozenset(["read:calendar"])), ("web", ALL), ("local", ALL)][:count]:
            code = self._approve(client, scopes)
            assert code is not None
            held.append(self._redeem(code, client)[1])
        return multiple(*held)

    @rule(target=codes, client=CLIENTS, scopes=SOME)
    def approve(self, client, scopes):
        return self._approve(client, scopes) or multiple()

    def _approve(self, client, scopes) -> Held | None:
        world, party = self.world, getattr(self.world, client)
        request = AuthorizeRequest(
            id=self.deps.fresh.id(Prefix.REQUEST),
            client=party.id,
            client_version=party.version,
            redirect_uri=party.redirect_uris[0],
            redirect_sent=True,
            resource=world.calendar.id,
            scopes=tuple(sorted(scopes)),
            state=None,
            nonce=None,
            challenge=challenge_of(VERIFIER),
            prompt=(),
            max_age=None,
            login_hint=None,
            cross_site=False,
            posted=False,
            hinted=None,
            at_ms=int(self.now.timestamp() * 1000),
        )
        choice = Choice(scopes=scopes, until=self.now + timedelta(days=30), while_away=True)
        allowed = self.model.may_approve(party.id, scopes)
        answer = self.runner.run(approve(self.tenant, request, self.alice, choice, self.deps, HERE))
        assert (isinstance(answer, Answer) and answer.code is not None) == bool(allowed)
        if not isinstance(answer, Answer) or answer.code is None:
            return None
        text = answer.code.reveal()
        line = self.runner.run(self._line_of(text))
        return Held(text, Code(line=self.model.approve(party.id, allowed, line.grant, line.id), made=self.model.now))

    @rule(target=accesses, code=codes, client=ANYBODY)
    def redeem_without_its_refresh_token(self, code, client):
        return self._redeem(code, client)[0]

    @rule(target=refreshes, code=consumes(codes), client=ANYBODY)
    def redeem(self, code, client):
        return self._redeem(code, client)[1]

    @rule(target=refreshes, token=refreshes, client=ANYBODY, wanted=st.none() | SOME)
    def refresh(self, token, client, wanted):
        return self._refresh(token, client, wanted)[1]

    @precondition(lambda self: self.tokens)
    @rule(target=refreshes, data=st.data(), wanted=st.none() | SOME)
    def go_on(self, data, wanted):
        """Refresh as a client does: with the newest token of some line."""
        newest = {held.known.line.name: held for held in self.tokens}
        return self._refresh(data.draw(st.sampled_from([*newest.values()])), "owner", wanted)[1]

    @precondition(lambda self: any(held.known.spent is not None for held in self.tokens))
    @rule(target=refreshes, data=st.data(), wanted=st.none() | SOME)
    def repeat_what_is_spent(self, data, wanted):
        """Refresh as a thief does, or a client whose answer was lost."""
        spent = [held for held in self.tokens if isinstance(held.known, Refresh) and held.known.spent is not None]
        return self._refresh(data.draw(st.sampled_from(spent)), "owner", wanted)[1]

    @rule(token=refreshes | accesses, client=ANYBODY)
    def give_back(self, token, client):
        known, presented = token.known, self._presented(client, token.known.line)
        self.runner.run(revoke(self.tenant, presented, token.text, self.deps, HERE))
        if isinstance(known, Refresh):
            if presented.client == known.line.grant.client:
                self.model.stop("line", known.line.name)
            else:
                self.model.end_leaked(known.line)
        elif presented.client == known.line.grant.client and self.model.now < known.made + 900:
            self.model.stop("token", known.name)

    # --- what its user and an administrator do

    @rule(data=st.data(), kind=st.sampled_from([*RESUMABLE, "line", "grant"]), seconds=SECONDS)
    def stop(self, data, kind, seconds):
        target = data.draw(st.sampled_from(self._targets(kind) or [""]))
        final = kind in {"line", "grant"}
        until = None if final or seconds is None else self.now + timedelta(seconds=seconds)
        if target and not any(stop.holds(self.model.now) for stop in self.model.stops if stop.target == target):
            aim = Target(TargetKind(kind), target)
            placing = place_stop(self.tenant, aim, self.deps, SEEDER, reason="chance", until=until)
            sure(self.runner.run(placing))
            self.model.stop(kind, target, None if final else seconds)
            self._clients_go_on()

    @rule(kind=st.sampled_from(RESUMABLE), data=st.data())
    def lift(self, kind, data):
        self._lift(kind, data.draw(st.sampled_from(self._targets(kind))))

    def _lift(self, kind, target):
        self.runner.run(lift_stops(self.tenant, Target(TargetKind(kind), target), self.deps, SEEDER, reason="chance"))
        self.model.lift(kind, target)
        self._clients_go_on()

    @rule()
    def recover(self):
        """Lift everything and give the agent its whole remit again, so that life goes on."""
        for stop in [stop for stop in self.model.stops if stop.kind in RESUMABLE and stop.holds(self.model.now)]:
            if stop.holds(self.model.now):
                self._lift(stop.kind, stop.target)
        if self.model.remit != ALL:
            self._publish(ALL)

    @precondition(lambda self: any(not grant.revoked for grant in self.model.grants.values()))
    @rule(data=st.data())
    def narrow(self, data):
        held = sorted(name for name, grant in self.model.grants.items() if not grant.revoked)
        grant = self.model.grants[data.draw(st.sampled_from(held))]
        keep = frozenset(data.draw(st.sets(st.sampled_from(sorted(grant.scopes)))))
        narrowing = narrow(self.tenant, GrantId(grant.name), self.world.alice.id, keep, self.deps, SEEDER)
        sure(self.runner.run(narrowing))
        self.model.narrow(grant, keep)
        self._clients_go_on()

    @rule(scopes=SCOPES)
    def publish(self, scopes):
        self._publish(scopes)

    def _publish(self, scopes):
        others = frozenset(key for key in self.world.remit.scopes if key.resource != self.world.calendar.id)
        keys = others | {ScopeKey(self.world.calendar.id, name) for name in scopes}
        sure(self.runner.run(publish_remit(self.tenant, self.deps, SEEDER, agent=self.world.agent.id, scopes=keys)))
        self.model.publish(scopes)
        self._clients_go_on()

    @rule(seconds=st.sampled_from([1, 5, 29, 30, 31, 60, 299, 900]))
    def wait(self, seconds):
        self.remit.clock.forward(seconds=seconds)
        self.model.now += seconds

    # --- what must hold

    @invariant()
    def introspection_says_what_the_model_says(self):
        for token in self.asked[-6:]:
            self._ask(token)

    @invariant()
    def nothing_leaves_revoked(self):
        assert self.runner.run(self._states()) == {
            **{grant.name: grant.revoked for grant in self.model.grants.values()},
            **{line.name: line.revoked for line in self.model.lines.values()},
        }

    @invariant()
    def a_spent_token_has_one_successor(self):
        assert all(len(texts) == 1 for texts in self.successors.values())

    def teardown(self):
        try:
            events = self.runner.run(self._events())[self.seen :]
            effects = Counter(event["type"] for event in events if event["type"] in COUNTED)
            assert effects == self.model.effects
            told = {event["who"]["line"] for event in events if event["type"] == "token.reuse_detected"}
            assert told >= self.model.leaked
            verified = self.runner.run(verify_audit(self.tenant, self.deps))
            assert isinstance(verified, Verified)
            assert verified.report.sound
        finally:
            self.runner.run(self.opened.__aexit__(None, None, None))
            self.runner.close()

    # --- inside

    def _clients_go_on(self):
        """Let those who hold the latest lines refresh, whatever somebody else has just changed."""
        newest = {held.known.line.name: held for held in self.tokens}
        for held in [*newest.values()][-2:]:
            self._refresh(held, "owner", None)

    @property
    def now(self):
        return self.remit.clock.now()

    def _targets(self, kind):
        of = {
            "agent": [self.world.agent.id],
            "client": [self.world.web.id, self.world.local.id],
            "user": [self.world.alice.id],
            "resource": [self.world.calendar.id],
            "line": sorted(self.model.lines),
            "grant": sorted(self.model.grants),
        }
        return of[kind]

    def _presented(self, client, line):
        if client == "owner":
            client = next(name for name in ("web", "local") if getattr(self.world, name).id == line.grant.client)
        party, secret = getattr(self.world, client), getattr(self.world, f"{client}_secret", None)
        return Presented(client=party.id, proof=Proof.NONE if secret is None else Proof.SECRET, value=secret)

    def _redeem(self, code, client):
        call = TokenCall(grant_type="authorization_code", scopes=None, resources=(), code=code.text, verifier=VERIFIER)
        presented = self._presented(client, code.known.line)
        came = self._exchange(call, presented)
        given = self.model.redeem(code.known, presented.client)
        assert self._outcome(came) == given
        if not isinstance(came, TokenSet):
            return multiple(), multiple()
        assert came.refresh_token is not None
        line = code.known.line
        return self._access(came, line), self._held(came.refresh_token.reveal(), Refresh(line=line))

    def _held(self, text, known):
        self.tokens.append(Held(text, known))
        return self.tokens[-1]

    def _exchange(self, call, presented) -> TokenSet | Refusal:
        async def exchange() -> TokenSet | Refusal:
            return await GRANTS[call.grant_type](self.tenant, presented, call, self.deps, HERE)

        return self.runner.run(exchange())

    def _refresh(self, token, client, wanted):
        call = TokenCall(grant_type="refresh_token", scopes=wanted, resources=(), refresh_token=token.text)
        presented = self._presented(client, token.known.line)
        came = self._exchange(call, presented)
        given, repeats = self.model.refresh(token.known, presented.client, wanted)
        assert self._outcome(came) == given
        if not isinstance(came, TokenSet):
            return multiple(), multiple()
        assert came.refresh_token is not None
        line, text = token.known.line, came.refresh_token.reveal()
        self.successors.setdefault(token.text, set()).add(text)
        assert came.scopes <= line.scopes, "wider than what was approved"
        # A repeated answer is the same token, which the machine holds already.
        return self._access(came, line), multiple() if repeats else self._held(text, token.known.successor)

    def _access(self, came, line):
        text = came.access_token.reveal()
        claims = claims_of(text)
        assert (claims["line_id"], claims["grant_id"], claims["epo"]) == (line.name, line.grant.name, self.model.epoch)
        known = Access(name=claims["jti"], line=line, scopes=came.scopes, made=self.model.now, epoch=claims["epo"])
        held = Held(text, known)
        self.asked.append(held)
        return held

    def _ask(self, token):
        calendar = Presented(
            client=ClientId(self.world.calendar.id), proof=Proof.SECRET, value=self.world.calendar_secret
        )
        told = self.runner.run(introspect(self.tenant, calendar, token.text, self.deps, HERE))
        assert isinstance(told, dict)
        said = frozenset(str(told["scope"]).split()) if told["active"] else REFUSED
        assert said == self.model.active(token.known)
        assert said == REFUSED or said <= token.known.scopes

    def _outcome(self, came) -> Outcome:
        return came.scopes if isinstance(came, TokenSet) else REFUSED

    async def _line_of(self, text):
        opaque = parse_opaque(text, SecretKind.CODE)
        assert opaque is not None
        async with self.deps.db.read(self.tenant) as work:
            code = await work.codes.find(opaque.id)
            assert code is not None
            return await work.lines.get(code.line)

    async def _states(self):
        states: dict[str, bool] = {}
        async with self.deps.db.read(self.tenant) as work:
            for grant in await work.grants.list(user=self.world.alice.id, active=False):
                states[grant.id] = grant.state is GrantState.REVOKED
                states |= {line.id: line.state is GrantState.REVOKED for line in await work.lines.list(grant.id)}
        return states

    async def _events(self):
        found, seq = [], -1
        async with self.deps.db.read(self.tenant) as work:
            while page := await work.events.after(seq):
                found += [msgspec.json.decode(event.body) for event in page]
                seq = page[-1].seq
        return found
