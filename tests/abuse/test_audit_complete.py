"""LOG: exactly one event for everything that was decided, whoever asked and whatever came of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
import pytest

from remit.store.sqlite import SqliteDatabase
from tests.abuse.asking import consent_of
from tests.http.api.world import Api, api_of
from tests.http.test_decisions import decision, post
from tests.kit.flows import (
    act_for_itself,
    answered,
    approve,
    ask,
    claims_of,
    get_tokens,
    redeem,
    refresh,
    request_for,
    revoke,
    token,
)
from tests.kit.instance import Remit, instance
from tests.kit.pages import form_to, submit
from tests.kit.world import PASSWORD, World

OFTEN, SELDOM = 64, 6
"""How often each is done: what takes a walk through pages less often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Somebody with everything that an operation needs, and the number of its round."""

    remit: Remit
    world: World
    api: Api
    narrow: Api
    number: int


Operation = Callable[[Stage], Awaitable[httpx.Response]]


async def redeemed(stage: Stage) -> httpx.Response:
    code = (await approve(stage.remit, stage.world, stage.world.local)).code
    return await redeem(stage.remit, stage.world, stage.world.local, code)


async def redeemed_again(stage: Stage) -> httpx.Response:
    code = (await approve(stage.remit, stage.world, stage.world.rival)).code
    assert (await redeem(stage.remit, stage.world, stage.world.rival, code)).status_code == 200
    return await redeem(stage.remit, stage.world, stage.world.rival, code)


async def refreshed(stage: Stage) -> httpx.Response:
    tokens = await get_tokens(stage.remit, stage.world, stage.world.rival)
    return await refresh(stage.remit, stage.world, stage.world.rival, tokens["refresh_token"])


async def refreshed_with_more(stage: Stage) -> httpx.Response:
    tokens = await get_tokens(stage.remit, stage.world, stage.world.rival, scope="read:calendar")
    text = tokens["refresh_token"]
    return await refresh(stage.remit, stage.world, stage.world.rival, text, scope="delete:calendar")


async def revoked(stage: Stage) -> httpx.Response:
    tokens = await get_tokens(stage.remit, stage.world, stage.world.rival)
    return await revoke(stage.remit, stage.world, stage.world.rival, tokens["refresh_token"])


async def consented(stage: Stage, decision: str) -> httpx.Response:
    async with stage.remit.browser() as alice:
        page = await consent_of(alice, stage.world, stage.world.rival, prompt="consent")
        return await submit(alice, page, answered(page, decision))


async def asked_about(stage: Stage) -> httpx.Response:
    tokens = await get_tokens(stage.remit, stage.world, stage.world.rival)
    auth = (stage.world.calendar.id, stage.world.calendar_secret.reveal())
    form = {"token": tokens["access_token"]}
    return await stage.remit.http.post(f"{stage.world.issuer}/oauth/introspect", data=form, auth=auth)


async def signed_in(stage: Stage, password: str = PASSWORD) -> httpx.Response:
    async with stage.remit.browser() as alice:
        page = await ask(alice, stage.world, request_for(stage.world.web))
        form = form_to(page, "/login")
        form.put("email", "alice@example.com")
        form.put("password", password)
        return await submit(alice, page, form)


async def made_once(stage: Stage) -> httpx.Response:
    """Send one request twice, as after a time-out, and return the first answer."""
    body, key = {"name": f"late {stage.number}", "purpose": "p"}, {"idempotency_key": f"k{stage.number}"}
    first: httpx.Response = await stage.api.post("/agents", body, **key)
    assert (await stage.api.post("/agents", body, **key)).content == first.content
    return first


def by_client(**form: str) -> Operation:
    return lambda stage: token(stage.remit, stage.world, stage.world.web, **form)


CLIENT = {"client", "agent"}
LINE = CLIENT | {"user", "grant", "line", "jti", "resource"}

WALKS: dict[str, tuple[Operation, int, list[str], set[str]]] = {
    "a code is redeemed": (redeemed, 200, ["token.issued"], LINE),
    "a code comes back": (
        redeemed_again,
        400,
        ["token.reuse_detected", "token.refused"],
        CLIENT | {"user", "grant", "line"},
    ),
    "a refresh": (refreshed, 200, ["token.issued"], LINE),
    "a refresh for more": (refreshed_with_more, 400, ["token.refused"], CLIENT),
    "a revocation": (revoked, 200, ["stop.placed"], {"client"}),
    "a yes": (lambda stage: consented(stage, "allow"), 303, ["consent.given"], CLIENT | {"user", "session"}),
    "a no": (lambda stage: consented(stage, "deny"), 303, ["consent.denied"], CLIENT | {"user", "session"}),
    "a question about a token": (asked_about, 200, ["token.introspected"], CLIENT | {"user", "resource", "jti"}),
    "a sign-in": (signed_in, 303, ["user.signed_in"], {"user", "session"}),
}
STEPS: dict[str, tuple[Operation, int, list[str], set[str]]] = {
    "its own token": (by_client(grant_type="client_credentials"), 200, ["token.issued"], CLIENT | {"grant", "jti"}),
    "a scope of somebody else's": (
        by_client(grant_type="client_credentials", scope="tickets.update"), 400, ["token.refused"], CLIENT
    ),
    "a refresh token that is none": (
        by_client(grant_type="refresh_token", refresh_token="rmt_rt_x"), 400, ["token.refused"], CLIENT
    ),
    "an agent is made": (made_once, 201, ["agent.created"], {"client", "agent"}),
    "an agent is not made": (
        lambda stage: stage.api.post("/agents", {"name": "planner", "purpose": "p"}), 409, ["api.refused"], CLIENT
    ),
    "a body that is none": (lambda stage: stage.api.post("/agents", {"name": 1}), 400, ["api.refused"], CLIENT),
    "a right that is missing": (
        lambda stage: stage.narrow.post("/agents", {"name": "x", "purpose": "p"}), 403, ["api.refused"], CLIENT
    ),
}  # fmt: skip


async def events_of(remit: Remit, world: World) -> list[dict]:
    found: list[dict] = []
    async with remit.deps.db.read(world.tenant.id) as work:
        seq = -1
        while page := await work.events.after(seq):
            found += [json.loads(event.body) for event in page]
            seq = page[-1].seq
    return found


async def test_b_log_05_five_hundred_operations_leave_one_event_each(remit):
    world = remit.acme
    api, narrow = await api_of(remit, world), await api_of(remit, world, frozenset({"agents:read"}))
    done: dict[str, str] = {}
    table = STEPS | WALKS
    for name, (operation, status, _, _) in table.items():
        for number in range(SELDOM if name in WALKS else OFTEN):
            stage = Stage(remit=remit, world=world, api=api, narrow=narrow, number=number)
            answer = await operation(stage)
            assert answer.status_code == status, (name, answer.text)
            if name in WALKS:
                # Nobody signs in ever so often.
                remit.clock.forward(seconds=30)
            done[answer.headers["x-request-id"]] = name
    assert len(done) >= 500
    told: dict[str, list[dict]] = {}
    for event in await events_of(remit, world):
        told.setdefault(event["who"].get("request", ""), []).append(event)
    for request, name in done.items():
        _, _, types, known = table[name]
        mine = told.get(request, [])
        assert [event["type"] for event in mine] == types, name
        assert known <= mine[0]["who"].keys(), (name, known - mine[0]["who"].keys())
        for event in mine:
            assert event["tenant"] == world.tenant.id
            assert {"id", "at", "outcome"} <= event.keys()
            assert event["who"]["actor"]
            assert event["outcome"] == "ok" or {"reason", "code", "target", "shown"} & event["what"].keys(), name


async def test_b_log_05_every_item_of_a_batch_is_told_once(remit):
    world = remit.acme
    said = claims_of((await get_tokens(remit, world, world.web))["access_token"])
    assert (await post(remit, [decision(said, id="told before")])).json() == {"accepted": 1}
    for number in range(SELDOM):
        batch = [
            decision(said, id=f"first {number}", path="/first"),
            decision(said, id=f"second {number}", decision="deny", status=403, reason="insufficient_scope"),
            decision(said, id=f"first {number}", path="/of the same name"),
            decision(said, id="told before"),
        ]
        assert (await post(remit, batch)).json() == {"accepted": 2}
    told = [event for event in await events_of(remit, world) if event["type"].startswith("decision.")]
    assert [event["type"] for event in told] == ["decision.permit", *["decision.permit", "decision.deny"] * SELDOM]
    assert {event["what"]["path"] for event in told} == {"/events", "/first"}
    for event in told:
        assert CLIENT | {"user", "grant", "line", "jti", "resource"} <= event["who"].keys()


STRANGERS: dict[str, tuple[Operation, int, str]] = {
    "a grant type that nobody knows": (by_client(grant_type="made up"), 400, "token.refused"),
    "a wrong secret": (
        lambda stage: stage.remit.http.post(
            f"{stage.world.issuer}/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(stage.world.web.id, "wrong"),
        ),
        401,
        "token.refused",
    ),
    "a wrong password": (lambda stage: signed_in(stage, "wrong"), 200, "user.sign_in_refused"),
    "no token at the API": (
        lambda stage: stage.remit.http.get(f"{stage.world.issuer}/api/v1/agents"),
        401,
        "api.refused",
    ),
}


@pytest.mark.parametrize(("operation", "status", "type_"), STRANGERS.values(), ids=STRANGERS)
async def test_b_log_05_strangers_are_told_once_a_minute_and_every_one_is_counted(remit, operation, status, type_):
    world = remit.acme
    api = await api_of(remit, world)
    for number in range(SELDOM):
        answer = await operation(Stage(remit=remit, world=world, api=api, narrow=api, number=number))
        assert answer.status_code == status, answer.text
    remit.clock.forward(minutes=1)
    async with remit.deps.db.system() as system:
        await system.purge(now=remit.clock.now())
    events = await events_of(remit, world)
    assert Counter(event["type"] for event in events)[type_] == 1
    (counted,) = [event for event in events if event["type"] == "refusals.counted"]
    assert counted["what"]["count"] == SELDOM


async def test_b_log_05_what_failed_left_nothing_and_done_again_leaves_one(tmp_path):
    async with instance(tmp_path) as remit:
        world = remit.acme
        before = len(await events_of(remit, world))
        assert isinstance(remit.deps.db, SqliteDatabase)
        writer = remit.deps.db._writer.apsw
        writer.execute("pragma query_only = on")
        failed = [await act_for_itself(remit, world, world.web) for _ in range(SELDOM)]
        writer.execute("pragma query_only = off")
        assert {answer.status_code for answer in failed} == {503}
        assert len(await events_of(remit, world)) == before
        assert (await act_for_itself(remit, world, world.web)).status_code == 200
        assert [event["type"] for event in (await events_of(remit, world))[before:]] == ["token.issued"]
