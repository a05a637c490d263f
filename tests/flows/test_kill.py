"""kill -9, in the middle of refreshes and right after an answer: nothing that was answered is lost, no line forks."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import httpx
import pytest

from remit.core.names import LineId
from remit.core.tokens import RefreshState
from tests.flows.client import Browser, Party, Tokens
from tests.flows.opened import reading
from tests.flows.waiting import until
from tests.kit.lines import live_tokens

LINES = 8
ROUNDS = 2
ANSWERS = 120
"""So many refreshes are answered before the process is killed among the others."""


@dataclass(slots=True)
class Agent:
    """A client that holds one line, and every answer that it got."""

    party: Party
    answers: list[Tokens] = field(default_factory=list)
    refused: httpx.Response | None = None

    @property
    def line(self) -> LineId:
        return LineId(self.answers[0].claims["line_id"])

    @property
    def newest(self) -> Tokens:
        return self.answers[-1]

    def refresh(self, token: str) -> Tokens:
        self.answers.append(Tokens.read(self.party.refresh(token)))
        return self.newest

    def refresh_until_cut_off(self, endpoint: str) -> None:
        with httpx.Client(timeout=20) as client:
            while True:
                try:
                    answer = client.post(endpoint, data=self.party.refresh_fields(self.newest.refresh))
                except httpx.TransportError:
                    return
                if answer.status_code != 200:
                    self.refused = answer
                    return
                self.answers.append(Tokens.read(answer))


@pytest.fixture
def agents(server, acme):
    made = []
    with Browser() as alice:
        for _ in range(LINES):
            party = Party(acme)
            back = alice.allow(party.request("offline_access read:calendar", prompt="consent"))
            made.append(Agent(party, [party.redeem(back)]))
    return made


def id_of(token):
    """Return the primary key inside a secret (`rmt_rt_<id>.<secret>`)."""
    return token.removeprefix("rmt_rt_").partition(".")[0]


def introspected(acme, token):
    resource = acme["resources"]["R1"]
    credentials = resource["client_id"], resource["client_secret"]
    return httpx.post(acme["introspection_endpoint"], data={"token": token}, auth=credentials).json()["active"]


async def stored(server, acme, agents):
    """Return for each agent how many tokens of its line live, and the rows of every refresh token that it was given."""
    async with reading(server, acme["id"]) as work:
        return [
            (
                await live_tokens(work, agent.line),
                [await work.refresh_tokens.find(id_of(tokens.refresh)) for tokens in agent.answers],
            )
            for agent in agents
        ]


def assert_log_holds(server):
    verified = server.remit("audit", "verify", "--tenant", "acme")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def cut_off(server, acme, agents):
    """Let every agent refresh as fast as it can, and kill the server among them."""
    before = sum(len(agent.answers) for agent in agents)
    threads = [threading.Thread(target=agent.refresh_until_cut_off, args=[acme["token_endpoint"]]) for agent in agents]
    for thread in threads:
        thread.start()
    until(lambda: sum(len(agent.answers) for agent in agents) >= before + ANSWERS, "many refreshes were answered")
    server.kill()
    for thread in threads:
        thread.join()
    assert [agent.refused for agent in agents] == [None] * LINES


@pytest.mark.requirement("RT-4")
async def test_killed_among_many_refreshes_no_answer_is_lost_and_no_line_forks(server, acme, agents):
    for _ in range(ROUNDS):
        cut_off(server, acme, agents)
        server.start()

        found = await stored(server, acme, agents)
        assert [live for live, _ in found] == [1] * LINES
        for agent, (_, rows) in zip(agents, found, strict=True):
            assert None not in rows, "an answer was given before its commit"
            *earlier, last = rows
            assert {row.state for row in earlier} <= {RefreshState.SPENT}
            assert introspected(acme, agent.newest.access)

            renewed = agent.refresh(agent.newest.refresh)
            if last.state is RefreshState.SPENT:
                # Committed, and killed before the answer: the same successor comes now (replay window).
                assert id_of(renewed.refresh) == last.successor
        assert [live for live, _ in await stored(server, acme, agents)] == [1] * LINES
    assert_log_holds(server)


async def test_killed_right_after_an_answer_the_answer_holds_and_can_be_asked_for_again(server, acme, agents):
    agent = agents[0]
    spent = agent.newest.refresh
    answered = agent.refresh(spent)
    server.kill()
    server.start()

    again = agent.refresh(spent)
    assert again.refresh == answered.refresh
    assert again.claims["jti"] != answered.claims["jti"]
    assert introspected(acme, answered.access)
    assert agent.refresh(answered.refresh).refresh != answered.refresh
    [(live, rows)] = await stored(server, acme, [agent])
    assert (live, None in rows) == (1, False)
    assert_log_holds(server)
