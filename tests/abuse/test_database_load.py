"""DB: many who write at once, and callers who take their time."""

from __future__ import annotations

import asyncio
import base64
import re
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from remit.opening import open_deps
from remit.settings import load
from remit.store.sqlite import SqliteDatabase
from tests.abuse.on_postgres import instance_at
from tests.flows.client import Browser, Party, Tokens
from tests.kit.effort import EFFORTS
from tests.kit.flows import act_for_itself, get_tokens, introspect, redeem, refresh, revoke
from tests.kit.postgres import migrated

LINES = 10


@dataclass(slots=True)
class Answers:
    """Every answer, with the seconds that it took."""

    statuses: list[tuple[str, int]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    async def of(self, what: str, asked: Awaitable[httpx.Response]) -> httpx.Response:
        began = time.monotonic()
        answer = await asked
        self.seconds.append(time.monotonic() - began)
        self.statuses.append((what, answer.status_code))
        return answer

    def slowest(self, share: float) -> float:
        return sorted(self.seconds)[int(len(self.seconds) * share)]


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
async def test_b_db_01_fifty_who_write_at_once_and_a_second_process_are_all_served(server, acme, effort):
    deadline = time.monotonic() + effort.size(3, 90)
    token, conf = acme["token_endpoint"], acme["clients"]["conf1"]
    resource = acme["resources"]["R1"]
    lines: list[tuple[Party, Tokens]] = []
    with Browser() as alice:
        for _ in range(LINES):
            party = Party(acme)
            back = alice.allow(party.request("offline_access read:calendar", prompt="consent"))
            lines.append((party, party.redeem(back)))
    answers = Answers()

    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=60)) as http:

        async def refreshing(party: Party, tokens: Tokens) -> None:
            while time.monotonic() < deadline:
                sent = http.post(token, data=party.refresh_fields(tokens.refresh))
                tokens = Tokens.read(await answers.of("refresh", sent))

        async def others(number: int) -> None:
            proof = (conf["client_id"], conf["client_secret"])
            about = (resource["client_id"], resource["client_secret"])
            while time.monotonic() < deadline:
                sent = http.post(token, data={"grant_type": "client_credentials"}, auth=proof)
                access = (await answers.of("issue", sent)).json()["access_token"]
                fields = lines[number % LINES][0].code_fields("http://127.0.0.1/cb?code=rmt_ac_x.y")
                await answers.of("redeem", http.post(token, data=fields))
                await answers.of(
                    "introspect", http.post(acme["introspection_endpoint"], data={"token": access}, auth=about)
                )
                await answers.of(
                    "revoke", http.post(f"{acme['issuer']}/oauth/revoke", data={"token": access}, auth=proof)
                )

        commands = 0

        async def housekeeping() -> None:
            """Another process is an operator, and removes what is past its use."""
            nonlocal commands
            flags = {"data.dir": server.data, "server.base_url": server.base}
            async with open_deps(load(environ={}, flags=flags, cwd=server.data), create=False) as deps:
                while time.monotonic() < deadline:
                    async with deps.db.system() as system:
                        await system.purge(now=deps.clock.now())
                    words = ["users", "create", f"u{commands}@example.com", "--name", "U", "--tenant", "acme"]
                    done = await asyncio.to_thread(server.remit, *words)
                    assert done.returncode == 0, done.stderr
                    commands += 1

        await asyncio.gather(
            *(refreshing(*line) for line in lines), *(others(number) for number in range(40)), housekeeping()
        )
    assert commands >= 1
    wanted = {"refresh": {200}, "issue": {200}, "redeem": {400}, "introspect": {200}, "revoke": {200}}
    assert [seen for seen in answers.statuses if seen[1] not in wanted[seen[0]]] == []
    assert {what for what, _ in answers.statuses} == wanted.keys()
    # Fifty callers in one process wait for each other more than for the server, so its own word counts for the bound;
    # theirs says that nobody waited for a lock.
    took = took_by(server)
    assert len(took) >= len(answers.seconds)
    assert took[int(len(took) * 0.99)] < 500, f"milliseconds, of {len(took)}"
    assert answers.slowest(0.99) < 4, f"seconds, of {len(answers.seconds)}"
    log = server.log.read_text("utf-8")
    assert "store.unavailable" not in log
    assert "request.failed" not in log
    assert server.verify("acme").returncode == 0


def took_by(server: Any) -> list[float]:
    """Return how many milliseconds the server spent on each request, by its log, the shortest first."""
    return sorted(float(ms) for ms in re.findall(r'"ms": ?([0-9.]+)', server.log.read_text("utf-8")))


async def test_b_db_01_every_transaction_that_writes_begins_as_a_writer(remit):
    world, db = remit.acme, remit.deps.db
    assert isinstance(db, SqliteDatabase)
    begun: dict[str, set[str]] = {"writer": set(), "reader": set()}

    def watch(name: str):
        def traced(_: object, sql: str, __: object) -> bool:
            if sql.lstrip().lower().startswith("begin"):
                begun[name].add(sql)
            return True

        return traced

    db._writer.apsw.exec_trace = watch("writer")
    db._reading.apsw.exec_trace = watch("reader")
    tokens = await get_tokens(remit, world, world.web)
    renewed = await refresh(remit, world, world.web, tokens["refresh_token"])
    assert (await introspect(remit, world, renewed.json()["access_token"]))["active"] is True
    assert (await revoke(remit, world, world.web, renewed.json()["refresh_token"])).status_code == 200
    async with db.system() as system:
        await system.purge(now=remit.clock.now())
    assert begun == {"writer": {"begin immediate"}, "reader": {"begin"}}
    # What begins as a reader cannot become a writer.
    assert db._reading.apsw.execute("pragma query_only").fetchall() == [(1,)]


SLOW = {
    "a body that never ends": ("POST", "/oauth/token", False),
    "an answer that nobody takes": ("GET", "/oauth/jwks", True),
    "a token answer that nobody takes": ("POST", "/oauth/token", True),
    "a feed that stays open": ("GET", "/feed", True),
}


@pytest.fixture
async def narrow(cluster, tmp_path):
    """An instance that may have two connections to its database at once."""
    place = replace(await migrated(cluster), connections=2)
    async with instance_at(place, tmp_path) as remit, cluster.superuser(place.database) as root:
        yield remit, root


@pytest.mark.parametrize(("method", "path", "whole"), SLOW.values(), ids=SLOW)
async def test_b_db_02_nobody_who_waits_on_the_network_holds_a_connection(narrow, method, path, whole):
    remit, root = narrow
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web)
    who = (world.web.id, world.web_secret) if path != "/feed" else (world.calendar.id, world.calendar_secret)
    proof = base64.b64encode(f"{who[0]}:{who[1].reveal()}".encode())
    body = b"grant_type=client_credentials"
    headers = [(b"authorization", b"Basic " + proof), (b"content-type", b"application/x-www-form-urlencoded")]
    target = f"/t/acme{path}"
    scope = {
        "type": "http",
        "method": method,
        "path": target,
        "raw_path": target.encode(),
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("id.example", 443),
        "scheme": "https",
        "http_version": "1.1",
        "asgi": {"version": "3.0"},
        "root_path": "",
    }
    waiting, sent = asyncio.Semaphore(0), list[int]()

    async def hang() -> None:
        first = True

        async def receive():
            nonlocal first
            if first:
                first = False
                return {"type": "http.request", "body": body if whole else body[:5], "more_body": not whole}
            if not whole:
                waiting.release()
            return await asyncio.Event().wait()

        async def send(message):
            sent.append(message["status"])
            waiting.release()
            await asyncio.Event().wait()

        await remit.app(dict(scope), receive, send)

    async with remit.listening():
        hanging = [asyncio.create_task(hang()) for _ in range(200)]
        try:
            async with asyncio.timeout(60):
                for _ in hanging:
                    await waiting.acquire()
            # Nobody was turned away: all of them wait at once.
            assert sent == ([200] * len(hanging) if whole else [])
            async with asyncio.timeout(20):
                renewed = await refresh(remit, world, world.web, tokens["refresh_token"])
                assert renewed.status_code == 200
                assert (await act_for_itself(remit, world, world.web)).status_code == 200
                assert (await revoke(remit, world, world.web, renewed.json()["refresh_token"])).status_code == 200
                assert await remit.deps.db.schema_is_current()
            idle = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in%'"
            assert await root.fetchval(idle) == 0
            assert not any(task.done() for task in hanging)
        finally:
            for task in hanging:
                task.cancel()
            await asyncio.gather(*hanging, return_exceptions=True)
    assert (await redeem(remit, world, world.web, "rmt_ac_x.y")).status_code == 400
