"""How a stop reaches a guard, and what happens when the feed does not."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit_sdk import guard
from remit_sdk.epochs import REMEMBERED_FOR, Epochs, Stop
from remit_sdk.feed import STALE_AFTER
from remit_sdk.sse import MAX_EVENT_BYTES, BrokenStream, EventReader, ServerEvent
from tests.sdk.calendar import ROUTES, calendar
from tests.sdk.issuer import CREDENTIALS, RESOURCE, event
from tests.sdk.test_forged_tokens import check, good


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def link_of(api, issuer):
    return api._links[issuer.base]


async def status_of(client, token):
    return (await client.get("/events", headers=bearer(token))).status_code


KINDS = {
    "token": "at_9",
    "line": "lin_1",
    "grant": "grt_1",
    "agent": "agt_helper",
    "client": "cli_helper",
    "user": "usr_alice",
    "tenant": "ten_acme",
    "resource": RESOURCE,
    "kid": "k1",
    "session": "ses_1",
}


@pytest.mark.requirement("BR-5", "REV-10")
@pytest.mark.parametrize("stop", KINDS.items(), ids=KINDS)
async def test_a_stop_of_anything_the_token_names_is_felt(api, client, issuer, clock, stop):
    token = issuer.token(jti="at_9")
    assert await status_of(client, token) == 200
    issuer.stop(*stop)
    await clock.until(lambda: len(link_of(api, issuer).epochs))
    assert await status_of(client, token) == 401
    assert "introspect" not in issuer.hits
    if stop[0] != "token":
        assert await status_of(client, issuer.token(jti="at_10")) == 200, "a token issued after the stop was lifted"


OTHERS = {
    "somebody else": ("agent", "agt_other"),
    "a user with an agent's id": ("user", "agt_helper"),
    "another resource": ("resource", "https://other.example"),
}


@pytest.mark.parametrize("stop", OTHERS.values(), ids=OTHERS)
async def test_a_stop_of_others_is_not(api, client, issuer, clock, stop):
    token = issuer.token()
    issuer.stop(*stop)
    await clock.until(lambda: len(link_of(api, issuer).epochs))
    assert await status_of(client, token) == 200


async def test_a_resource_may_be_stopped_by_its_registry_id(issuer, clock):
    api = guard(issuer.base, resource=RESOURCE, credentials=CREDENTIALS, resource_id="res_1", clock=clock)
    issuer.stop("resource", "res_1")
    async with api.running():
        await api.ready()
        transport = httpx2.ASGITransport(app=api.wrap(calendar(), routes=ROUTES))
        async with httpx2.AsyncClient(transport=transport, base_url=RESOURCE) as client:
            assert await status_of(client, issuer.token(epo=0)) == 401


@pytest.mark.requirement("REV-10")
async def test_before_the_feed_is_caught_up_the_issuer_is_asked(issuer, clock):
    issuer.feed_status = 503
    api = guard(issuer.base, resource=RESOURCE, credentials=CREDENTIALS, clock=clock)
    transport = httpx2.ASGITransport(app=api.wrap(calendar(), routes=ROUTES))
    async with api.running(), httpx2.AsyncClient(transport=transport, base_url=RESOURCE) as client:
        assert await status_of(client, issuer.token()) == 200
        assert issuer.hits["introspect"] == 1


async def test_stops_before_ready_prove_nothing_about_those_behind_them(issuer, clock):
    issuer.feed_ready = False
    issuer.stop("agent", "agt_other")
    api = guard(issuer.base, resource=RESOURCE, credentials=CREDENTIALS, clock=clock)
    transport = httpx2.ASGITransport(app=api.wrap(calendar(), routes=ROUTES))
    async with api.running(), httpx2.AsyncClient(transport=transport, base_url=RESOURCE) as client:
        await clock.until(lambda: len(link_of(api, issuer).epochs))
        assert await status_of(client, issuer.token()) == 200
        assert issuer.hits["introspect"] == 1


@pytest.mark.requirement("REV-10")
async def test_a_silent_feed_leads_to_questions_and_no_answer_to_503(client, issuer, clock):
    token = issuer.token()
    clock.advance(STALE_AFTER - 0.1)
    assert await status_of(client, token) == 200
    assert "introspect" not in issuer.hits
    clock.advance(0.1)
    assert await status_of(client, token) == 200
    assert issuer.hits["introspect"] == 1
    clock.advance(1)
    issuer.introspection_status = 500
    answer = await client.get("/events", headers=bearer(token))
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert "www-authenticate" not in answer.headers, "a client must keep its token"


@pytest.mark.requirement("INT-7")
async def test_a_good_answer_is_kept_for_a_second_at_most(client, issuer, clock):
    token = issuer.token()
    clock.advance(STALE_AFTER)
    for _ in range(5):
        assert await status_of(client, token) == 200
    assert issuer.hits["introspect"] == 1
    clock.advance(0.99)
    await status_of(client, token)
    assert issuer.hits["introspect"] == 1
    issuer.inactive.add("agt_helper")
    clock.advance(0.01)
    assert await status_of(client, token) == 401
    assert issuer.hits["introspect"] == 2


async def test_the_issuer_may_narrow_and_never_widen(client, issuer, clock):
    clock.advance(STALE_AFTER)
    issuer.narrowed = "other"
    assert await status_of(client, issuer.token()) == 403
    issuer.narrowed = "read:calendar delete:calendar"
    answer = await client.delete("/events/1", headers=bearer(issuer.token()))
    assert answer.status_code == 403


async def test_heartbeats_keep_the_feed_alive(api, client, issuer, clock):
    link = link_of(api, issuer)
    for _ in range(5):
        clock.advance(STALE_AFTER - 1)
        issuer.heartbeat()
        await clock.until(lambda: link.feed._heard_at == clock.steady)
    assert await status_of(client, issuer.token()) == 200
    assert "introspect" not in issuer.hits


async def test_a_known_stop_stays_known_while_the_feed_is_away(api, client, issuer, clock):
    token = issuer.token()
    issuer.stop("grant", "grt_1")
    await clock.until(lambda: len(link_of(api, issuer).epochs))
    issuer.feed_status = 503
    issuer.introspection_status = 503
    issuer.cut_feed()
    clock.advance(STALE_AFTER)
    assert await status_of(client, token) == 401, "what is known to be stopped needs no question"


async def test_a_cut_feed_comes_back_where_it_was_cut(api, client, issuer, clock):
    issuer.stop("agent", "agt_other")
    feed = link_of(api, issuer).feed
    await clock.until(lambda: feed._seq == 1)
    token = issuer.token()
    issuer.cut_feed()
    await clock.until(lambda: not feed.caught_up.is_set())
    issuer.stop("user", "usr_alice")  # while nobody listens
    await clock.until(lambda: len(clock._sleepers))
    clock.advance(1)
    await clock.until(feed.caught_up.is_set)
    assert issuer.last_event_ids == [None, "1"]
    assert await status_of(client, token) == 401


@pytest.mark.requirement("REV-10")
async def test_a_skipped_stop_is_noticed_by_the_next_heartbeat(api, issuer, clock):
    feed = link_of(api, issuer).feed
    issuer.seq = 7  # a stop that never came down this connection
    issuer.heartbeat()
    await clock.until(lambda: not feed.caught_up.is_set())
    clock.advance(1)
    await clock.until(feed.caught_up.is_set)
    assert len(issuer.last_event_ids) == 2


async def test_an_issuer_that_counts_lower_is_read_from_the_start(api, issuer, clock):
    feed = link_of(api, issuer).feed
    issuer.stop("agent", "agt_other")
    await clock.until(lambda: feed._seq == 1)
    issuer.stops.clear()
    issuer.seq = 0  # restored from a backup
    issuer.cut_feed()
    for answers in (1, 2):
        await clock.until(lambda: len(issuer.last_event_ids) == answers and len(clock._sleepers))  # noqa: B023
        clock.advance(10)
    await clock.until(feed.caught_up.is_set)
    assert issuer.last_event_ids == [None, "1", None]


TOKEN = check(good(epo=5, jti="at_9"))


@given(epoch=st.integers(0, 10), kind=st.sampled_from(sorted(KINDS)))
def test_a_token_is_stopped_exactly_below_the_epoch(epoch, kind):
    epochs = Epochs()
    epochs.learn(Stop(seq=1, kind=kind, id=KINDS[kind], epoch=epoch), at=0)
    assert (epochs.stopped(TOKEN, resources=frozenset()) == kind) is (epoch > 5)


@given(st.lists(st.integers(0, 10), min_size=1))
def test_an_epoch_never_goes_back(numbers):
    epochs = Epochs()
    for number in numbers:
        epochs.learn(Stop(seq=1, kind="agent", id="agt_helper", epoch=number), at=0)
    assert (epochs.stopped(TOKEN, resources=frozenset()) is not None) is (max(numbers) > 5)


@given(st.lists(st.floats(0, 5_000), min_size=1, max_size=30), st.floats(0, 10_000))
def test_a_stop_is_forgotten_when_no_living_token_can_meet_it(moments, later):
    epochs = Epochs()
    moments = sorted(moments)
    for number, at in enumerate(moments):
        epochs.learn(Stop(seq=number, kind="token", id=f"at_{number}", epoch=9), at=at)
    now = max(moments[-1], later)
    epochs.forget(now)
    assert len(epochs) == sum(at + REMEMBERED_FOR > now for at in moments)


STREAM: list[tuple[str, dict[str, Any], int | None]] = [
    ("stop", {"seq": 1, "kind": "agent", "id": "agt_é", "epoch": 1}, 1),
    ("ready", {"seq": 1}, None),
    ("heartbeat", {"seq": 1}, None),
]


@given(st.lists(st.integers(1, 7), max_size=60), st.sampled_from([b"\n", b"\r\n"]))
def test_events_do_not_depend_on_how_the_bytes_were_cut(sizes, ending):
    whole = b"".join(event(*entry) for entry in STREAM).replace(b"\n", ending)
    reader, found, at = EventReader(), [], 0
    for size in [*sizes, len(whole)]:
        found += reader.push(whole[at : at + size])
        at += size
    names = [found_event.name for found_event in found]
    assert names == ["stop", "ready", "heartbeat"]
    assert found[1] == ServerEvent(name="ready", data=b'{"seq": 1}')


@pytest.mark.parametrize(
    "noise", [b"data: " + b"x" * (MAX_EVENT_BYTES + 1), b"data: xxxxxxxx\n" * 2_000], ids=["a line", "an event"]
)
def test_an_endless_event_ends_the_stream(noise):
    with pytest.raises(BrokenStream):
        EventReader().push(noise)


NONSENSE = {
    "no JSON": b"event: stop\ndata: x\n\n",
    "an epoch that is text": b'event: stop\ndata: {"seq":1,"kind":"agent","id":"a","epoch":"1"}\n\n',
    "a ready without position": b"event: ready\ndata: {}\n\n",
}


@pytest.mark.parametrize("sent", NONSENSE.values(), ids=NONSENSE)
async def test_nonsense_ends_the_connection_and_not_the_feed(api, issuer, clock, sent):
    feed = link_of(api, issuer).feed
    issuer._run(lambda: [follower.put_nowait(sent) for follower in issuer._followers])
    await clock.until(lambda: not feed.caught_up.is_set())
    clock.advance(1)
    await clock.until(feed.caught_up.is_set)
