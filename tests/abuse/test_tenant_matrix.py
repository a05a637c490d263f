"""The wall between tenants, at every route there is and for every kind of id and secret that one takes.

What belongs to another tenant answers as what does not exist: the same words, the same work, nothing changed over
there, and its event where it was tried. The rows are compared with the routing table, so that no route goes without.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from typing import Any

import httpx
import pytest
from starlette.routing import Route

from remit.app import ANY, routes
from remit.store.sqlite import SqliteDatabase
from tests.abuse.ask import Ask
from tests.abuse.asks import ASKS, ROWS
from tests.abuse.walled import furnish, stored, unknown
from tests.kit.instance import Remit, instance


def mounted() -> set[str]:
    """Name every route of the application."""
    found = set()
    for route in routes():
        assert isinstance(route, Route)
        # Endpoints without a framework around them answer every method themselves.
        methods = set(route.methods or ANY) - {"HEAD"}
        found |= {f"ANY {route.path}"} if methods == set(ANY) else {f"{method} {route.path}" for method in methods}
    return found


@pytest.fixture(scope="session")
def furnished(tmp_path_factory):
    """An instance in which two tenants have one of everything each."""
    folder = tmp_path_factory.mktemp("furnished") / "one"
    folder.mkdir()

    async def make() -> Any:
        async with instance(folder) as remit:
            ours = await furnish(remit, remit.acme)
            theirs = await furnish(remit, remit.globex)
            worlds = remit.worlds
        return (shutil.copyfile(folder / "remit.db", folder / "furnished.db"), worlds), ours, theirs

    return asyncio.run(make())


def test_every_route_has_its_row():
    assert set(ROWS) == mounted()


PARAMETERS = {name: set(re.findall(r"\{([a-z]+)\}", name)) for name in ROWS}


def test_every_id_in_a_path_is_tried():
    for name, parameters in PARAMETERS.items():
        tried = {kind for ask in ROWS[name] for kind in ask.slots(name.partition(" ")[2])}
        assert parameters <= tried | {"name"}, name


VOLATILE = [
    (re.compile(r"\b(req|stp|cli|agt|evt)_[0-9a-z]{26}\b"), r"\1"),
    (re.compile(r'"epoch":\d+'), '"epoch"'),
    (re.compile(r'(name="(?:csrf|ix)" value=")[^"]*'), r"\1"),
    (re.compile(r"(__Host-remit_acme(?:\.b)?=)[^;]*"), r"\1"),
    (re.compile(r"ix=[A-Za-z0-9_-]+"), "ix="),
]
LEFT_OUT = {"x-request-id", "content-length"}


def told(answer: httpx.Response, *values: str) -> tuple[int, str, str]:
    """Return all that an answer tells, but for what names the request and what was asked for."""
    text, head = answer.text, repr(sorted(pair for pair in answer.headers.multi_items() if pair[0] not in LEFT_OUT))
    for value in values:
        text, head = text.replace(value, "ASKED"), head.replace(value, "ASKED")
    for pattern, instead in VOLATILE:
        text, head = pattern.sub(instead, text), pattern.sub(instead, head)
    return answer.status_code, head, text


class Marks:
    """What a tenant's log and counters hold."""

    def __init__(self, remit: Remit) -> None:
        self._remit = remit
        self._before: tuple[int, int] = (0, 0)

    async def look(self) -> list[str]:
        """Return what came since the last look: the types of events, or what was counted."""
        events = await self._remit.events(self._remit.acme)
        tally = stored(self._remit.folder / "remit.db", self._remit.acme.tenant.id)["event_tally"]
        counted = sum(int(row[-1]) for row in tally)
        before, self._before = self._before, (len(events), counted)
        if counted > before[1]:
            return ["counted"] * (counted - before[1])
        return [event["type"] for event in events[before[0] :]]


class Work:
    """Counts the statements that the database ran."""

    def __init__(self, remit: Remit) -> None:
        self.count = 0
        db = remit.deps.db
        assert isinstance(db, SqliteDatabase)
        for connection in (db._writer.apsw, db._reading.apsw):
            connection.exec_trace = self._ran

    def _ran(self, *_: object) -> bool:
        self.count += 1
        return True

    def look(self) -> int:
        ran, self.count = self.count, 0
        return ran


@pytest.mark.parametrize(("name", "ask"), ASKS, ids=[f"{name} {number}" for number, (name, _) in enumerate(ASKS)])
async def test_b_ten_01_what_is_another_tenants_answers_as_what_does_not_exist(
    furnished, tmp_path, name: str, ask: Ask
):
    like, ours, theirs = furnished
    path = name.partition(" ")[2]
    async with instance(tmp_path, like=like) as remit:
        issuer, marks, work = remit.acme.issuer, Marks(remit), Work(remit)
        good, foreign = ask.fitted(ours), ask.fitted(theirs)
        nobodys, others = unknown(remit, foreign), unknown(remit, foreign)
        over_there = stored(tmp_path / "remit.db", remit.globex.tenant.id)

        async def tried(kind: str, value: str) -> tuple[tuple[int, str, str], list[str], int]:
            await marks.look()
            work.look()
            answer = await ask.send(remit.http, issuer, path, {**good, kind: value})
            ran = work.look()
            assert answer.status_code < 500, answer.text
            return told(answer, value), await marks.look(), ran

        refusals = []
        for kind in ask.slots(path):
            # The first of its kind fills caches and opens the counter of its minute; then like is compared with like.
            await tried(kind, others[kind])
            unheard_of, elsewhere = await tried(kind, nobodys[kind]), await tried(kind, foreign[kind])
            assert elsewhere == unheard_of, f"{kind} of another tenant is not like an unknown one"
            (status, _, _), marked, _ = elsewhere
            assert marked or status < 400, f"{kind}: refused, and nobody will know"
            refusals.append(elsewhere[0])
        assert stored(tmp_path / "remit.db", remit.globex.tenant.id) == over_there
        if ask.effective and refusals:
            answer = await ask.send(remit.http, issuer, path, good)
            assert told(answer) not in refusals, "one's own is refused like a stranger's, so nothing was compared"
