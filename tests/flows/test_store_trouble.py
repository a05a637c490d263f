"""A locked database, a full disk: 503, nothing issued, and no hand needed afterwards."""

from __future__ import annotations

import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from remit.core.tokens import RefreshState
from tests.flows.client import Browser, Party, Tokens
from tests.flows.opened import reading

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("begin immediate")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def locked(server):
    """Let another process hold the write lock, for longer than the server is ready to wait."""
    command = [sys.executable, "-c", HOLD, str(server.data / "remit.db")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield
        assert holder.stdin is not None
        holder.stdin.close()
        assert holder.wait(20) == 0


@contextmanager
def full(server):
    """Let no file of the server grow or be written to: a full disk, log included."""
    _, most = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (0, most))
    yield
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (most, most))


TROUBLES = {"another process holds the lock": locked, "the disk is full": full}


@pytest.fixture
def party(acme):
    return Party(acme)


@pytest.fixture
def held(server, party):
    with Browser() as alice:
        return party.redeem(alice.allow(party.request("offline_access read:calendar")))


@pytest.mark.requirement("REV-6")
@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
async def test_nothing_is_issued_and_it_recovers_by_itself(server, acme, party, held, trouble):
    conf1 = acme["clients"]["conf1"]
    credentials = conf1["client_id"], conf1["client_secret"]
    token, revoke = acme["token_endpoint"], f"{acme['issuer']}/oauth/revoke"
    given_back = {"token": held.refresh, "client_id": party.refresh_fields(held.refresh)["client_id"]}
    asked = {
        "refresh": (token, party.refresh_fields(held.refresh), None),
        "client_credentials": (token, {"grant_type": "client_credentials"}, credentials),
        "revocation": (revoke, given_back, None),
    }
    with trouble(server), ThreadPoolExecutor() as threads:

        def ask(name):
            endpoint, form, auth = asked[name]
            return httpx.post(endpoint, data=form, auth=auth, timeout=20)

        for answer in threads.map(ask, asked):
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) >= 1
            assert "rmt_" not in answer.text
            assert "access_token" not in answer.json()
        # What needs no writing goes on.
        assert httpx.get(acme["jwks_uri"]).status_code == 200

    async with reading(server, acme["id"]) as work:
        row = await work.refresh_tokens.find(held.refresh.removeprefix("rmt_rt_").partition(".")[0])
    assert row is not None
    assert (row.state, row.successor) == (RefreshState.LIVE, None)

    renewed = Tokens.read(party.refresh(held.refresh))
    assert renewed.claims["line_id"] == held.claims["line_id"]
    verified = server.verify("acme")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert server.end() == 0
