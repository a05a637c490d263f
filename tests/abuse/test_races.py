"""Races for what works once, between two server processes on one database (B-CODE-01, B-REF-01)."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx
import pytest

from remit.core.grants import GrantState
from remit.core.names import LineId
from tests.flows.client import Browser, Party, Tokens
from tests.flows.opened import reading
from tests.kit.lines import live_tokens

ROUNDS = [pytest.param(4, id="4 rounds"), pytest.param(200, id="200 rounds", marks=pytest.mark.long)]


@pytest.fixture
def nodes(server, running):
    """Two processes that share an instance."""
    second = server.sibling()
    running.append(second)
    return server, second.start()


@pytest.fixture
def alice():
    with Browser() as browser:
        yield browser


async def at_once(nodes, fields, racers):
    """Send one request many times at the same moment, in turn to either node."""
    start = asyncio.Event()

    async def race(number):
        node = nodes[number % len(nodes)]
        await start.wait()
        return await http.post(f"{node.address}/t/acme/oauth/token", data=fields)

    limits = httpx.Limits(max_connections=racers)
    async with httpx.AsyncClient(timeout=60, limits=limits) as http:
        races = [asyncio.create_task(race(number)) for number in range(racers)]
        await asyncio.sleep(0)
        start.set()
        return await asyncio.gather(*races)


async def live(server, acme, line):
    """How many refresh tokens of a line could be used."""
    async with reading(server, acme["id"]) as work:
        found = await work.lines.get(LineId(line))
        assert found is not None
        return await live_tokens(work, found.id) if found.state is GrantState.ACTIVE else 0


def tidy(nodes):
    """No process saw anything break."""
    for node in nodes:
        log = node.log.read_text("utf-8")
        assert "request.failed" not in log
        assert "store.unavailable" not in log


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_b_code_01_of_fifty_at_two_nodes_one_wins_at_most(nodes, acme, alice, rounds):
    for _ in range(rounds):
        party = Party(acme)
        answers = await at_once(nodes, party.code_fields(alice.allow(party.request(prompt="consent"))), 50)
        statuses = Counter(answer.status_code for answer in answers)
        assert statuses.keys() <= {200, 400}
        assert statuses[200] <= 1
        assert {answer.json()["error"] for answer in answers if answer.status_code == 400} == {"invalid_grant"}
        for won in (Tokens.read(answer) for answer in answers if answer.status_code == 200):
            assert await live(nodes[0], acme, won.claims["line_id"]) == 0
            for node in nodes:
                again = httpx.post(f"{node.address}/t/acme/oauth/token", data=party.refresh_fields(won.refresh))
                assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    tidy(nodes)


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_b_ref_01_twenty_refreshes_at_two_nodes_make_one_successor(nodes, acme, alice, rounds):
    party = Party(acme)
    tokens = party.redeem(alice.allow(party.request("offline_access read:calendar")))
    line = tokens.claims["line_id"]
    for _ in range(rounds):
        answers = await at_once(nodes, party.refresh_fields(tokens.refresh), 20)
        assert {answer.status_code for answer in answers} == {200}
        renewed = [Tokens.read(answer) for answer in answers]
        # All got the same successor, each with an access token of its own; nothing forked.
        assert len({each.refresh for each in renewed}) == 1
        assert len({each.claims["jti"] for each in renewed}) == len(renewed)
        assert await live(nodes[1], acme, line) == 1
        tokens = renewed[-1]
    # Whoever took part still holds one working token.
    assert party.refresh(tokens.refresh).status_code == 200
    tidy(nodes)
