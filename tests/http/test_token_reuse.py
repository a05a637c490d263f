"""POST /oauth/token: codes and refresh tokens shown twice, late, or by somebody else."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx
import pytest

from remit.app import build
from remit.core.names import Opaque, Secret, SecretKind, parse_opaque
from remit.core.stops import TargetKind
from remit.ports.deps import Lifetimes
from remit.settings import Settings
from tests.http.refusals import refused
from tests.kit.flows import (
    VERIFIER,
    approve,
    claims_of,
    get_tokens,
    introspect,
    redeem,
    refresh,
    token,
)
from tests.kit.stops import lift, stop
from tests.kit.world import TICKETS


@pytest.mark.requirement("BCP-4", "OA-12")
async def test_one_of_many_redemptions_wins(remit):
    world = remit.acme
    code = (await approve(remit, world, world.web)).code
    answers = await asyncio.gather(*(redeem(remit, world, world.web, code) for _ in range(8)))
    won = [answer for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    assert {answer.json()["error"] for answer in answers if answer not in won} == {"invalid_grant"}
    # Two held code and verifier, so nothing that came of it lives (OA-11).
    assert await introspect(remit, world, won[0].json()["access_token"]) == {"active": False}
    assert (await refresh(remit, world, world.web, won[0].json()["refresh_token"])).status_code == 400


@pytest.mark.requirement("BCP-4", "OA-11")
async def test_a_second_valid_redemption_ends_the_line_and_is_told(remit):
    world = remit.acme
    code = (await approve(remit, world, world.web)).code
    first = (await redeem(remit, world, world.web, code)).json()
    again, events = await remit.events_of(world, redeem(remit, world, world.web, code))
    assert "already redeemed" in refused(again, "invalid_grant")
    assert (events[0]["type"], events[0]["what"]["reason"]) == ("token.reuse_detected", "code_replay")
    assert (await refresh(remit, world, world.web, first["refresh_token"])).json()["error"] == "invalid_grant"


@pytest.mark.requirement("OA-11")
@pytest.mark.parametrize("wrong", [{"code_verifier": "w" * 43}, {"redirect_uri": "https://evil.example/"}])
async def test_a_replay_that_proves_less_ends_nothing(remit, wrong):
    world = remit.acme
    code = (await approve(remit, world, world.web)).code
    first = (await redeem(remit, world, world.web, code)).json()
    refused(await redeem(remit, world, world.web, code, **wrong), "invalid_grant")
    assert (await refresh(remit, world, world.web, first["refresh_token"])).status_code == 200


@pytest.mark.requirement("BCP-2", "OA-10", "OA-11")
async def test_a_stranger_with_a_code_gets_and_ends_nothing(remit):
    world = remit.acme
    code = (await approve(remit, world, world.web)).code
    assert "unknown" in refused(await redeem(remit, world, world.rival, code), "invalid_grant")
    assert (await redeem(remit, world, world.web, code)).status_code == 200


@pytest.mark.requirement("OA-8", "OA-10")
async def test_a_code_lives_for_a_minute(remit):
    world = remit.acme
    code = (await approve(remit, world, world.web)).code
    remit.clock.forward(seconds=60)
    assert "expired" in refused(await redeem(remit, world, world.web, code), "invalid_grant")


@pytest.mark.requirement("RT-3", "RT-4")
async def test_many_refreshes_with_one_token_get_one_successor(remit):
    world = remit.acme
    first = (await get_tokens(remit, world, world.web))["refresh_token"]
    answers = await asyncio.gather(*(refresh(remit, world, world.web, first) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    (successor,) = {answer.json()["refresh_token"] for answer in answers}
    assert len({claims_of(answer.json()["access_token"])["jti"] for answer in answers}) == 8
    assert (await refresh(remit, world, world.web, successor)).status_code == 200
    issued = await remit.events(world, type="token.issued")
    assert [event["what"]["replay"] for event in issued] == [False, False] + [True] * 7 + [False]


@pytest.mark.requirement("RT-3")
async def test_a_lost_answer_is_repeated_within_its_window_only(remit):
    world = remit.acme
    first = (await get_tokens(remit, world, world.web))["refresh_token"]
    second = (await refresh(remit, world, world.web, first)).json()["refresh_token"]
    remit.clock.forward(seconds=20)
    assert (await refresh(remit, world, world.web, first)).json()["refresh_token"] == second
    remit.clock.forward(seconds=10)
    late, events = await remit.events_of(world, refresh(remit, world, world.web, first))
    assert "already used" in refused(late, "invalid_grant")
    assert (events[0]["type"], events[0]["what"]["reason"]) == ("token.reuse_detected", "refresh_token_reuse")
    assert events[0]["who"]["user"] == world.alice.id
    refused(await refresh(remit, world, world.web, second), "invalid_grant")


@pytest.mark.requirement("RT-3")
async def test_without_a_window_a_repeat_is_reuse(remit):
    world = remit.acme
    app, _ = build(replace(remit.deps, lifetimes=Lifetimes(replay_seconds=0)), Settings())
    strict = replace(remit, http=httpx.AsyncClient(transport=httpx.ASGITransport(app=app)))
    first = (await get_tokens(remit, world, world.web))["refresh_token"]
    second = (await refresh(strict, world, world.web, first)).json()["refresh_token"]
    assert "already used" in refused(await refresh(strict, world, world.web, first), "invalid_grant")
    refused(await refresh(strict, world, world.web, second), "invalid_grant")
    await strict.http.aclose()


@pytest.mark.requirement("BCP-10", "RT-3")
async def test_reuse_after_the_successor_was_used_ends_the_line(remit):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web)
    second = (await refresh(remit, world, world.web, tokens["refresh_token"])).json()
    third = (await refresh(remit, world, world.web, second["refresh_token"])).json()
    refused(await refresh(remit, world, world.web, tokens["refresh_token"]), "invalid_grant")
    refused(await refresh(remit, world, world.web, third["refresh_token"]), "invalid_grant")
    for body in (tokens, second, third):
        assert await introspect(remit, world, body["access_token"]) == {"active": False}


@pytest.mark.requirement("RT-1", "RT-7")
async def test_a_token_in_the_wrong_hands_looks_unknown_and_ends_its_line(remit):
    world = remit.acme
    text = (await get_tokens(remit, world, world.web))["refresh_token"]
    answer, events = await remit.events_of(world, refresh(remit, world, world.rival, text))
    unknown = await refresh(remit, world, world.rival, "rmt_rt_nobody")
    assert answer.json() == unknown.json()
    assert events[0]["what"]["reason"] == "presented_by_another_client"
    refused(await refresh(remit, world, world.web, text), "invalid_grant")


@pytest.mark.requirement("RT-5")
async def test_a_refresh_narrows_one_access_token_and_nothing_else(remit):
    world = remit.acme
    text = (await get_tokens(remit, world, world.web))["refresh_token"]
    for wider in ("read:calendar delete:calendar", "admin"):
        assert "can only narrow" in refused(await refresh(remit, world, world.web, text, scope=wider), "invalid_scope")
    narrow = (await refresh(remit, world, world.web, text, scope="read:calendar")).json()
    assert narrow["scope"] == claims_of(narrow["access_token"])["scope"] == "read:calendar"
    full = (await refresh(remit, world, world.web, narrow["refresh_token"], scope="")).json()
    assert full["scope"] == "read:calendar write:calendar"


async def test_a_refresh_ignores_what_belongs_to_another_grant_type(remit):
    world = remit.acme
    text = (await get_tokens(remit, world, world.web, scope="read:calendar"))["refresh_token"]
    code = (await approve(remit, world, world.web, scope="read:calendar delete:calendar")).code
    answer = await refresh(remit, world, world.web, text, code=code, code_verifier=VERIFIER)
    assert answer.json()["scope"] == "read:calendar"
    assert (await redeem(remit, world, world.web, code)).status_code == 200


@pytest.mark.requirement("RI-5", "RT-6")
async def test_a_refresh_for_another_resource_costs_nothing(remit):
    world = remit.acme
    text = (await get_tokens(remit, world, world.web))["refresh_token"]
    refused(await refresh(remit, world, world.web, text, resource=TICKETS), "invalid_target")
    assert (await refresh(remit, world, world.web, text, resource="HTTPS://Calendar.example/")).status_code == 200


async def test_one_kind_of_secret_is_never_another(remit):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web, scope="openid read:calendar")
    code = (await approve(remit, world, world.web)).code
    for wrong in (code, tokens["access_token"], tokens["id_token"], world.web_secret.reveal()):
        assert "unknown" in refused(await refresh(remit, world, world.web, wrong), "invalid_grant")
    for wrong in (tokens["refresh_token"], tokens["access_token"], tokens["id_token"]):
        assert "unknown" in refused(await redeem(remit, world, world.web, wrong), "invalid_grant")
    assert (await refresh(remit, world, world.web, tokens["refresh_token"])).status_code == 200
    assert (await redeem(remit, world, world.web, code)).status_code == 200


async def test_the_right_id_with_another_secret_is_unknown(remit):
    """The checksum is no proof: whoever knows the grammar can make one."""
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web)
    code = (await approve(remit, world, world.web)).code

    def forged(text, kind):
        stolen = parse_opaque(text, kind)
        assert stolen is not None
        return Opaque(kind=kind, id=stolen.id, secret=Secret("A" * 43)).text().reveal()

    answer = await refresh(remit, world, world.rival, forged(tokens["refresh_token"], SecretKind.REFRESH))
    assert "unknown" in refused(answer, "invalid_grant")
    assert "unknown" in refused(await redeem(remit, world, world.web, forged(code, SecretKind.CODE)), "invalid_grant")
    answer = await token(
        remit, world, world.rival, grant_type="refresh_token", client_secret=forged(
            world.rival_secret.reveal(), SecretKind.CLIENT
        ),
    )  # fmt: skip
    refused(answer, "invalid_client", 401)
    assert (await refresh(remit, world, world.web, tokens["refresh_token"])).status_code == 200
    assert (await redeem(remit, world, world.web, code)).status_code == 200


@pytest.mark.requirement("RT-8")
async def test_idle_and_absolute_ends_of_a_family(remit):
    world = remit.acme
    text = (await get_tokens(remit, world, world.web))["refresh_token"]
    for _ in range(2):
        remit.clock.forward(days=13)
        answer = await refresh(remit, world, world.web, text)
        assert answer.status_code == 200
        text = answer.json()["refresh_token"]
    # The consent page's longest choice is 30 days; the last access token may not outlive it.
    remit.clock.forward(days=4, seconds=-60)
    answer = await refresh(remit, world, world.web, text)
    assert answer.json()["expires_in"] == 60
    remit.clock.forward(seconds=60)
    refused(await refresh(remit, world, world.web, answer.json()["refresh_token"]), "invalid_grant")


@pytest.mark.requirement("RT-8")
async def test_a_token_left_idle_for_two_weeks_is_over(remit):
    world = remit.acme
    text = (await get_tokens(remit, world, world.web))["refresh_token"]
    remit.clock.forward(days=14)
    assert "expired" in refused(await refresh(remit, world, world.web, text), "invalid_grant")


async def test_a_replay_ends_the_line_also_while_its_agent_is_stopped(remit):
    world = remit.acme
    code = (await approve(remit, world, world.web)).code
    tokens = (await redeem(remit, world, world.web, code)).json()
    await stop(remit, world, TargetKind.AGENT, world.agent.id)
    assert "already redeemed" in refused(await redeem(remit, world, world.web, code), "invalid_grant")
    await lift(remit, world, TargetKind.AGENT, world.agent.id)
    refused(await refresh(remit, world, world.web, tokens["refresh_token"]), "invalid_grant")


async def test_reuse_ends_the_line_also_while_its_agent_is_stopped(remit):
    world = remit.acme
    first = (await get_tokens(remit, world, world.web))["refresh_token"]
    second = (await refresh(remit, world, world.web, first)).json()["refresh_token"]
    remit.clock.forward(seconds=30)
    await stop(remit, world, TargetKind.AGENT, world.agent.id)
    assert "already used" in refused(await refresh(remit, world, world.web, first), "invalid_grant")
    await lift(remit, world, TargetKind.AGENT, world.agent.id)
    refused(await refresh(remit, world, world.web, second), "invalid_grant")


async def test_a_line_that_ended_is_told_once_and_then_counted(remit):
    world = remit.acme
    text = (await get_tokens(remit, world, world.web))["refresh_token"]

    async def insist():
        for _ in range(5):
            await refresh(remit, world, world.rival, text)

    _, events = await remit.events_of(world, insist())
    # Once for the end of the line, and once for the many who went on trying.
    assert len([event for event in events if event["type"] == "token.reuse_detected"]) == 2
    async with remit.deps.db.read(world.tenant.id) as work:
        assert len(await work.stops.list()) == 1
