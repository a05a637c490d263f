"""What a unit of work promises: all or nothing, on disk before the answer, never half open. A part of the contract."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from remit.core.errors import RemitError
from remit.core.names import TenantId
from remit.core.oauth.logout import LogoutNotice
from remit.ports.work import Work
from tests.store.rows import (
    A_CODE,
    A_FACTOR,
    ACME,
    CODE,
    GLOBEX,
    GRANT,
    ISSUED,
    LATER,
    LINE,
    NOW,
    USER,
)
from tests.store.steps import WRITES, Boom, in_work, seen


async def _claim(key: str, work: Work) -> bool:
    return await work.once.claim("jti", key, until=LATER, at=NOW)


class Units:
    latest_ring: float

    async def test_an_exception_undoes_everything_leaves_too(self, db, acme):
        before = await seen(db, ACME)
        with pytest.raises(Boom):
            async with db.work(ACME) as work:
                for name, step in WRITES.items():
                    if name != "tenants.turn_rights_on":
                        await step(work)
                raise Boom
        assert await seen(db, ACME) == before
        async with db.read(ACME) as work:
            assert (await work.audit.tree()).size == 1

    async def test_an_exception_of_one_work_leaves_its_neighbours_alone(self, db, acme):
        async def one(number: int) -> object:
            async with db.work(ACME) as work:
                await work.events.append(ISSUED, at=NOW)
                claimed = await work.once.claim("jti", str(number), until=LATER, at=NOW)
                if number % 3 == 0:
                    raise Boom
                return claimed

        answers = await asyncio.gather(*(one(number) for number in range(30)), return_exceptions=True)
        assert [isinstance(answer, Boom) for answer in answers] == [number % 3 == 0 for number in range(30)]
        async with db.work(ACME) as work:
            assert (await work.audit.tree()).size == 1 + 20
            for number in range(30):
                again = await work.once.claim("jti", str(number), until=LATER, at=NOW)
                assert again == (number % 3 == 0)

    async def test_the_log_is_signed_as_far_as_its_newest_checkpoint(self, db, acme):
        async with db.work(ACME) as work:
            newest = await work.audit.signed()
            assert newest == max((size for size, _ in await work.audit.checkpoints()), default=0)
            assert await work.audit.add_checkpoint(newest + 5, "note", at=NOW)
            assert await work.audit.add_checkpoint(newest + 3, "note", at=NOW)
            assert await work.audit.signed() == newest + 5
        async with db.read(GLOBEX) as work:
            assert await work.audit.signed() == max((size for size, _ in await work.audit.checkpoints()), default=0)

    async def test_a_refusal_that_returns_is_kept(self, db, acme):
        async def refuse() -> str:
            async with db.work(ACME) as work:
                await work.lines.revoke(LINE, at=NOW, reason="refresh_token_reuse")
                await work.events.append(ISSUED, at=NOW)
                return "invalid_grant"

        assert await refuse() == "invalid_grant"
        async with db.read(ACME) as work:
            assert not [line for line in await work.lines.list(GRANT) if line.state == "active"]
            assert (await work.audit.tree()).size == 2

    async def test_what_is_in_the_outbox_is_for_who_took_it_last(self, db, acme):
        async def take(now: datetime) -> tuple[LogoutNotice, ...]:
            until = now + timedelta(seconds=30)
            return await in_work(db, ACME, lambda work: work.logout_notices.take(now=now, until=until, limit=9))

        (first,) = await take(NOW)
        assert await take(NOW) == ()
        (second,) = await take(NOW + timedelta(seconds=30))
        assert (first.tries, second.tries) == (1, 2)
        async with db.work(ACME) as work:
            # Somebody who was slow has nothing to say about it any more.
            assert not await work.logout_notices.drop(first)
            assert not await work.logout_notices.postpone(first, until=NOW, counts=False)
            assert not await work.logout_notices.due(NOW + timedelta(seconds=30))
            assert await work.logout_notices.postpone(second, until=NOW, counts=False)
        (third,) = await take(NOW)
        assert third == second
        assert await in_work(db, ACME, lambda work: work.logout_notices.drop(third))

    async def test_only_the_key_that_is_shown_last_is_confirmed_and_once(self, db, acme):
        first = replace(A_FACTOR, last_step=0)
        second = replace(first, created_at=NOW + timedelta(seconds=1))
        async with db.work(ACME) as work:
            assert await work.second_factors.drop(USER)
            assert await work.second_factors.recovery_left(USER) == 0
            assert await work.second_factors.begin(first)
            assert await work.second_factors.begin(second)
            assert not await work.second_factors.spend_step(USER, 5)
            assert not await work.second_factors.confirm(first, step=5, at=LATER)
            assert await work.second_factors.confirm(second, step=5, at=LATER)
            assert not await work.second_factors.confirm(second, step=6, at=LATER)
            assert not await work.second_factors.spend_step(USER, 5)
            assert not await work.second_factors.begin(first)

    async def test_a_work_in_no_tenant_has_none(self, db):
        with pytest.raises(RemitError):
            await in_work(db, TenantId("tnt_nobody"), lambda work: work.tenants.current())

    async def test_a_reader_sees_nothing_that_is_not_committed(self, db, acme):
        async def state() -> object:
            async with db.read(ACME) as work:
                code = await work.codes.find(CODE)
                assert code is not None
                return code.state

        # The second runs when the body of the first is over and its commit has not begun.
        writing = asyncio.create_task(in_work(db, ACME, lambda work: work.codes.spend(A_CODE, at=NOW)))
        reading = asyncio.create_task(state())
        assert await reading == "live"
        assert await writing
        assert await state() == "spent"

    async def test_reading_is_only_reading(self, db, acme):
        with pytest.raises(RuntimeError, match="reading only"):
            async with db.read(ACME) as work:
                await work.once.claim("jti", "k", until=LATER, at=NOW)
        assert await in_work(db, ACME, lambda work: work.once.claim("jti", "k", until=LATER, at=NOW))

    @pytest.mark.parametrize("open_", ["work", "read"])
    async def test_a_body_that_suspends_is_an_error_and_undone(self, db, acme, open_):
        before = await seen(db, ACME)
        with pytest.raises(RuntimeError, match="never suspend"):
            async with getattr(db, open_)(ACME) as work:
                if open_ == "work":
                    await work.codes.spend(A_CODE, at=NOW)
                await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="never suspend"):
            async with getattr(db, open_)(ACME) as work:
                await asyncio.sleep(0)
                await work.codes.find(CODE)
        assert await seen(db, ACME) == before

    async def test_a_body_that_suspends_does_not_take_others_with_it(self, db, acme):
        async def bad(number: int) -> None:
            async with db.work(ACME) as work:
                await work.once.claim("bad", str(number), until=LATER, at=NOW)
                await asyncio.sleep(0)

        async def good(number: int) -> object:
            return await in_work(db, ACME, lambda work: work.once.claim("good", str(number), until=LATER, at=NOW))

        mixed = [step(number) for number in range(10) for step in (good, bad)]
        answers = await asyncio.gather(*mixed, return_exceptions=True)
        assert answers[::2] == [True] * 10
        assert [type(answer) for answer in answers[1::2]] == [RuntimeError] * 10
        assert await in_work(db, ACME, lambda work: work.once.claim("bad", "3", until=LATER, at=NOW))

    @pytest.mark.parametrize("inner", ["work", "read"])
    async def test_nothing_is_opened_inside_a_work(self, db, acme, inner):
        with pytest.raises(RuntimeError, match="inside another"):
            async with db.work(ACME) as work:
                await work.codes.spend(A_CODE, at=NOW)
                async with getattr(db, inner)(ACME):
                    pass
        assert await in_work(db, ACME, lambda work: work.codes.spend(A_CODE, at=NOW))

    async def test_a_work_that_is_over_is_over(self, db, acme):
        async with db.work(ACME) as work:
            pass
        with pytest.raises(RuntimeError, match="over"):
            await work.codes.find(CODE)

    @pytest.mark.parametrize("turns", range(6))
    async def test_a_cancelled_work_is_kept_or_not_but_never_half(self, db, acme, turns):
        async def both(number: int) -> None:
            async with db.work(ACME) as work:
                await work.once.claim("a", str(number), until=LATER, at=NOW)
                await work.events.append(ISSUED, at=NOW)
                await work.once.claim("b", str(number), until=LATER, at=NOW)

        tasks = [asyncio.create_task(both(number)) for number in range(12)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        kept = 0
        async with db.work(ACME) as work:
            for number, end in enumerate(ended):
                a = not await work.once.claim("a", str(number), until=LATER, at=NOW)
                b = not await work.once.claim("b", str(number), until=LATER, at=NOW)
                assert a == b
                assert a or isinstance(end, asyncio.CancelledError)  # nothing that was acknowledged is lost
                kept += a
            assert (await work.audit.tree()).size == 1 + kept

    async def test_a_commit_rings_the_bell(self, db, acme):
        changes = db.changes()
        await in_work(db, ACME, lambda work: work.codes.spend(A_CODE, at=NOW))
        async with asyncio.timeout(5):
            await anext(changes)
        # It may ring again for the same commit, and then no more.
        with suppress(TimeoutError):
            while True:
                async with asyncio.timeout(self.latest_ring):
                    await anext(changes)
        with pytest.raises(Boom):
            async with db.work(ACME):
                raise Boom
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(self.latest_ring):
                await anext(changes)

    async def test_closing_waits_for_works_and_refuses_new_ones(self, db, acme):
        changes = db.changes()
        running = [asyncio.create_task(in_work(db, ACME, partial(_claim, str(n)))) for n in range(600)]
        await asyncio.sleep(0)
        await db.close()
        assert [await task for task in running] == [True] * 600
        with pytest.raises(RemitError):
            await in_work(db, ACME, lambda work: work.codes.find(CODE))
        with pytest.raises(StopAsyncIteration):
            while True:
                await anext(changes)
