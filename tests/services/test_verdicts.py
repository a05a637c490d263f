"""What introspection remembers of a token ends with its time, its line and its session, at the next question."""

from __future__ import annotations

from datetime import timedelta

import pytest

from remit.core.names import LineId, SessionId
from remit.core.sessions import SESSION_IDLE
from remit.services import live_tokens
from tests.kit.flows import act_for_itself, claims_of, get_tokens, introspect

SECOND = timedelta(seconds=1)


async def own(remit):
    return (await act_for_itself(remit, remit.acme, remit.acme.web, scope="read:calendar")).json()["access_token"]


async def of_alice(remit, away="yes"):
    world = remit.acme
    return (await get_tokens(remit, world, world.web, scope="read:calendar", away=away))["access_token"]


async def live(remit, token):
    told = await introspect(remit, remit.acme, token)
    assert told["active"] or told == {"active": False}
    return told["active"]


def ends(remit, table, id_, moment):
    remit.sql(
        f"update {table} set expires_at = :at where tenant = :tenant and id = :id",
        at=int(moment.timestamp() * 1000),
        tenant=remit.acme.tenant.id,
        id=id_,
    )


def idle_soon(remit, moment):
    remit.sql("update login_session set last_seen = :at", at=int((moment - SESSION_IDLE).timestamp() * 1000))


ENDS = {
    "the remit": (own, lambda remit, _, at: ends(remit, "remit", remit.acme.remit.id, at)),
    "the agent's own grant": (own, lambda remit, _, at: ends(remit, "grants", remit.acme.unattended.id, at)),
    "a user's grant": (of_alice, lambda remit, token, at: ends(remit, "grants", claims_of(token)["grant_id"], at)),
    "a line": (of_alice, lambda remit, token, at: ends(remit, "line", claims_of(token)["line_id"], at)),
    "a session": (lambda remit: of_alice(remit, away="no"), lambda remit, _, at: idle_soon(remit, at)),
    "the token": (own, lambda *_: None),
}


@pytest.fixture
def judged(monkeypatch):
    """Count how often a token is judged anew."""
    count, judge = [], live_tokens._judge

    async def counted(*args, **rest):
        count.append(1)
        return await judge(*args, **rest)

    monkeypatch.setattr(live_tokens, "_judge", counted)
    return count


@pytest.mark.parametrize(("hold", "end"), ENDS.values(), ids=ENDS)
async def test_a_remembered_answer_ends_on_the_very_second(remit, judged, hold, end):
    token = await hold(remit)
    lasts = 30 if end is not ENDS["the token"][1] else claims_of(token)["exp"] - remit.clock.now().timestamp()
    end(remit, token, remit.clock.now() + timedelta(seconds=lasts))
    assert await live(remit, token)
    remit.clock.forward(seconds=lasts - 1)
    judged.clear()
    assert await live(remit, token)
    assert not judged
    remit.clock.forward(seconds=1)
    assert not await live(remit, token)


async def test_an_answer_is_not_believed_before_it_was_given(remit, judged):
    """A clock that was set back shows tokens that are not issued yet."""
    token = await own(remit)
    assert await live(remit, token)
    remit.clock.forward(seconds=-1)
    judged.clear()
    assert await live(remit, token)
    assert judged
    remit.clock.forward(days=-1)
    assert not await live(remit, token)


async def revoke_line(work, claims, at):
    await work.lines.revoke(LineId(claims["line_id"]), at=at, reason="r")


async def end_session(work, claims, at):
    await work.sessions.end(SessionId(claims["sid"]), at=at)


@pytest.mark.parametrize("act", [revoke_line, end_session])
async def test_what_no_stamp_covers_is_looked_at_every_time(remit, act):
    token = await of_alice(remit, away="no")
    assert await live(remit, token)
    async with remit.deps.db.work(remit.acme.tenant.id) as work:
        await act(work, claims_of(token), remit.clock.now())
    assert not await live(remit, token)


async def test_a_session_that_was_used_meanwhile_lets_its_line_go_on(remit):
    token = await of_alice(remit, away="no")
    idle_soon(remit, remit.clock.now() + 30 * SECOND)
    assert await live(remit, token)
    remit.clock.forward(seconds=29)
    async with remit.deps.db.work(remit.acme.tenant.id) as work:
        await work.sessions.touch(SessionId(claims_of(token)["sid"]), at=remit.clock.now())
    remit.clock.forward(seconds=60)
    assert await live(remit, token)


async def test_an_answer_for_one_caller_tells_another_nothing(remit):
    token = await own(remit)
    assert await live(remit, token)
    assert await introspect(remit, remit.acme, token, by="tickets") == {"active": False}
    assert await introspect(remit, remit.globex, token) == {"active": False}


async def test_an_answer_remembered_in_many_is_counted_once_a_minute(remit):
    token = await own(remit)
    for _ in range(3):
        assert await live(remit, token)
    remit.clock.forward(seconds=61)
    assert await live(remit, token)
    told = await remit.events(remit.acme, type="token.introspected")
    assert [event["who"]["jti"] for event in told] == [claims_of(token)["jti"]] * 2
