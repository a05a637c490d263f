"""Fifty at once redeem one secret, again and again: on SQLite, on PostgreSQL, and on PostgreSQL from two nodes."""

from __future__ import annotations

import asyncio
import functools
import operator
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

import pytest

from remit.core.grants import Code, CodeState, Grant, GrantState, Line
from remit.core.names import GrantId, LineId, Prefix, SecretKind, SessionId
from remit.core.oauth.pkce import challenge_of
from remit.ports.deps import Deps
from remit.services.audit_log import Verified, verify_audit
from tests.kit.clock import NOW, FixedClock
from tests.kit.effort import EFFORTS
from tests.kit.flows import VERIFIER
from tests.kit.instance import deps_on
from tests.kit.lines import live_tokens
from tests.kit.postgres import migrated
from tests.kit.world import LOOPBACK, World, seed
from tests.races.node import Course, new_link, open_store, running

RACERS = 50
TOGETHER = 10
"""Secrets that are raced for in one heat, so that races cross each other too."""

SCOPES = frozenset({"read:calendar", "write:calendar"})
COURSES = {"SQLite": 1, "PostgreSQL, one node": 1, "PostgreSQL, two nodes": 2}
"""Stores, and how many processes redeem there."""

GRANT_TYPES = ("authorization_code", "refresh_token")

SIZES = {
    ("SQLite", "by the service"): (20, 10_000),
    ("SQLite", "at the store"): (20, 10_000),
    # One database on this machine serves a hundred such requests in the time of a thousand on the file, so here the
    # service runs in part of the trials, and the statement that decides in all of them.
    **{(name, "by the service"): (5, 500) for name in COURSES if name != "SQLite"},
    **{(name, "at the store"): (15, 10_000) for name in COURSES if name != "SQLite"},
}
"""How many secrets are raced for: in a short run, and in a long one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The store of a race as the test itself holds it open, and what the nodes are told about it."""

    name: str
    course: Course
    deps: Deps
    runner: asyncio.Runner

    @property
    def world(self) -> World:
        return self.course.world


@pytest.fixture
def stage(request, tmp_path):
    """A store with a tenant in it. PostgreSQL is started only for who asks."""
    name = request.param
    cluster = None if name == "SQLite" else request.getfixturevalue("cluster")
    with asyncio.Runner() as runner:
        store = tmp_path / "remit.db" if cluster is None else runner.run(migrated(cluster))
        db = runner.run(open_store(store))
        deps = deps_on(db, FixedClock())
        course = Course(store=store, world=runner.run(seed(deps, "acme")))
        yield Stage(name=name, course=course, deps=deps, runner=runner)
        runner.run(db.close())


async def hand_out(deps: Deps, world: World, grant_type: str, count: int) -> list[str]:
    """Approve so many lines, and return the secret of each: a code, or a refresh token."""
    secrets = []
    async with deps.db.work(world.tenant.id) as work:
        grant = await work.grants.of_user(world.alice.id, world.local.id, world.calendar.id)
        if grant is None:
            grant = _grant(deps, world)
            await work.grants.add(grant)
        for _ in range(count):
            line = _line(deps, world, grant)
            await work.lines.add(line)
            if grant_type == "refresh_token":
                opaque, token = new_link(line.id, deps)
                await work.refresh_tokens.add(token)
            else:
                opaque = deps.fresh.opaque(SecretKind.CODE)
                await work.codes.add(_code(opaque.id, deps.digester.digest(opaque), line))
            secrets.append(opaque.text().reveal())
    return secrets


def _grant(deps: Deps, world: World) -> Grant:
    return Grant(
        id=GrantId(deps.fresh.id(Prefix.GRANT)),
        user=world.alice.id,
        agent=world.agent.id,
        client=world.local.id,
        resource=world.calendar.id,
        scopes=SCOPES,
        purpose=world.agent.purpose,
        approver=world.alice.id,
        state=GrantState.ACTIVE,
        created_at=NOW,
        expires_at=None,
    )


def _line(deps: Deps, world: World, grant: Grant) -> Line:
    return Line(
        id=LineId(deps.fresh.id(Prefix.LINE)),
        grant=grant.id,
        user=world.alice.id,
        agent=world.agent.id,
        client=world.local.id,
        client_version=world.local.version,
        redirect_uri=LOOPBACK,
        resource=world.calendar.id,
        scopes=SCOPES,
        session=SessionId("ses_1"),
        while_away=True,
        state=GrantState.ACTIVE,
        created_at=NOW,
        expires_at=NOW + timedelta(days=30),
    )


def _code(id: str, digest: bytes, line: Line) -> Code:
    return Code(
        id=id,
        digest=digest,
        line=line.id,
        client=line.client,
        redirect_uri=line.redirect_uri,
        redirect_sent=False,
        challenge=challenge_of(VERIFIER),
        nonce=None,
        auth_time=NOW,
        amr=("pwd",),
        state=CodeState.LIVE,
        expires_at=NOW + timedelta(seconds=60),
    )


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
@pytest.mark.parametrize("grant_type", GRANT_TYPES)
@pytest.mark.parametrize(("stage", "layer"), list(SIZES), indirect=["stage"])
def test_nothing_is_redeemed_twice(stage, layer, grant_type, effort, tmp_path, capsys):
    trials, began = effort.size(*SIZES[stage.name, layer]), time.monotonic()
    served, double = 0, 0
    refused: Counter[str] = Counter()
    with running(stage.course, tmp_path, COURSES[stage.name]) as nodes:
        for start in range(0, trials, TOGETHER):
            count = min(TOGETHER, trials - start)
            secrets = stage.runner.run(hand_out(stage.deps, stage.world, grant_type, count))
            for number, node in enumerate(nodes):
                node.start(layer, grant_type, secrets, RACERS // len(nodes) + (number < RACERS % len(nodes)))
            for heats in zip(*[node.finish() for node in nodes], strict=True):
                heat = functools.reduce(operator.or_, heats)
                assert heat.served + heat.refused.total() == RACERS
                served, refused = served + heat.served, refused + heat.refused
                # The service repeats a lost answer, so many are served there with the one successor.
                repeats = grant_type == "refresh_token" and layer == "by the service"
                successes = len(heat.successors) if repeats else heat.served
                assert successes >= 1, "everybody lost"
                double += successes > 1
    with capsys.disabled():
        print(
            f"\n{grant_type} {layer} on {stage.name}: {trials} x {RACERS} at once, {served} served, "
            f"{refused.total()} refused, {double} double successes, {time.monotonic() - began:.0f} s"
        )
    assert double == 0
    stage.runner.run(look(stage, layer, grant_type, trials))


async def look(stage: Stage, layer: str, grant_type: str, trials: int) -> None:
    """Look at what the races left: families with one living token or none, and a log that holds."""
    leaked = grant_type == "authorization_code" and layer == "by the service"
    world = stage.world
    async with stage.deps.db.read(world.tenant.id) as work:
        grant = await work.grants.of_user(world.alice.id, world.local.id, world.calendar.id)
        assert grant is not None
        lines = await work.lines.list(grant.id)
        assert len(lines) == trials
        # A second redemption with the right verifier means that two hold both, so the line is over (OA-11). Who lost a
        # refresh got the same successor, so nobody leaked anything.
        assert {line.state for line in lines} == {GrantState.REVOKED if leaked else GrantState.ACTIVE}
        for line in lines:
            assert await live_tokens(work, line.id) == (grant_type == "refresh_token")
    verified = await verify_audit(world.tenant.id, stage.deps)
    assert isinstance(verified, Verified)
    assert verified.report.sound, verified.faults
