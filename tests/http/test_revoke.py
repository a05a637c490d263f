"""POST /oauth/revoke: what a client gives back is dead, and nobody learns what was there."""

from __future__ import annotations

import pytest

from remit.core.names import Opaque, Secret, SecretKind, parse_opaque
from tests.http.refusals import refused
from tests.kit.flows import act_for_itself, get_tokens, introspect, proof, refresh, revoke


def url(remit):
    return f"{remit.acme.issuer}/oauth/revoke"


def done(answer):
    return (answer.status_code, answer.content, answer.headers["cache-control"]) == (200, b"", "no-store")


@pytest.mark.requirement("REV-1", "REV-5")
@pytest.mark.parametrize("name", ["web", "rival", "local", "keyed"])
async def test_a_refresh_token_takes_its_whole_line_along(remit, name):
    world = remit.acme
    client = getattr(world, name)
    tokens = await get_tokens(remit, world, client)
    answer, events = await remit.events_of(world, revoke(remit, world, client, tokens["refresh_token"]))
    assert done(answer)
    assert [(event["type"], event["what"]["target_kind"]) for event in events] == [("stop.placed", "line")]
    assert await introspect(remit, world, tokens["access_token"]) == {"active": False}
    assert (await refresh(remit, world, client, tokens["refresh_token"])).status_code == 400


@pytest.mark.requirement("REV-5")
async def test_an_access_token_dies_alone(remit):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web)
    assert done(await revoke(remit, world, world.web, tokens["access_token"]))
    assert await introspect(remit, world, tokens["access_token"]) == {"active": False}
    fresh = await refresh(remit, world, world.web, tokens["refresh_token"])
    assert (await introspect(remit, world, fresh.json()["access_token"]))["active"]


@pytest.mark.requirement("REV-5")
async def test_a_spent_token_of_the_line_ends_it_too(remit):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web)
    second = (await refresh(remit, world, world.web, tokens["refresh_token"])).json()
    assert done(await revoke(remit, world, world.web, tokens["refresh_token"]))
    assert (await refresh(remit, world, world.web, second["refresh_token"])).status_code == 400


@pytest.mark.requirement("REV-5")
async def test_one_line_of_two_goes_on(remit):
    world = remit.acme
    first, second = [await get_tokens(remit, world, world.web) for _ in range(2)]
    await revoke(remit, world, world.web, first["refresh_token"])
    assert (await introspect(remit, world, second["access_token"]))["active"]
    assert (await refresh(remit, world, world.web, second["refresh_token"])).status_code == 200


@pytest.mark.requirement("REV-2")
async def test_what_was_given_back_places_one_stop_however_often(remit):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web)

    async def insist():
        for text in (tokens["access_token"], tokens["refresh_token"]):
            for _ in range(4):
                assert done(await revoke(remit, world, world.web, text))

    _, events = await remit.events_of(world, insist())
    assert [event["what"]["target_kind"] for event in events] == ["token", "line"]


@pytest.mark.requirement("REV-3")
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense"])
async def test_a_wrong_hint_misses_nothing(remit, hint):
    world = remit.acme
    for kind in ("access_token", "refresh_token"):
        tokens = await get_tokens(remit, world, world.web, prompt="consent")
        shown = proof(remit, world, world.web)
        data = {"token": tokens[kind], "token_type_hint": hint}
        assert done(await remit.http.post(url(remit), data=data, **shown))
        assert await introspect(remit, world, tokens["access_token"]) == {"active": False}


@pytest.mark.requirement("REV-4")
async def test_an_access_token_of_somebody_else_lives_on(remit):
    world = remit.acme
    access = (await get_tokens(remit, world, world.web))["access_token"]
    answer, events = await remit.events_of(world, revoke(remit, world, world.rival, access))
    assert done(answer)
    assert events == []
    assert (await introspect(remit, world, access))["active"]


@pytest.mark.requirement("REV-4")
async def test_a_refresh_token_in_the_wrong_hands_ends_silently(remit):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web)
    answer, events = await remit.events_of(world, revoke(remit, world, world.rival, tokens["refresh_token"]))
    assert done(answer)
    assert [(event["type"], event["what"]["reason"]) for event in events] == [
        ("token.reuse_detected", "presented_by_another_client")
    ]
    assert (await refresh(remit, world, world.web, tokens["refresh_token"])).status_code == 400


@pytest.mark.requirement("REV-2")
async def test_nobody_learns_whether_there_was_anything(remit):
    world, other = remit.acme, remit.globex
    foreign = await get_tokens(remit, other, other.web)
    expired = (await act_for_itself(remit, world, world.web)).json()["access_token"]
    remit.clock.forward(hours=1)
    before = len(await remit.events(world, type="stop.placed"))
    for text in ("x", "rmt_rt_nobody", foreign["access_token"], foreign["refresh_token"], expired, "a.b.c"):
        assert done(await revoke(remit, world, world.web, text))
    assert len(await remit.events(world, type="stop.placed")) == before
    assert (await refresh(remit, other, other.web, foreign["refresh_token"])).status_code == 200


async def test_the_right_id_with_another_secret_ends_nothing(remit):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web)
    stolen = parse_opaque(tokens["refresh_token"], SecretKind.REFRESH)
    assert stolen is not None
    forged = Opaque(kind=SecretKind.REFRESH, id=stolen.id, secret=Secret("A" * 43)).text().reveal()
    for client in (world.web, world.rival):
        assert done(await revoke(remit, world, client, forged))
    assert (await refresh(remit, world, world.web, tokens["refresh_token"])).status_code == 200


@pytest.mark.requirement("CA-9", "REV-1")
@pytest.mark.parametrize("named", [{"client_id": "web"}, {}, {"client_id": "web", "client_secret": "wrong"}])
async def test_who_does_not_prove_himself_is_refused(remit, named):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web)
    data = {**named, "token": tokens["refresh_token"]}
    if "client_id" in named:
        data["client_id"] = world.web.id
    answer, events = await remit.events_of(world, remit.http.post(url(remit), data=data))
    refused(answer, "invalid_client", 401)
    assert [event["type"] for event in events] == ["token.refused"]
    assert (await refresh(remit, world, world.web, tokens["refresh_token"])).status_code == 200


@pytest.mark.requirement("REV-7", "REV-1")
async def test_a_request_needs_its_token_and_a_post(remit):
    shown = proof(remit, remit.acme, remit.acme.web)
    assert "send token" in refused(await remit.http.post(url(remit), data={"token": ""}, **shown), "invalid_request")
    assert (await remit.http.get(url(remit))).status_code == 405
    answer = await remit.http.options(url(remit))
    assert answer.headers["access-control-allow-origin"] == "*"
