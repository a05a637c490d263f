"""What went in comes out, in its own tenant only, and one-time things are won once. A part of the contract."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import get_type_hints

import pytest

from remit.core.tokens import RefreshState
from remit.ports.work import Work
from tests.store.rows import (
    A_TOKEN,
    ACME,
    GLOBEX,
    NOW,
    furnish,
)
from tests.store.steps import EXPECTED, LOOKS, ONE_TIME, WRITES, in_work, seen


async def fresh(db, tenant):
    """What a tenant is like in the database: somebody else's change would leave what is remembered as it was."""
    db.recall.clear()
    return await seen(db, tenant)


class Wall:
    @pytest.mark.parametrize("name", EXPECTED)
    async def test_what_went_in_comes_out(self, db, acme, name):
        look, expected = EXPECTED[name]
        assert await in_work(db, ACME, look) == expected
        async with db.read(ACME) as work:
            assert await look(work) == expected

    @pytest.mark.parametrize("name", [name for name in LOOKS if name != "tenants.epoch"])
    async def test_a_row_of_one_tenant_is_invisible_to_another(self, db, acme, name):
        assert await in_work(db, ACME, LOOKS[name])
        assert not await in_work(db, GLOBEX, LOOKS[name])

    @pytest.mark.parametrize("name", WRITES)
    async def test_a_write_of_one_tenant_leaves_another_as_it_was(self, db, acme, name):
        before = await fresh(db, ACME)
        stranger = await in_work(db, GLOBEX, WRITES[name])
        assert await fresh(db, ACME) == before
        if name in ONE_TIME and name not in {"once.claim", "audit.add_checkpoint"}:
            assert stranger is False
        else:
            assert stranger in (None, True, frozenset({"d"})) or str(stranger).startswith("evt_")

    def test_every_repository_is_behind_the_wall(self):
        tried = {name.split(".")[0] for name in LOOKS} & {name.split(".")[0] for name in WRITES}
        readable = {name.split(".")[0] for name in LOOKS | WRITES}
        # Verdicts lie in no table; that no tenant finds another one's is a part of what `Remembered` proves.
        repositories = set(get_type_hints(Work)) - {"verdicts"}
        assert repositories == readable
        assert repositories - tried == {"once"}  # there is nothing to read

    async def test_two_tenants_may_hold_equal_ids_and_names(self, db, acme):
        await in_work(db, GLOBEX, furnish)
        ours, theirs = await seen(db, ACME), await seen(db, GLOBEX)
        assert {name for name in ours if ours[name] != theirs[name]} == {
            # Only what names its tenant or its own id differs.
            *("events.after", "events.page", "events.get", "audit.leaves"),
        }

    async def test_no_write_touches_equal_ids_of_another_tenant(self, db, acme):
        await in_work(db, GLOBEX, furnish)
        theirs = await fresh(db, GLOBEX)
        assert {name: theirs[name] for name in EXPECTED} == {name: expected for name, (_, expected) in EXPECTED.items()}
        for write in WRITES.values():
            await in_work(db, ACME, write)
        assert await fresh(db, GLOBEX) == theirs

    async def test_a_successor_is_looked_for_in_its_own_tenant(self, db, acme):
        await in_work(db, GLOBEX, furnish)
        successor = replace(A_TOKEN, id="rt_2")
        for tenant in (ACME, GLOBEX):
            await in_work(db, tenant, lambda work: work.refresh_tokens.add(successor))
            await in_work(db, tenant, WRITES["refresh_tokens.spend"])
        for spender, expected in ((ACME, RefreshState.LIVE), (GLOBEX, RefreshState.SPENT)):
            assert await in_work(
                db,
                spender,
                lambda work: work.refresh_tokens.spend(successor, successor="rt_3", sealed=b"s", at=NOW),
            )
            found = await in_work(db, GLOBEX, lambda work: work.refresh_tokens.find(A_TOKEN.id))
            assert found is not None
            assert found.successor_state is expected

    @pytest.mark.parametrize("name", ONE_TIME)
    async def test_of_eight_racers_one_wins(self, db, acme, name):
        answers = await asyncio.gather(*(in_work(db, ACME, ONE_TIME[name]) for _ in range(8)))
        assert sorted(map(bool, answers)) == [False] * 7 + [True]

    async def test_of_eight_reports_with_one_id_one_is_new(self, db, acme):
        reports = (in_work(db, ACME, lambda work: work.decisions.fresh(["d1"], at=NOW)) for _ in range(8))
        assert sorted(map(len, await asyncio.gather(*reports))) == [0] * 7 + [1]
