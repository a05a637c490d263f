"""Two servers, one file: what is stopped or resumed through one is felt through the other."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import datetime

import httpx
import pytest

from remit_sdk import guard
from tests.flows.client import Browser, Party
from tests.kit.pages import read_forms
from tests.sdk.calendar import ROUTES, calendar
from tests.sdk.host import Running

WITHIN = 1.0
"""The promise: seconds from the stop to the first refusal."""


@contextmanager
def guarded(acme):
    """The seeded calendar behind its guard, on a port of its own; the guard follows the first server."""
    resource = acme["resources"]["R1"]
    credentials = resource["client_id"], resource["client_secret"]
    api = guard(acme["issuer"], resource=resource["uri"], credentials=credentials)
    running = Running(api.wrap(calendar(), routes=ROUTES))
    running.start()
    try:
        yield running.base
    finally:
        running.stop()


@pytest.fixture
def second(server, running):
    made = server.sibling()
    running.append(made)
    return made.start()


@pytest.fixture
def alice():
    with Browser() as browser:
        yield browser


def by_the_user(server, second, acme, alice):
    page = alice.http.get(f"{second.address}/t/acme/account")
    form = next(form for form in read_forms(page) if form.action.endswith("/stop"))
    # The site is one; its second process has another port only because both are on this machine.
    there = form.action.replace(server.address, second.address)
    answer = alice.http.post(there, data=dict(form.fields), headers={"origin": server.base})
    assert answer.status_code == 303, answer.text


def by_an_administrator(server, second, acme, alice):
    admin = acme["admin"]
    issued = httpx.post(
        f"{second.address}/t/acme/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(admin["client_id"], admin["client_secret"]),
    ).json()
    answer = httpx.post(
        f"{second.address}/t/acme/api/v1/stops",
        json={"kind": "user", "id": acme["users"]["alice"]["id"], "reason": "left the company"},
        headers={"authorization": f"Bearer {issued['access_token']}"},
    )
    assert answer.status_code == 201, answer.text


STOPS = {
    "the user, at the second server": by_the_user,
    "an administrator, at the second server": by_an_administrator,
}


@pytest.mark.requirement("REV-9")
@pytest.mark.parametrize("stop", list(STOPS.values()), ids=list(STOPS))
def test_a_stop_is_felt_within_a_second(server, second, acme, alice, stop):
    party = Party(acme)
    tokens = party.redeem(alice.allow(party.request()))
    with guarded(acme) as api, httpx.Client(headers={"authorization": f"Bearer {tokens.access}"}) as agent:
        assert agent.get(f"{api}/events").status_code == 200

        stop(server, second, acme, alice)
        until = time.monotonic() + 10
        while (answer := agent.get(f"{api}/events")).status_code == 200:
            assert time.monotonic() < until, "the stop was never felt"
        refused = time.time()
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]

    # The stop's own time is the commit's, before whoever placed it had his answer.
    placed = datetime.fromisoformat(server.events("acme", "stop.placed")[-1]["at"]).timestamp()
    assert refused - placed < WITHIN
    for process in (server, second):
        answer = httpx.post(f"{process.address}/t/acme/oauth/token", data=party.refresh_fields(tokens.refresh))
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_resumed_agent_gets_new_tokens_at_either_server_and_the_old_one_stays_refused(server, second, acme, alice):
    party = Party(acme)
    tokens = party.redeem(alice.allow(party.request()))
    agent_id = acme["agents"]["A"]["id"]
    with guarded(acme) as api, httpx.Client() as agent:

        def call(token):
            return agent.get(f"{api}/events", headers={"authorization": f"Bearer {token}"}).status_code

        assert call(tokens.access) == 200
        assert server.remit("stop", "agent", agent_id, "--reason", "INC-42", "--tenant", "acme").returncode == 0
        until = time.monotonic() + WITHIN
        while call(tokens.access) == 200:
            assert time.monotonic() < until
        assert server.remit("resume", "agent", agent_id, "--reason", "closed", "--tenant", "acme").returncode == 0
        answer = httpx.post(f"{second.address}/t/acme/oauth/token", data=party.refresh_fields(tokens.refresh))
        assert answer.status_code == 200, answer.text
        assert call(answer.json()["access_token"]) == 200
        assert call(tokens.access) == 401
