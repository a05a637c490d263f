"""GET /feed: every stop of its own tenant, in order, at once, to resource servers alone."""

from __future__ import annotations

import time

import pytest

from remit.core.stops import TargetKind
from remit.http import feed as endpoint
from tests.http.refusals import refused
from tests.kit.feed import open_feed
from tests.kit.flows import claims_of, get_tokens
from tests.kit.stops import lift, stop


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """Heartbeats every twentieth of a second, so that nobody waits two seconds for one."""
    monkeypatch.setattr(endpoint, "HEARTBEAT_SECONDS", 0.05)


async def test_it_says_when_it_is_ready(remit):
    async with open_feed(remit, remit.acme) as feed:
        assert feed.status == 200
        assert feed.headers["content-type"].startswith("text/event-stream")
        assert feed.headers["cache-control"] == "no-store"
        first = await feed.next()
        assert (first.name, first.id, first.body) == ("ready", None, {"seq": 0})


async def test_a_quiet_feed_says_that_it_lives(remit):
    async with open_feed(remit, remit.acme) as feed:
        assert [(await feed.next()).name for _ in range(3)] == ["ready", "heartbeat", "heartbeat"]


@pytest.mark.requirement("REV-9", "REV-10")
async def test_a_stop_is_felt_at_once(remit, monkeypatch):
    monkeypatch.setattr(endpoint, "HEARTBEAT_SECONDS", 60)
    world = remit.acme
    async with remit.listening(), open_feed(remit, world) as feed:
        assert (await feed.next()).name == "ready"
        began = time.monotonic()
        await stop(remit, world, TargetKind.AGENT, world.agent.id)
        told = await feed.next()
        assert time.monotonic() - began < 1
        assert (told.name, told.id) == ("stop", "1")
        assert told.body == {"seq": 1, "kind": "agent", "id": world.agent.id, "epoch": 1}


async def test_a_stop_between_two_reads_is_not_lost(remit, monkeypatch):
    """Whatever is placed while the feed is busy with another entry comes next, without waiting for a heartbeat."""
    monkeypatch.setattr(endpoint, "HEARTBEAT_SECONDS", 60)
    world = remit.acme
    async with remit.listening(), open_feed(remit, world) as feed:
        await feed.next()
        seen = []
        for _ in range(20):
            await stop(remit, world, TargetKind.AGENT, world.agent.id)
            seen.append((await feed.next()).body["seq"])
        assert seen == list(range(1, 21))


async def test_what_came_before_is_told_before_ready(remit):
    world = remit.acme
    await stop(remit, world, TargetKind.CLIENT, world.web.id)
    await stop(remit, world, TargetKind.USER, world.alice.id)
    async with open_feed(remit, world) as feed:
        told = [await feed.next() for _ in range(3)]
    assert [(entry.name, entry.body.get("kind")) for entry in told] == [
        ("stop", "client"), ("stop", "user"), ("ready", None),
    ]  # fmt: skip
    assert told[-1].body == {"seq": 2}


LAST = {
    "from the beginning": (None, [1, 2, 3]),
    "after the first": ("1", [2, 3]),
    "after the last": ("3", []),
    "no number": ("abc", [1, 2, 3]),
    "a negative number": ("-1", [1, 2, 3]),
    "other digits": ("²", [1, 2, 3]),
    "a number without an end": ("9" * 40, [1, 2, 3]),
}


@pytest.mark.requirement("REV-10")
@pytest.mark.parametrize(("last", "expected"), LAST.values(), ids=LAST)
async def test_a_reader_goes_on_where_he_was(remit, last, expected):
    world = remit.acme
    for _ in range(3):
        await stop(remit, world, TargetKind.AGENT, world.agent.id)
    async with open_feed(remit, world, last=last) as feed:
        seen = []
        while (entry := await feed.next()).name == "stop":
            seen.append(entry.body["seq"])
    assert seen == expected
    assert entry.body == {"seq": 3}


async def test_a_reader_from_the_future_hears_what_comes_next(remit):
    """The database was restored from a copy: its counter is behind what the reader has seen."""
    world = remit.acme
    async with remit.listening(), open_feed(remit, world, last="1000") as feed:
        assert (await feed.next()).body == {"seq": 0}
        await stop(remit, world, TargetKind.AGENT, world.agent.id)
        while (entry := await feed.next()).name == "heartbeat":
            pass
        assert entry.body["seq"] == 1


async def test_stops_that_no_token_can_run_into_any_more_are_left_out(remit):
    world = remit.acme
    await stop(remit, world, TargetKind.AGENT, world.agent.id)
    remit.clock.forward(seconds=1829)
    await stop(remit, world, TargetKind.USER, world.alice.id)
    async with open_feed(remit, world) as feed:
        assert [(await feed.next()).body["seq"] for _ in range(2)] == [1, 2]
    remit.clock.forward(seconds=1)
    async with open_feed(remit, world) as feed:
        told = [await feed.next() for _ in range(2)]
        assert [(entry.name, entry.body["seq"]) for entry in told] == [("stop", 2), ("ready", 2)]


async def test_a_backlog_of_many_pages_comes_whole(remit, monkeypatch):
    from remit.services import feed as service

    monkeypatch.setattr(service, "PAGE", 2)
    monkeypatch.setattr(endpoint, "PAGE", 2)
    world = remit.acme
    for _ in range(5):
        await stop(remit, world, TargetKind.AGENT, world.agent.id)
    async with open_feed(remit, world) as feed:
        told = [await feed.next() for _ in range(6)]
    assert [(entry.name, entry.body["seq"]) for entry in told] == [
        *[("stop", seq) for seq in range(1, 6)],
        ("ready", 5),
    ]


async def test_a_resource_is_named_as_tokens_name_it(remit):
    world = remit.acme
    await stop(remit, world, TargetKind.RESOURCE, world.calendar.id)
    async with open_feed(remit, world) as feed:
        assert (await feed.next()).body["id"] == "https://calendar.example/"


async def test_a_lifted_stop_stays_in_the_feed_so_that_old_tokens_stay_dead(remit):
    world = remit.acme
    access = (await get_tokens(remit, world, world.web))["access_token"]
    await stop(remit, world, TargetKind.AGENT, world.agent.id)
    await lift(remit, world, TargetKind.AGENT, world.agent.id)
    async with open_feed(remit, world) as feed:
        assert (await feed.next()).body["epoch"] > claims_of(access)["epo"]


async def test_only_the_own_tenant_is_told(remit):
    acme, globex = remit.acme, remit.globex
    await stop(remit, globex, TargetKind.AGENT, globex.agent.id)
    async with remit.listening(), open_feed(remit, acme) as feed:
        assert (await feed.next()).body == {"seq": 0}
        await stop(remit, globex, TargetKind.USER, globex.alice.id)
        assert {(await feed.next()).name for _ in range(3)} == {"heartbeat"}


STRANGERS = {
    "the same resource of another tenant": lambda r: (r.globex.calendar, r.globex.calendar_secret.reveal()),
    "another resource's secret": lambda r: (r.acme.calendar, r.acme.tickets_secret.reveal()),
    "a wrong secret": lambda r: (r.acme.calendar, "wrong"),
    "no secret": lambda r: (r.acme.calendar, ""),
    "a client": lambda r: (r.acme.web, r.acme.web_secret.reveal()),
}


@pytest.mark.parametrize("who", STRANGERS.values(), ids=STRANGERS)
async def test_nobody_else_listens(remit, who):
    caller, secret = who(remit)
    auth = (caller.id, secret)
    answer, events = await remit.events_of(remit.acme, remit.http.get(f"{remit.acme.issuer}/feed", auth=auth))
    refused(answer, "invalid_client", 401)
    assert [event["type"] for event in events] == ["token.refused"]


async def test_nobody_listens_without_a_name(remit):
    answer = await remit.http.get(f"{remit.acme.issuer}/feed")
    refused(answer, "invalid_client", 401)


async def test_the_end_of_the_server_ends_the_feed(remit, monkeypatch):
    monkeypatch.setattr(endpoint, "HEARTBEAT_SECONDS", 60)
    async with remit.listening(), open_feed(remit, remit.acme) as feed:
        assert (await feed.next()).name == "ready"
        remit.hub.stop()
        with pytest.raises(EOFError):
            await feed.next()
