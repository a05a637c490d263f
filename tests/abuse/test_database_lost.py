"""DB: a database that restarts, a connection that is cut at a commit, and transactions that it takes back."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from remit.core.names import SecretKind, parse_opaque
from remit.core.tokens import RefreshState
from tests.abuse.on_postgres import instance_at
from tests.http.api.world import api_of
from tests.http.test_decisions import decision, post
from tests.kit.effort import EFFORTS
from tests.kit.flows import act_for_itself, approve, claims_of, get_tokens, introspect, redeem, refresh
from tests.kit.lines import live_tokens
from tests.kit.postgres import migrated, running
from tests.store.cut import cable_to

LINES, CODES = 6, 6
UNTIL_IT_IS_BACK = 5.0


@pytest.fixture
def own_cluster():
    """A PostgreSQL server that this test may restart."""
    with running() as started:
        yield started
        control(started, "stop")


def control(cluster, command: str) -> None:
    """Stop or restart it as a crash does."""
    owner = 65534 if os.geteuid() == 0 else None
    words = [str(cluster.tools / "pg_ctl"), command, "-D", str(cluster.folder / "data"), "-m", "immediate", "-w"]
    subprocess.run(
        words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=owner, group=owner, timeout=60
    )


@dataclass(slots=True)
class Holder:
    """A client that holds one line, and the refresh tokens that it was given."""

    given: list[str] = field(default_factory=list)
    jtis: list[str] = field(default_factory=list)


async def live_in(remit, world, line: str) -> int:
    async with remit.deps.db.read(world.tenant.id) as work:
        return await live_tokens(work, line)


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
async def test_b_db_03_a_database_that_restarts_loses_no_answer(own_cluster, tmp_path, effort):
    place = await migrated(own_cluster)
    async with instance_at(place, tmp_path) as remit:
        world = remit.acme
        async with remit.browser() as alice:
            asked: dict[str, Any] = {"browser": alice, "prompt": "consent"}
            first = [await get_tokens(remit, world, world.rival, **asked) for _ in range(LINES)]
            codes = [(await approve(remit, world, world.rival, **asked)).code for _ in range(CODES)]
        holders = [Holder([tokens["refresh_token"]], [claims_of(tokens["access_token"])["jti"]]) for tokens in first]
        lines = [claims_of(tokens["access_token"])["line_id"] for tokens in first]
        statuses: Counter[int] = Counter()
        going, back = True, asyncio.Event()

        async def refreshing(holder: Holder) -> None:
            while going:
                answer = await refresh(remit, world, world.rival, holder.given[-1])
                statuses[answer.status_code] += 1
                if answer.status_code == 200:
                    holder.given.append(answer.json()["refresh_token"])
                    holder.jtis.append(claims_of(answer.json()["access_token"])["jti"])
                await asyncio.sleep(0)

        async def issuing() -> None:
            while going:
                statuses[(await act_for_itself(remit, world, world.web)).status_code] += 1
                await asyncio.sleep(0)

        won: Counter[str] = Counter()

        async def redeeming(code: str) -> None:
            # Once it is back, so that the codes meet the next restart.
            await back.wait()
            while going:
                answer = await redeem(remit, world, world.rival, code)
                if answer.status_code == 503:
                    continue
                won[code] += answer.status_code == 200
                return

        longest = 0.0

        async def restarting() -> None:
            nonlocal going, longest
            for _ in range(effort.size(2, 15)):
                before = statuses[200]
                async with asyncio.timeout(60):
                    while statuses[200] < before + 40:
                        await asyncio.sleep(0.01)
                await asyncio.to_thread(control, own_cluster, "restart")
                began, before = time.monotonic(), statuses[200]
                while statuses[200] == before and time.monotonic() < began + 30:
                    await asyncio.sleep(0.01)
                longest = max(longest, time.monotonic() - began)
                back.set()
            going = False

        workers = [*map(refreshing, holders), *map(redeeming, codes), issuing(), issuing()]
        await asyncio.gather(restarting(), *workers)
        assert longest < UNTIL_IT_IS_BACK
        assert set(statuses) == {200, 503}
        assert max(won.values(), default=0) <= 1

        # No connection of before is still handed out.
        after = [await act_for_itself(remit, world, world.web) for _ in range(30)]
        assert {answer.status_code for answer in after} == {200}
        async with remit.deps.db.read(world.tenant.id) as work:
            for holder in holders:
                assert len(holder.given) > 1
                rows = []
                for text in holder.given:
                    opaque = parse_opaque(text, SecretKind.REFRESH)
                    assert opaque is not None
                    rows.append(await work.refresh_tokens.find(opaque.id))
                assert None not in rows, "an answer was given before its commit"
                assert {row.state for row in rows[:-1] if row is not None} <= {RefreshState.SPENT}
        assert [await live_in(remit, world, line) for line in lines] == [1] * LINES
        told = {event["who"]["jti"] for event in await every_event(remit, world) if event["type"] == "token.issued"}
        assert {jti for holder in holders for jti in holder.jtis} <= told


async def every_event(remit, world) -> list[dict]:
    found: list[dict] = []
    async with remit.deps.db.read(world.tenant.id) as work:
        seq = -1
        while page := await work.events.after(seq):
            found += [json.loads(event.body) for event in page]
            seq = page[-1].seq
    return found


def told(events: list[dict], type_: str, **what: object) -> int:
    return sum(event["type"] == type_ and what.items() <= event["what"].items() for event in events)


@pytest.fixture
async def cut(cluster, tmp_path):
    place = await migrated(cluster)
    async with cable_to(place) as (cable, ours), instance_at(ours, tmp_path) as remit:
        yield cable, remit


@pytest.mark.parametrize("after", [True, False], ids=["after the server had it", "before the server had it"])
async def test_b_db_04_a_connection_cut_at_a_commit_is_answered_503_and_done_at_most_once(cut, after):
    cable, remit = cut
    world = remit.acme
    tokens = await get_tokens(remit, world, world.rival)
    claims = claims_of(tokens["access_token"])
    code = (await approve(remit, world, world.rival, prompt="consent")).code
    api = await api_of(remit, world)
    said = claims_of((await get_tokens(remit, world, world.web))["access_token"])
    stop = {"kind": "token", "id": "t1", "reason": "INC-1"}
    asks = {
        "refresh": lambda: refresh(remit, world, world.rival, tokens["refresh_token"]),
        "redeem": lambda: redeem(remit, world, world.rival, code),
        "stop": lambda: api.post("/stops", stop, idempotency_key="k1"),
        "report": lambda: post(remit, [decision(said)], world=world),
    }
    before = await every_event(remit, world)
    again = {}
    for name, ask in asks.items():
        cable.after, cable.cut_at = after, b"\x0bcommit\x00"
        answer = await ask()
        assert answer.status_code == 503, (name, answer.text)
        assert int(answer.headers["retry-after"]) >= 1
        again[name] = await ask()
    assert cable.cuts == len(asks)

    assert again["refresh"].status_code == 200
    # Whether a code is spent nobody knows; shown again, a spent one proves that it leaked.
    assert again["redeem"].status_code == (400 if after else 200)
    assert again["stop"].status_code == 201
    assert again["report"].json() == {"accepted": int(not after)}
    new = (await every_event(remit, world))[len(before) :]
    assert told(new, "token.issued", grant_type="refresh_token", replay=False) == 1
    assert told(new, "token.issued", grant_type="authorization_code") == 1
    assert told(new, "stop.placed") == 1
    assert told(new, "decision.permit") == 1
    async with remit.deps.db.read(world.tenant.id) as work:
        (usage,) = await work.decisions.usage([said["grant_id"]])
    assert usage.count == 1
    assert await live_in(remit, world, claims["line_id"]) == 1
    renewed = await refresh(remit, world, world.rival, again["refresh"].json()["refresh_token"])
    assert renewed.status_code == 200


FLAKY = """
create sequence flaky;
create function fail_some() returns trigger language plpgsql security definer as $$
begin
  if nextval('public.flaky') % 5 = 0 then
    raise exception 'could not serialize access' using errcode = '40001';
  end if;
  return new;
end $$;
create trigger flaky before insert on event for each row execute function fail_some()
"""


async def test_b_db_04_a_transaction_that_is_taken_back_is_answered_503_and_doubles_nothing(cluster, tmp_path):
    place = await migrated(cluster)
    async with instance_at(place, tmp_path) as remit, cluster.superuser(place.database) as root:
        world = remit.acme
        tokens = await get_tokens(remit, world, world.rival)
        said = claims_of((await get_tokens(remit, world, world.web))["access_token"])
        before = len(await every_event(remit, world))
        await root.execute(FLAKY)
        newest, statuses = tokens["refresh_token"], Counter[int]()
        while statuses[200] < 40:
            answer = await refresh(remit, world, world.rival, newest)
            statuses[answer.status_code] += 1
            if answer.status_code == 200:
                newest = answer.json()["refresh_token"]
            number = statuses.total()
            reported = await post(remit, [decision(said, id=f"d{number}")], world=world)
            while reported.status_code == 503:
                reported = await post(remit, [decision(said, id=f"d{number}")], world=world)
            assert reported.json() == {"accepted": 1}
        assert statuses.keys() == {200, 503}
        await root.execute("drop trigger flaky on event")
        new = (await every_event(remit, world))[before:]
        assert told(new, "token.issued", grant_type="refresh_token", replay=False) == 40
        assert told(new, "decision.permit") == statuses.total()
        async with remit.deps.db.read(world.tenant.id) as work:
            (usage,) = await work.decisions.usage([said["grant_id"]])
        assert usage.count == statuses.total()
        assert await live_in(remit, world, claims_of(tokens["access_token"])["line_id"]) == 1
        renewed = await refresh(remit, world, world.rival, newest)
        assert (await introspect(remit, world, renewed.json()["access_token"]))["active"] is True
