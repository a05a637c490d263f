"""POST /oauth/introspect: the truth to those it concerns, and nothing to anybody else."""

from __future__ import annotations

import pytest

from remit.core.names import Opaque, Secret, SecretKind, parse_opaque
from remit.core.stops import TargetKind
from remit.services import introspection
from tests.abuse.forging import forge_from
from tests.http.refusals import FORM, refused
from tests.kit.flows import act_for_itself, approve, claims_of, get_tokens, introspect, proof, redeem, refresh
from tests.kit.stops import stop

INACTIVE = {"active": False}


def url(remit):
    return f"{remit.acme.issuer}/oauth/introspect"


async def ask(remit, client, text, **more):
    shown = proof(remit, remit.acme, client)
    return await remit.http.post(url(remit), data={**shown.pop("data", {}), "token": text, **more}, **shown)


@pytest.mark.requirement("INT-2", "INT-4")
async def test_a_resource_named_in_the_token_learns_what_it_says(remit):
    world = remit.acme
    access = (await get_tokens(remit, world, world.web))["access_token"]
    told = await introspect(remit, world, access)
    assert told == {"active": True, "token_type": "Bearer", **claims_of(access)}
    assert "kid" not in told


@pytest.mark.requirement("INT-3", "INT-7")
@pytest.mark.parametrize("name", ["web", "rival", "keyed"])
async def test_a_client_learns_about_its_own_token_only(remit, name):
    world = remit.acme
    client = getattr(world, name)
    access = (await get_tokens(remit, world, client))["access_token"]
    told = await ask(remit, client, access)
    assert (told.status_code, told.headers["cache-control"]) == (200, "no-store")
    assert told.json()["active"]
    other = world.rival if client is not world.rival else world.web
    assert (await ask(remit, other, access)).json() == INACTIVE


@pytest.mark.requirement("INT-3", "INT-4", "BCP-11")
async def test_another_resource_learns_nothing(remit):
    world = remit.acme
    access = (await get_tokens(remit, world, world.web))["access_token"]
    told, events = await remit.events_of(world, introspect(remit, world, access, by="tickets"))
    assert told == INACTIVE
    assert events[0]["what"]["reason"] == "the token is not for who asked"


@pytest.mark.requirement("INT-3", "BCP-18")
async def test_another_tenant_learns_nothing(remit):
    access = (await get_tokens(remit, remit.acme, remit.acme.web))["access_token"]
    assert await introspect(remit, remit.globex, access) == INACTIVE


@pytest.mark.requirement("INT-3")
async def test_a_token_is_over_on_the_very_second(remit):
    world = remit.acme
    access = (await get_tokens(remit, world, world.web))["access_token"]
    remit.clock.forward(seconds=899)
    assert (await introspect(remit, world, access))["active"]
    remit.clock.forward(seconds=1)
    assert await introspect(remit, world, access) == INACTIVE


async def test_a_clock_that_jumps_back_an_hour_does_not_bring_tokens_from_the_future_to_life(remit):
    world = remit.acme
    access = (await get_tokens(remit, world, world.web))["access_token"]
    remit.clock.forward(hours=-1)
    assert await introspect(remit, world, access) == INACTIVE


@pytest.mark.requirement("INT-6")
async def test_a_refresh_token_is_told_to_its_own_client_only(remit):
    world = remit.acme
    text = (await get_tokens(remit, world, world.web))["refresh_token"]
    told = (await ask(remit, world.web, text)).json()
    at = int(remit.clock.now().timestamp())
    assert told == {
        "active": True,
        "client_id": world.web.id,
        "sub": world.alice.id,
        "scope": "read:calendar write:calendar",
        "iat": at,
        "exp": at + 14 * 86400,
        "iss": world.issuer,
        "token_type": "refresh_token",
    }
    assert (await ask(remit, world.rival, text)).json() == INACTIVE
    assert await introspect(remit, world, text) == INACTIVE
    await refresh(remit, world, world.web, text)
    assert (await ask(remit, world.web, text)).json() == INACTIVE


async def test_a_refresh_token_past_its_end_is_inactive(remit):
    world = remit.acme
    text = (await get_tokens(remit, world, world.web))["refresh_token"]
    remit.clock.forward(days=14)
    assert (await ask(remit, world.web, text)).json() == INACTIVE


async def test_a_refresh_token_of_a_stopped_agent_is_inactive(remit):
    world = remit.acme
    text = (await get_tokens(remit, world, world.web))["refresh_token"]
    await stop(remit, world, TargetKind.AGENT, world.agent.id)
    assert (await ask(remit, world.web, text)).json() == INACTIVE


@pytest.mark.requirement("INT-3")
async def test_what_is_no_access_token_is_inactive(remit):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web, scope="openid read:calendar")
    code = (await approve(remit, world, world.web)).code
    access = tokens["access_token"]
    head, body, signature = access.split(".")
    for text in (
        "x",
        "a.b.c",
        tokens["id_token"],
        code,
        world.web_secret.reveal(),
        access + " ",
        access + "=",
        f"{head}.{body}.",
        f"{head}.{body}.{signature[:-2]}AA",
        f"{head}.{body}x.{signature}",
        "rmt_rt_" + "0" * 26,
        tokens["refresh_token"][:-1] + ("A" if tokens["refresh_token"][-1] != "A" else "B"),
    ):
        assert await introspect(remit, world, text) == INACTIVE
        assert (await ask(remit, world.web, text)).json() == INACTIVE
    assert (await redeem(remit, world, world.web, code)).status_code == 200


@pytest.mark.requirement("INT-1")
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense"])
async def test_a_wrong_hint_changes_nothing(remit, hint):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web)
    for text in (tokens["access_token"], tokens["refresh_token"]):
        assert (await ask(remit, world.web, text, token_type_hint=hint)).json()["active"]


@pytest.mark.requirement("INT-1")
async def test_a_public_client_proves_nothing_and_learns_nothing(remit):
    world = remit.acme
    access = (await get_tokens(remit, world, world.local))["access_token"]
    refused(await ask(remit, world.local, access), "invalid_client", 401)


CALLERS = {
    "nobody": (lambda w: {}, "name the client"),
    "a wrong secret": (lambda w: {"auth": (w.calendar.id, "wrong")}, "authentication failed"),
    "another resource's secret": (
        lambda w: {"auth": (w.calendar.id, w.tickets_secret.reveal())},
        "authentication failed",
    ),
    "a client's secret for a resource": (
        lambda w: {"auth": (w.calendar.id, w.web_secret.reveal())},
        "authentication failed",
    ),
    "a resource that nobody knows": (
        lambda w: {"auth": ("res_nobody", w.calendar_secret.reveal())},
        "authentication failed",
    ),
    "a client with a wrong secret": (lambda w: {"auth": (w.web.id, "wrong")}, "authentication failed"),
    "a resource without its secret": (lambda w: {"auth": (w.calendar.id, "")}, "authentication failed"),
    "a bearer token": (lambda w: {"headers": {"authorization": "Bearer abc"}}, "must use Basic"),
}


@pytest.mark.requirement("CA-9", "INT-1")
@pytest.mark.parametrize(("shown", "hint"), CALLERS.values(), ids=CALLERS)
async def test_who_does_not_prove_himself_is_refused(remit, shown, hint):
    call = remit.http.post(url(remit), data={"token": "x"}, **shown(remit.acme))
    answer, events = await remit.events_of(remit.acme, call)
    assert hint in refused(answer, "invalid_client", 401)
    assert [event["type"] for event in events] == ["token.refused"]


async def test_the_secret_of_the_same_resource_at_another_tenant_is_refused(remit):
    globex = remit.globex
    answer = await remit.http.post(
        url(remit), data={"token": "x"}, auth=(globex.calendar.id, globex.calendar_secret.reveal())
    )
    refused(answer, "invalid_client", 401)


@pytest.mark.requirement("CA-1")
async def test_a_secret_past_its_end_proves_nothing(remit):
    world = remit.acme
    remit.sql(
        "update resource_secret set expires_at = :at where tenant = :tenant and resource_id = :id",
        at=int(remit.clock.now().timestamp() * 1000),
        tenant=world.tenant.id,
        id=world.calendar.id,
    )
    answer = await remit.http.post(
        url(remit), data={"token": "x"}, auth=(world.calendar.id, world.calendar_secret.reveal())
    )
    refused(answer, "invalid_client", 401)


@pytest.mark.requirement("INT-1")
async def test_a_question_needs_its_token_and_a_post(remit):
    world = remit.acme
    auth = world.calendar.id, world.calendar_secret.reveal()
    assert "send token" in refused(await remit.http.post(url(remit), data={"token": ""}, auth=auth), "invalid_request")
    assert (await remit.http.get(url(remit), auth=auth)).status_code == 405
    assert (await remit.http.post(url(remit), content=b"a" * 70_000, headers=FORM, auth=auth)).status_code == 413
    refused(await remit.http.post(url(remit), json={"token": "x"}, auth=auth), "invalid_request")
    refused(await remit.http.post(url(remit), params={"token": "x"}, data={"token": "x"}, auth=auth), "invalid_request")


@pytest.mark.requirement("INT-8", "GEN-13")
async def test_who_asks_about_nothing_over_and_over_has_to_wait(remit, monkeypatch):
    monkeypatch.setattr(introspection, "MISSES", 3)
    world = remit.acme
    access = (await get_tokens(remit, world, world.web))["access_token"]
    auth = world.calendar.id, world.calendar_secret.reveal()
    guesses = [await remit.http.post(url(remit), data={"token": f"guess {n}"}, auth=auth) for n in range(5)]
    assert [(guess.status_code, guess.content) for guess in guesses[:3]] == [(200, b'{"active":false}')] * 3
    for guess in guesses[3:]:
        assert (guess.status_code, guess.headers["retry-after"]) == (429, "20")
        assert guess.json()["error"] == "temporarily_unavailable"
    # A flood of nonsense must not keep an API from the tokens of its callers, nor others from theirs.
    assert (await introspect(remit, world, access))["active"]
    assert await introspect(remit, world, "guess", by="tickets") == INACTIVE
    remit.clock.forward(seconds=20)
    assert await introspect(remit, world, "guess") == INACTIVE


async def test_a_live_token_is_told_in_one_event_a_minute(remit):
    world = remit.acme
    access = (await act_for_itself(remit, world, world.web)).json()["access_token"]

    async def ask_often():
        for _ in range(5):
            assert (await introspect(remit, world, access))["active"]

    _, events = await remit.events_of(world, ask_often())
    assert [(event["type"], event["who"]["actor_kind"]) for event in events] == [("token.introspected", "resource")]
    remit.clock.forward(seconds=60)
    _, events = await remit.events_of(world, ask_often())
    assert len(events) == 1


@pytest.mark.requirement("AUD-2")
async def test_a_dead_token_is_told_in_one_event_a_minute(remit):
    world = remit.acme
    access = (await get_tokens(remit, world, world.web))["access_token"]
    await stop(remit, world, TargetKind.AGENT, world.agent.id)

    async def ask_often():
        for _ in range(5):
            assert await introspect(remit, world, access) == INACTIVE

    _, events = await remit.events_of(world, ask_often())
    assert [event["what"]["reason"] for event in events] == ["the agent was stopped"]
    assert events[0]["who"]["jti"] == claims_of(access)["jti"]


async def itself(remit, world, client):
    return (await act_for_itself(remit, world, client)).json()


MOVED = {
    "the grant belongs to another client": "update grants set client_id = :other where tenant = :tenant",
    "the grant is for another resource": "update grants set resource_id = :other where tenant = :tenant",
    "the line belongs to another grant": "update line set grant_id = :other where tenant = :tenant",
    "the line belongs to another user": "update line set user_id = :other where tenant = :tenant",
}


@pytest.mark.parametrize("move", MOVED.values(), ids=MOVED)
async def test_a_token_whose_approval_no_longer_fits_it_is_inactive(remit, move):
    world = remit.acme
    access = (await get_tokens(remit, world, world.web))["access_token"]
    assert (await introspect(remit, world, access))["active"]
    remit.sql(move, tenant=world.tenant.id, other="other")
    assert await introspect(remit, world, access) == INACTIVE


SPEAKS_FOR = {
    "another user": (get_tokens, lambda world: {"sub": world.admin.id}),
    "its agent instead of its user": (get_tokens, lambda world: {"sub": world.agent.id}),
    "its user, but by no line": (get_tokens, lambda world: {"line_id": ...}),
    "its agent, but by its user's grant": (get_tokens, lambda world: {"line_id": ..., "sub": world.agent.id}),
    "a user instead of its agent": (itself, lambda world: {"sub": world.alice.id}),
    "another agent": (itself, lambda world: {"sub": "agt_other"}),
    "its client instead of its agent": (itself, lambda world: {"sub": world.web.id}),
}


@pytest.mark.requirement("JAT-3")
@pytest.mark.parametrize(("get", "claims"), SPEAKS_FOR.values(), ids=SPEAKS_FOR)
async def test_a_token_that_speaks_for_somebody_else_than_was_approved_is_inactive(remit, get, claims):
    world = remit.acme
    forge = await forge_from(remit, world, (await get(remit, world, world.web))["access_token"])
    assert (await introspect(remit, world, forge.write(claims={"x": 1})))["active"]
    # The issuer's own key signs it: what nobody would sign is told apart all the same.
    assert await introspect(remit, world, forge.write(claims=claims(world))) == INACTIVE


@pytest.mark.parametrize("table", ["client", "agent", "grants", "resource", "line", "users"])
async def test_a_token_about_somebody_who_was_erased_is_inactive(remit, table):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web)
    remit.sql(f"delete from {table} where tenant = :tenant", tenant=world.tenant.id)
    if table in {"client", "agent"}:
        assert await introspect(remit, world, tokens["access_token"]) == INACTIVE
        return
    for text in (tokens["access_token"], tokens["refresh_token"]):
        assert (await ask(remit, world.web, text)).json() == INACTIVE


async def test_the_right_id_with_another_secret_is_inactive(remit):
    world = remit.acme
    text = (await get_tokens(remit, world, world.web))["refresh_token"]
    stolen = parse_opaque(text, SecretKind.REFRESH)
    assert stolen is not None
    forged = Opaque(kind=SecretKind.REFRESH, id=stolen.id, secret=Secret("A" * 43)).text().reveal()
    assert (await ask(remit, world.web, forged)).json() == INACTIVE
    assert (await ask(remit, world.web, text)).json()["active"]


async def test_each_dead_token_of_a_line_is_told(remit):
    world = remit.acme
    first = await get_tokens(remit, world, world.web)
    second = (await refresh(remit, world, world.web, first["refresh_token"])).json()
    await stop(remit, world, TargetKind.AGENT, world.agent.id)

    async def ask_about_both():
        for body in (first, second):
            assert await introspect(remit, world, body["access_token"]) == INACTIVE

    _, events = await remit.events_of(world, ask_about_both())
    assert [event["who"]["jti"] for event in events] == [claims_of(b["access_token"])["jti"] for b in (first, second)]
