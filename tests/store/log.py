"""Events, tallies and what is dropped. A part of the contract."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from remit.core.audit.tree import leaf_hash, root_of
from remit.core.names import RANDOM_BYTES, Prefix, encode_id
from remit.ports.work import EventFilter
from remit.store.columns import to_ms
from tests.store.rows import (
    A_CODE,
    ACME,
    ADMIN_GRANT,
    AGENT,
    ASKED,
    CLIENT,
    CODE,
    GRANT,
    ISSUED,
    NOW,
    REFUSED,
    SESSION,
    TOKEN,
    USER,
    WHO,
)
from tests.store.steps import AT, in_work


class Log:
    async def test_events_page_without_gaps_or_doubles_while_others_append(self, db, acme):
        for _ in range(25):
            await in_work(db, ACME, lambda work: work.events.append(ISSUED, at=NOW))
        down: list[int] = []
        before = None
        while True:
            await asyncio.gather(
                *(in_work(db, ACME, lambda work: work.events.append(ISSUED, at=NOW)) for _ in range(3))
            )
            async with db.read(ACME) as work:
                page = await work.events.page(EventFilter(), before=before, limit=4)
            if not page:
                break
            down += [event.seq for event in page]
            before = page[-1].seq
        # Starts at the newest of the moment (26 before, 3 appended by then) and ends at the first.
        assert down == list(range(28, -1, -1))
        up: list[int] = []
        async with db.read(ACME) as work:
            while page := await work.events.after(up[-1] if up else -1, limit=7):
                up += [event.seq for event in page]
        assert up == list(range(len(up)))
        assert len(up) > 29

    async def test_events_are_found_by_what_they_are_about(self, db, acme):
        async with db.work(ACME) as work:
            await work.events.append(REFUSED, at=AT)
            for wanted, count in (
                (EventFilter(), 2),
                (EventFilter(type="token.issued"), 1),
                (EventFilter(outcome="refused"), 1),
                (EventFilter(user=USER, agent=AGENT, client=CLIENT, grant=GRANT, jti="tok_1"), 1),
                (EventFilter(user=USER, outcome="refused"), 0),
                (EventFilter(since=AT), 1),
                (EventFilter(since=AT + timedelta(milliseconds=1)), 0),
                (EventFilter(agent="agt_9"), 0),
            ):
                assert len(await work.events.page(wanted)) == count, wanted

    @pytest.mark.parametrize("seconds", [-59, -1, 0, 1800])
    async def test_events_of_a_token_are_found_by_whichever_clock_they_were_written(self, db, acme, seconds):
        made = encode_id(Prefix.TOKEN, at_ms=to_ms(NOW), random=bytes([7] * RANDOM_BYTES))
        told = replace(REFUSED, who=replace(WHO, jti=made))
        async with db.work(ACME) as work:
            id_ = await work.events.append(told, at=NOW + timedelta(seconds=seconds))
            assert [event.id for event in await work.events.page(EventFilter(jti=made))] == [id_]

    async def test_an_event_lies_in_the_log_as_it_was_hashed(self, db, acme):
        async with db.read(ACME) as work:
            (event,) = await work.events.after(-1)
            ((seq, body, leaf),) = await work.audit.leaves(0)
            tree = await work.audit.tree()
        assert (seq, body, leaf) == (event.seq, event.body, leaf_hash(event.body))
        assert tree.root == root_of([leaf])
        assert msgspec.json.decode(body) == {
            "v": 1,
            "id": event.id,
            "type": "token.issued",
            "at": "2026-11-25T12:00:00.123Z",
            "tenant": ACME,
            "outcome": "ok",
            "who": {
                "actor_kind": "client",
                "actor": CLIENT,
                "user": USER,
                "agent": AGENT,
                "client": CLIENT,
                "grant": GRANT,
                "jti": "tok_1",
            },
            "what": {
                "grant_type": "refresh_token",
                "requested": ["read:calendar"],
                "scopes": ["read:calendar"],
                "removed": [],
                "expires_at": "2026-11-25T13:00:00Z",
                "replay": False,
                "details": None,
                "bound_to": None,
            },
        }

    async def test_refusals_are_told_once_a_minute_and_counted(self, db):
        async def types() -> list[tuple[str, object]]:
            async with db.read(ACME) as work:
                events = [msgspec.json.decode(event.body) for event in await work.events.after(-1)]
            return [(event["type"], event["what"].get("count")) for event in events]

        for _ in range(5):
            await in_work(db, ACME, lambda work: work.events.tally(REFUSED, reason="password", at=NOW))
            await in_work(db, ACME, lambda work: work.events.tally(ASKED, reason="tok_1", at=NOW))
        assert await types() == [("user.sign_in_refused", None), ("token.introspected", None)]
        next_minute = NOW + timedelta(minutes=1)
        await in_work(db, ACME, lambda work: work.events.tally(REFUSED, reason="password", at=next_minute))
        # A token that was asked about again was told once and that is all there is to say.
        assert (await types())[2:] == [("user.sign_in_refused", None), ("refusals.counted", 5)]
        await in_work(db, ACME, lambda work: work.events.tally(REFUSED, reason="password", at=next_minute))
        async with db.system() as system:
            await system.purge(now=NOW + timedelta(minutes=2))
            await system.purge(now=NOW + timedelta(minutes=3))
        assert (await types())[4:] == [("refusals.counted", 2)]

    async def test_usage_counts_what_was_permitted_and_denied(self, db, acme):
        async with db.work(ACME) as work:
            await work.decisions.count(GRANT, "read:calendar", permitted=True, at=NOW - timedelta(hours=1))
            await work.decisions.count(GRANT, "read:calendar", permitted=False, at=AT)
            (usage,) = await work.decisions.usage([GRANT, ADMIN_GRANT])
            assert (usage.count, usage.denied, usage.last_at) == (2, 1, AT)

    async def test_purging_drops_what_is_dead_and_nothing_else(self, db, acme):
        async with db.work(ACME) as work:
            await work.codes.add(replace(A_CODE, id="ac_2", expires_at=NOW + timedelta(days=10)))
            await work.once.claim("jti", "old", until=NOW, at=NOW)
            await work.once.claim("jti", "new", until=NOW + timedelta(days=10), at=NOW)
        async with db.system() as system:
            assert (
                await system.purge(now=NOW + timedelta(days=2)) == 7
            )  # a code, a pushed request, two devices, a refresh token, a key, an answer
            assert await system.purge(now=NOW + timedelta(days=2)) == 0
        async with db.work(ACME) as work:
            assert await work.codes.find(CODE) is None
            assert await work.codes.find("ac_2") is not None
            assert await work.refresh_tokens.find(TOKEN) is None
            assert await work.sessions.find(SESSION) is not None
            assert await work.once.claim("jti", "old", until=NOW, at=NOW)
            assert not await work.once.claim("jti", "new", until=NOW, at=NOW)
