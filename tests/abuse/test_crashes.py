"""REF: a server that is killed between two lines of a refresh."""

from __future__ import annotations

import sys

import httpx
import pytest

from tests.abuse.crashing_points import POINTS
from tests.flows.client import Browser, Party, Tokens
from tests.flows.opened import reading
from tests.kit.lines import live_tokens


@pytest.fixture
def doomed(seeded_once, tmp_path, running):
    """A seeded server that dies where a file says."""
    made = seeded_once.copy(tmp_path / "instance")
    made.program = (sys.executable, "-m", "tests.abuse.crashing")
    made.settings["CRASH_FILE"] = str(tmp_path / "crash")
    running.append(made)
    return made.start()


@pytest.mark.parametrize("point", POINTS)
async def test_b_ref_03_a_crash_leaves_one_working_token(doomed, acme, tmp_path, point):
    party = Party(acme)
    with Browser() as alice:
        tokens = party.redeem(alice.allow(party.request("offline_access read:calendar")))
    (tmp_path / "crash").write_text(point, "utf-8")
    with pytest.raises(httpx.TransportError):
        party.refresh(tokens.refresh)
    assert doomed.ended_within(10)
    assert not (tmp_path / "crash").exists()
    doomed.start()
    # The client heard nothing and asks again: the old token still works, or its successor comes once more.
    renewed = Tokens.read(party.refresh(tokens.refresh))
    async with reading(doomed, acme["id"]) as work:
        assert await live_tokens(work, tokens.claims["line_id"]) == 1
    again = Tokens.read(party.refresh(renewed.refresh))
    assert again.refresh != renewed.refresh
    async with reading(doomed, acme["id"]) as work:
        assert await live_tokens(work, tokens.claims["line_id"]) == 1
    # And it was no reuse to anybody.
    assert doomed.events("acme", "token.reuse_detected") == []
    assert doomed.verify("acme").returncode == 0
