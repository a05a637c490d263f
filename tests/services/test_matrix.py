"""Every grant type, introspection and userinfo x every way in which authority ends or shrinks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from tests.kit.delegation import about, exchange, handed_on, team
from tests.kit.devices import answer_device, codes, let_devices, poll
from tests.kit.flows import act_for_itself, approve, get_tokens, introspect, redeem, refresh, userinfo, visit
from tests.kit.instance import Remit, Template, instance
from tests.services.causes import CAUSES, EXCHANGED, Held

SCOPE = "openid read:calendar write:calendar"
ASKED = frozenset({"read:calendar", "write:calendar"})
HANDED_ON = ("exchange", EXCHANGED)
TOKENS = ("code", "device", "refresh", "replay", "client_credentials")
CELLS = {f"{path}: {name}": (path, cause) for name, cause in CAUSES.items() for path in sorted(cause.on)}


_HELD: dict[str, tuple[Template, Held]] = {}


@pytest.fixture
def hold(tmp_path):
    """Open an instance in which an agent holds one of everything, by a line that ends with its user's session or not.

    What it took to come there is done once for each kind of holding, and its database copied.
    """

    @asynccontextmanager
    async def held(away: str, path: str = "") -> AsyncIterator[tuple[Remit, Held]]:
        kind = f"held-{away}-{HANDED_ON.index(path) if path in HANDED_ON else 'alone'}"
        if kind not in _HELD:
            folder = tmp_path.parent / kind
            folder.mkdir()
            async with instance(folder) as remit:
                found = await come_to_hold(remit, away, path)
            _HELD[kind] = (folder / "remit.db", remit.worlds), found
        like, found = _HELD[kind]
        async with instance(tmp_path, like=like) as remit:
            yield remit, found

    return held


async def come_to_hold(remit: Remit, away: str, path: str) -> Held:
    world = remit.acme
    members = await team(remit, world, "scheduler", "finder") if path in HANDED_ON else []
    await let_devices(remit, world, world.web)
    async with remit.browser() as browser:
        await visit(browser, world)
        first = await get_tokens(remit, world, world.web, browser=browser, scope=SCOPE, away=away, prompt="consent")
        code = await approve(remit, world, world.web, browser=browser, scope=SCOPE, away=away, prompt="consent")
        device = await codes(remit, world, world.web, scope=SCOPE)
        await answer_device(remit, world, device["user_code"], browser=browser, away=away)
        second = (await refresh(remit, world, world.web, first["refresh_token"])).json()
        cookie = next(value for name, value in browser.cookies.items() if name == "__Host-remit_acme")
    holding = Held(
        code=code.code,
        device=device["device_code"],
        spent=first["refresh_token"],
        live=second["refresh_token"],
        access=second["access_token"],
        cookie=cookie,
        members=tuple(members),
    )
    if path != EXCHANGED:
        return holding
    came = await handed_on(remit, world, members[0], holding.access, members[1].resource)
    return replace(holding, exchanged=came)


async def take(remit, path: str, held: Held):
    """Try one path. Returns (status, error or None, scopes or None)."""
    world = remit.acme
    if path == "introspection":
        told = await introspect(remit, world, held.access)
        assert told["active"] or told == {"active": False}
        return (200, None, told["scope"]) if told["active"] else (200, "inactive", None)
    if path == EXCHANGED:
        told = await about(remit, world, held.exchanged, held.members[1])
        assert told["active"] or told == {"active": False}
        return (200, None, told["scope"]) if told["active"] else (200, "inactive", None)
    if path == "userinfo":
        answer = await userinfo(remit, world, held.access)
        return answer.status_code, None if answer.status_code == 200 else "invalid_token", None
    answer = await {
        "code": lambda: redeem(remit, world, world.web, held.code),
        "device": lambda: poll(remit, world, world.web, held.device),
        "refresh": lambda: refresh(remit, world, world.web, held.live),
        "replay": lambda: refresh(remit, world, world.web, held.spent),
        "exchange": lambda: exchange(remit, world, held.members[0], held.access, held.members[1].resource),
        "client_credentials": lambda: act_for_itself(remit, world, world.web, scope="read:calendar write:calendar"),
    }[path]()
    body = answer.json()
    return answer.status_code, body.get("error"), body.get("scope")


@pytest.mark.requirement("OA-20")
@pytest.mark.parametrize("path", sorted({path for path, _ in CELLS.values()}))
async def test_without_a_cause_every_path_is_open(hold, path):
    async with hold("no", path) as (remit, held):
        status, error, scope = await take(remit, path, held)
    assert (status, error) == (200, None)
    assert scope is None or set(scope.split()) >= ASKED


@pytest.mark.requirement("OA-20", "DEV-4", "REV-8", "RT-8", "RT-11")
@pytest.mark.parametrize(("path", "cause"), CELLS.values(), ids=CELLS)
async def test_no_path_goes_around_a_cause(hold, path, cause):
    async with hold(cause.away, path) as (remit, held):
        if path not in TOKENS:
            # Somebody has asked before, so that an answer is remembered.
            assert (await take(remit, path, held))[0] == 200
        await cause.act(remit, remit.acme, held)
        (status, error, scope), events = await remit.events_of(remit.acme, take(remit, path, held))

    if cause.lost is not None:
        assert (status, error) == (200, None)
        assert scope is None or not cause.lost & set(scope.split())
        return

    # What is shown is no token any more, or the authority behind it is gone; the client that asks is another one.
    shown = "invalid_request" if "not an access token" in cause.told else "invalid_grant"
    expected = {
        "introspection": (200, "inactive"),
        EXCHANGED: (200, "inactive"),
        "userinfo": (401, "invalid_token"),
        "exchange": (400, shown),
    }
    refused = (401, "invalid_client") if cause.client else (400, "invalid_grant")
    assert (status, error) == expected.get(path, refused)
    assert [event["type"] for event in events] == ["token.refused"]
    assert cause.told in events[0]["what"]["reason"].replace("earlier ", "")
    client = held.members[0].client if path in HANDED_ON else remit.acme.web
    assert events[0]["who"].get("client", client.id) == client.id


LIFTED = {name: (path, cause) for name, (path, cause) in CELLS.items() if cause.undo is not None and path in TOKENS}


@pytest.mark.parametrize(("path", "cause"), LIFTED.values(), ids=LIFTED)
async def test_a_refusal_for_the_dead_spends_nothing(hold, path, cause):
    async with hold(cause.away) as (remit, held):
        await cause.act(remit, remit.acme, held)
        assert (await take(remit, path, held))[0] in {400, 401}
        await cause.undo(remit, remit.acme, held)
        status, error, scope = await take(remit, path, held)
    assert (status, error) == (200, None)
    assert set(scope.split()) >= ASKED


STOPS = {name: cause for name, cause in CAUSES.items() if name.endswith("is stopped") and cause.undo is not None}


@pytest.mark.parametrize("cause", STOPS.values(), ids=STOPS)
async def test_lifting_a_stop_revives_no_old_access_token(hold, cause):
    async with hold("yes") as (remit, held):
        world = remit.acme
        await cause.act(remit, world, held)
        await cause.undo(remit, world, held)
        told, events = await remit.events_of(world, introspect(remit, world, held.access))
        assert told == {"active": False}
        assert events[0]["what"]["reason"] == "a stop fell after this token was issued"
        fresh = (await refresh(remit, world, world.web, held.live)).json()["access_token"]
        assert (await introspect(remit, world, fresh))["active"]


async def test_the_event_of_a_refused_refresh_names_the_whole_chain(hold):
    async with hold("yes") as (remit, held):
        world = remit.acme
        await CAUSES["the agent is stopped"].act(remit, world, held)
        _, events = await remit.events_of(world, take(remit, "refresh", held))
    who = events[0]["who"]
    assert {
        name: who[name] for name in ("user", "agent", "owner", "client", "grant", "line", "approver", "resource")
    } == {
        "user": world.alice.id,
        "agent": world.agent.id,
        "owner": world.admin.id,
        "client": world.web.id,
        "grant": held.grant,
        "line": held.line,
        "approver": world.alice.id,
        "resource": world.calendar.uri,
    }


async def test_a_token_about_which_nothing_is_left_is_inactive(hold):
    async with hold("yes") as (remit, held):
        world = remit.acme
        access = (await act_for_itself(remit, world, world.web, scope="read:calendar")).json()["access_token"]
        assert (await introspect(remit, world, access))["scope"] == "read:calendar"
        await CAUSES["every scope left the remit"].act(remit, world, held)
        assert await introspect(remit, world, access) == {"active": False}


async def test_a_line_of_identity_alone_ends_when_its_grant_holds_nothing(remit):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web, scope="openid offline_access")
    assert (await refresh(remit, world, world.web, tokens["refresh_token"])).json()["scope"] == "offline_access openid"
    for left in ("[]", '["offline_access"]'):
        remit.sql(f"update grants set scopes = '{left}' where tenant = :tenant", tenant=world.tenant.id)
        answer = await refresh(remit, world, world.web, tokens["refresh_token"])
        assert answer.json()["error"] == "invalid_grant"
