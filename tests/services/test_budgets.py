"""What a request may cost in what can be counted: statements, commits, signatures. Times are for `make bench`."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

import pytest

from remit.crypto.jose import PrivateKey
from remit.store.sqlite import Connection
from tests.kit.flows import approve, get_tokens, redeem, refresh

FRAME = ("begin", "commit", "savepoint", "release", "rollback", "pragma")
"""What keeps works apart, and asks no question."""


@dataclass(slots=True)
class Bill:
    """What was run since it was opened."""

    statements: Counter[str] = field(default_factory=Counter)
    signatures: int = 0

    @property
    def questions(self) -> int:
        return sum(count for sql, count in self.statements.items() if not sql.startswith(FRAME))

    @property
    def commits(self) -> int:
        return self.statements["commit"]


@pytest.fixture
def bill(monkeypatch):
    open_bill = Bill()
    run, sign = Connection.rows, PrivateKey.sign

    def rows(self, sql, params):
        open_bill.statements[sql.strip()] += 1
        return run(self, sql, params)

    def signed(self, message):
        open_bill.signatures += 1
        return sign(self, message)

    monkeypatch.setattr(Connection, "rows", rows)
    monkeypatch.setattr(PrivateKey, "sign", signed)
    return open_bill


def asked(remit, path="token", **form):
    world = remit.acme
    auth = (world.web.id, world.web_secret.reveal())
    return remit.http.post(f"{world.issuer}/oauth/{path}", data=form, auth=auth)


def issued(remit):
    return asked(remit, grant_type="client_credentials", scope="read:calendar")


async def issuing(remit):
    await issued(remit)
    return partial(issued, remit)


async def introspecting(remit):
    token = (await issued(remit)).json()["access_token"]
    await asked(remit, "introspect", token=token)
    return partial(asked, remit, "introspect", token=token)


async def introspecting_for_a_user(remit, away):
    world = remit.acme
    token = (await get_tokens(remit, world, world.web, scope="read:calendar", away=away))["access_token"]
    await asked(remit, "introspect", token=token)
    return partial(asked, remit, "introspect", token=token)


async def rotating(remit):
    world = remit.acme
    answer = await approve(remit, world, world.web, scope="read:calendar offline_access")
    tokens = (await redeem(remit, world, world.web, answer.code)).json()
    tokens = (await refresh(remit, world, world.web, tokens["refresh_token"])).json()
    return partial(refresh, remit, world, world.web, tokens["refresh_token"])


BUDGETS = {
    "client_credentials": (issuing, 4, 1),
    "introspection": (introspecting, 1, 0),
    "introspection, a user's line": (partial(introspecting_for_a_user, away="yes"), 2, 0),
    "introspection, a line that needs its session": (partial(introspecting_for_a_user, away="no"), 3, 0),
    "refresh": (rotating, 9, 1),
}
"""The most statements and signatures of one request whose client, grant and keys were asked about before."""


@pytest.mark.parametrize(("prepare", "statements", "signatures"), BUDGETS.values(), ids=BUDGETS)
async def test_what_a_request_costs(remit, bill, prepare, statements, signatures):
    act = await prepare(remit)
    bill.statements.clear()
    bill.signatures = 0
    answer = await act()
    assert answer.status_code == 200, answer.text
    assert (bill.questions, bill.signatures) == (statements, signatures), bill.statements


async def test_a_thousand_tokens_for_a_crowd_take_few_commits(remit, bill):
    """64 callers, each with one request after the other: works that come together are committed together."""
    await issued(remit)
    bill.statements.clear()
    left = iter(range(1000))

    async def caller():
        for _ in left:
            assert (await issued(remit)).status_code == 200

    await asyncio.gather(*(caller() for _ in range(64)))
    assert bill.commits <= 60
    trees = sum(count for sql, count in bill.statements.items() if sql.startswith("insert into audit_tree"))
    assert trees <= bill.commits
