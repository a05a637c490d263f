"""Two servers, one file, a guard at each: a stop by a third process reaches both, and both say the same of a token."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, contextmanager
from datetime import datetime

import httpx
import pytest

from remit_sdk import guard
from tests.flows.client import Browser, Party
from tests.flows.detour import Detour
from tests.sdk.calendar import ROUTES, calendar
from tests.sdk.host import Running

WITHIN = 1.0
PATIENCE = 10.0
PAUSE = 0.01


class Watcher(threading.Thread):
    """Asks again and again whether a token is good; `no` is when it first was not."""

    def __init__(self, good):
        super().__init__()
        self._good = good
        self.asked = threading.Event()
        self.no: float | None = None

    def run(self):
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if not self._good():
                self.no = time.time()
                return
            self.asked.set()
            time.sleep(PAUSE)


@contextmanager
def guarded_by(process, acme):
    """An API whose guard reaches the issuer at this process alone: keys, feed and introspection."""
    resource = acme["resources"]["R1"]
    api = guard(
        acme["issuer"],
        resource=resource["uri"],
        credentials=(resource["client_id"], resource["client_secret"]),
        transport=Detour(process.port),
    )
    running = Running(api.wrap(calendar(), routes=ROUTES))
    running.start()
    try:
        yield running.base
    finally:
        running.stop()


def lets_in(api, token):
    answer = httpx.get(f"{api}/events", headers={"authorization": f"Bearer {token}"}, timeout=PATIENCE)
    assert answer.status_code in {200, 401}, answer.text
    return answer.status_code == 200


def calls_active(process, acme, token):
    resource = acme["resources"]["R1"]
    credentials = resource["client_id"], resource["client_secret"]
    url = f"{process.address}/t/acme/oauth/introspect"
    told = httpx.post(url, data={"token": token}, auth=credentials, timeout=PATIENCE).json()
    if not told["active"]:
        assert told == {"active": False}
    return told["active"]


@pytest.mark.requirement("REV-9")
def test_a_command_stops_an_agent_at_both_servers_within_a_second(server, running, acme):
    second = server.sibling()
    running.append(second)
    second.start()
    party = Party(acme)
    with Browser() as alice:
        token = party.redeem(alice.allow(party.request())).access
    with ExitStack() as stack:
        watchers = []
        for process in (server, second):
            api = stack.enter_context(guarded_by(process, acme))
            watchers.append(Watcher(lambda api=api: lets_in(api, token)))
            watchers.append(Watcher(lambda process=process: calls_active(process, acme, token)))
        for watcher in watchers:
            watcher.start()
        assert all(watcher.asked.wait(PATIENCE) for watcher in watchers), "the token was good everywhere"

        stopped = server.remit("stop", "agent", acme["agents"]["A"]["id"], "--reason", "INC-42", "--tenant", "acme")
        assert stopped.returncode == 0, stopped.stderr
        for watcher in watchers:
            watcher.join(PATIENCE)

    # The stop's own time is the commit's, before whoever placed it had his answer.
    placed = datetime.fromisoformat(server.events("acme", "stop.placed")[-1]["at"]).timestamp()
    felt = [None if watcher.no is None else watcher.no - placed for watcher in watchers]
    assert [after for after in felt if after is None or after >= WITHIN] == [], felt
