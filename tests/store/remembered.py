"""What a node remembers between works is what the database holds, whoever changed it. A part of the contract."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from functools import partial

import pytest

from remit.core.agents import AgentState
from remit.core.clients import Party
from remit.core.names import TenantId
from remit.ports.work import Database, Work
from remit.store.recall import OLDEST_SECONDS
from tests.store.rows import (
    A_CLIENT,
    A_REMIT,
    ACME,
    AN_AGENT,
    CLIENT,
    GLOBEX,
    RESOURCE,
    TARGET,
    USER,
    furnish,
)
from tests.store.steps import LOOKS, WRITES, Boom, Look, in_work

REMEMBERED: dict[str, Look] = LOOKS | {
    "tenants.current": lambda work: work.tenants.current(),
    "clients.party": lambda work: work.clients.party(CLIENT),
    "users.rights": lambda work: work.users.rights(USER, RESOURCE),
    "stops.on two": lambda work: work.stops.on([TARGET, TARGET._replace(id="agt_2")]),
}


LEAVE_VERDICTS = {
    "replies.keep",
    "credentials.used",
    "readings.put",
    "lines.revoke",
    "codes.spend",
    "second_factors.spend_step",
    "second_factors.spend_recovery",
    "second_factors.drop",
    "logout_notices.take",
    "logout_notices.drop",
    "logout_notices.postpone",
    "pushed.drop",
    "devices.pace",
    "devices.approve",
    "devices.deny",
    "devices.spend",
    "refresh_tokens.spend",
    "sessions.touch",
    "sessions.end",
    "once.claim",
    "decisions.fresh",
    "events.append",
    "audit.add_checkpoint",
}
"""Writes that are no change of what is remembered. Whoever believes a verdict looks at lines and sessions himself."""


async def told(db: Database, tenant: TenantId) -> dict[str, object]:
    """What a work sees, and what a reader sees, which is the same between works."""
    async with db.read(tenant) as work:
        read = {name: await look(work) for name, look in REMEMBERED.items()}
    assert await in_work(db, tenant, _all) == read
    return read


async def _all(work: Work) -> dict[str, object]:
    return {name: await look(work) for name, look in REMEMBERED.items()}


class Remembered:
    @pytest.mark.parametrize("name", WRITES)
    async def test_a_change_on_another_node_is_seen_at_once(self, db, acme, elsewhere, name):
        """Both nodes have asked for everything, so that both remember it."""
        async with elsewhere() as other, elsewhere() as stranger:
            assert await told(db, ACME) == await told(other, ACME)
            await in_work(other, ACME, WRITES[name])
            assert await told(db, ACME) == await told(other, ACME) == await told(stranger, ACME)

    @pytest.mark.parametrize("name", WRITES)
    async def test_what_was_rolled_back_is_not_remembered(self, db, acme, elsewhere, name):
        async def change_look_and_fail(work: Work) -> None:
            await WRITES[name](work)
            await _all(work)
            raise Boom

        before = await told(db, ACME)
        with pytest.raises(Boom):
            await in_work(db, ACME, change_look_and_fail)
        assert await told(db, ACME) == before

    @pytest.mark.parametrize("before", [None, "users.set_password", "stops.lift"])
    @pytest.mark.parametrize("name", WRITES)
    async def test_a_work_sees_its_own_change(self, db, acme, elsewhere, name, before):
        """Also where it is not its first one, and was looked past before."""

        async def change_and_look(work: Work) -> dict[str, object]:
            await _all(work)
            if before is not None:
                await WRITES[before](work)
                await _all(work)
            await WRITES[name](work)
            return await _all(work)

        inside = await in_work(db, ACME, change_and_look)
        async with elsewhere() as stranger:
            assert inside == await told(stranger, ACME)

    async def test_what_is_remembered_of_one_tenant_says_nothing_about_another(self, db, acme):
        await told(db, ACME)
        assert await in_work(db, GLOBEX, lambda work: work.clients.party(CLIENT)) is None
        await in_work(db, GLOBEX, furnish)
        party = Party(client=A_CLIENT, agent=AN_AGENT, remit=A_REMIT)
        assert await in_work(db, GLOBEX, lambda work: work.clients.party(CLIENT)) == party

    @pytest.mark.parametrize("seed", range(4))
    async def test_any_history_on_two_nodes(self, db, acme, elsewhere, seed):
        """Changes here and there, some undone, with and without looking in between."""
        chance = random.Random(seed)
        async with elsewhere() as other:
            for _ in range(12):
                for name in chance.sample([*WRITES], chance.randint(1, 3)):
                    with suppress(Boom):
                        await in_work(chance.choice([db, other]), ACME, partial(_do, name, fails=chance.random() < 0.3))
                node = chance.choice([db, other])
                async with elsewhere() as stranger:
                    assert await told(node, ACME) == await told(stranger, ACME)

    @pytest.mark.parametrize("name", WRITES)
    async def test_a_verdict_ends_with_any_change_that_it_could_rest_on(self, db, acme, elsewhere, name):
        """A verdict of a reader and one of a writer, and the change on another node."""
        async with elsewhere() as other:
            async with db.read(ACME) as work:
                assert await work.verdicts.find("t") is None
                work.verdicts.keep("t", "live")
            await in_work(db, ACME, partial(_judge, "u"))
            await in_work(other, ACME, WRITES[name])
            left = "live" if name in LEAVE_VERDICTS else None
            for token in ("t", "u"):
                assert await in_work(db, ACME, partial(_verdict, token)) == left
            assert await in_work(db, GLOBEX, partial(_verdict, "t")) is None

    @pytest.mark.parametrize("name", WRITES)
    async def test_a_work_believes_no_verdict_from_before_its_own_change(self, db, acme, name):
        async def change_and_judge(work: Work) -> object:
            await _judge("t", work)
            await WRITES[name](work)
            found = await work.verdicts.find("t")
            await work.tenants.epoch()
            work.verdicts.keep("u", "live")
            return found

        left = "live" if name in LEAVE_VERDICTS else None
        assert await in_work(db, ACME, change_and_judge) == left
        # Not even what it concluded after its change is kept: it may change more, at the same stamp.
        assert await in_work(db, ACME, partial(_verdict, "u")) == left

    async def test_a_verdict_is_as_old_as_what_it_rests_on(self, db, acme, monkeypatch):
        now = [time.monotonic()]
        monkeypatch.setattr(db.recall, "_now", lambda: now[0])
        await in_work(db, ACME, _agent_state)
        now[0] += OLDEST_SECONDS - 1
        await in_work(db, ACME, _judge_by_the_party)
        assert await in_work(db, ACME, partial(_verdict, "t")) == "live"
        now[0] += 2
        assert await in_work(db, ACME, partial(_verdict, "t")) is None

    async def test_what_was_changed_by_hand_is_felt_when_it_is_old(self, db, acme, by_hand, monkeypatch):
        assert await in_work(db, ACME, _agent_state) == AgentState.ACTIVE
        await by_hand("update agent set state = 'retired'")
        later = time.monotonic() + OLDEST_SECONDS + 1
        monkeypatch.setattr(db.recall, "_now", lambda: later)
        assert await in_work(db, ACME, _agent_state) == AgentState.RETIRED


async def _do(name: str, work: Work, *, fails: bool) -> None:
    await WRITES[name](work)
    if fails:
        raise Boom


async def _judge(token: str, work: Work) -> None:
    await work.verdicts.find(token)
    work.verdicts.keep(token, "live")


async def _verdict(token: str, work: Work) -> object | None:
    return await work.verdicts.find(token)


async def _judge_by_the_party(work: Work) -> None:
    await work.verdicts.find("t")
    await _agent_state(work)
    work.verdicts.keep("t", "live")


async def _agent_state(work: Work) -> AgentState:
    party = await work.clients.party(CLIENT)
    assert party is not None
    return party.agent.state
