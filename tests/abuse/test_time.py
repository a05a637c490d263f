"""Attacks with time (B-TIME): clocks that jump, dates that overflow, keys that change."""

from __future__ import annotations

import json

import pytest

from remit.core.keys import KeyState
from remit.core.stops import TargetKind
from remit.services.signing_keys import rotate_keys
from tests.abuse.doors import doors_of
from tests.abuse.test_proofs import proves
from tests.http.api.world import api_of
from tests.kit.flows import assertion, claims_of, get_tokens, introspect, refresh
from tests.kit.stops import stop
from tests.kit.world import SEEDER

ALL = {"userinfo", "introspection", "guard"}
MINUTE = 60


async def test_b_time_01_a_clock_that_jumps_lengthens_nothing(remit):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web)
    issued = claims_of(tokens["access_token"])
    lifetime = issued["exp"] - issued["iat"]
    for hours in (1, 24):
        remit.clock.forward(hours=hours)
        assert not (await introspect(remit, world, tokens["access_token"]))["active"]
        ahead = (await refresh(remit, world, world.web, tokens["refresh_token"])).json()
        assert (await introspect(remit, world, ahead["access_token"]))["active"]
        remit.clock.forward(hours=-hours)
        # Whoever was counted in the future is refused at most for one period, counted from when he comes.
        asked = {"data": {"token": "x"}, "auth": (world.calendar.id, world.calendar_secret.reveal())}
        await remit.http.post(f"{world.issuer}/oauth/introspect", **asked)
        remit.clock.forward(minutes=1)
        # Issued in what is the future again: it must not live for its lifetime and the jump on top.
        live = (await introspect(remit, world, ahead["access_token"]))["active"]
        assert not live or claims_of(ahead["access_token"])["exp"] - remit.clock.now().timestamp() <= lifetime + MINUTE
        renewed = await refresh(remit, world, world.web, ahead["refresh_token"])
        assert renewed.status_code == 200, renewed.text
        tokens = renewed.json()
        assert (await introspect(remit, world, tokens["access_token"]))["active"]
        claims = claims_of(tokens["access_token"])
        assert claims["exp"] - claims["iat"] <= lifetime
    # Events stand in the order in which they happened, whatever the clock said.
    async with remit.deps.db.read(world.tenant.id) as work:
        seqs = [event.seq for event in await work.events.after(-1, limit=1000)]
    assert seqs == list(range(len(seqs)))


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({"exp": 1}, True),
        ({"exp": 0}, False),
        ({"exp": -30}, False),
        ({"exp": -300}, False),
        ({"nbf": 10}, True),
        ({"nbf": 30}, False),
        ({"iat": 10}, True),
        ({"iat": 30}, False),
        ({"iat": 3600}, False),
    ],
    ids=str,
)
async def test_b_time_02_ten_seconds_of_difference_are_forgiven_and_no_more(remit, changes, good):
    world, at = remit.acme, int(remit.clock.now().timestamp())
    moved = {name: at + distance for name, distance in changes.items()}
    assert await proves(remit, world, assertion(remit, world, world.keyed, **moved)) == good


async def test_b_time_03_a_rotation_fails_nobody_and_a_leaked_key_is_refused_at_once(remit):
    world = remit.acme
    before = await get_tokens(remit, world, world.web, scope="openid read:calendar")
    published = {key["kid"] for key in (await remit.http.get(f"{world.issuer}/oauth/jwks")).json()["keys"]}
    async with doors_of(remit, world) as doors:
        assert await doors.which_open(before["access_token"]) == ALL
        remit.clock.forward(days=2)
        fresh = await get_tokens(remit, world, world.web, scope="openid read:calendar")
        await rotate_keys(world.tenant.id, remit.deps, SEEDER)
        after = await get_tokens(remit, world, world.web, scope="openid read:calendar")
        assert kid_of(after) != kid_of(fresh)
        assert kid_of(after) in published, "a checker that cached the key set knows it"
        assert await doors.which_open(fresh["access_token"]) == await doors.which_open(after["access_token"]) == ALL
        await stop(remit, world, TargetKind.KID, kid_of(after))
        assert "introspection" not in await doors.which_open(after["access_token"])
        last = await get_tokens(remit, world, world.web, scope="openid read:calendar")
        assert kid_of(last) != kid_of(after)
    async with remit.deps.db.read(world.tenant.id) as work:
        states = [key.state for key in await work.keys.all() if key.use == "access"]
    assert states.count(KeyState.ACTIVE) == 1
    told = [event["what"]["state"] for event in await remit.events(world, type="key.state_changed")]
    assert "retiring" in told


def kid_of(tokens):
    import base64

    head = tokens["access_token"].split(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]


FAR: tuple[object, ...] = (
    2147483648,
    4102444800,
    2**53 + 1,
    2**63,
    2**64,
    -(2**63),
    10**30,
    1e300,
    "tomorrow",
    True,
    [],
    {},
)


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
async def test_b_time_04_dates_far_away_are_refused_and_break_nothing(remit, claim):
    world = remit.acme
    for value in FAR:
        taken = await proves(remit, world, assertion(remit, world, world.keyed, **{claim: value}))
        # Long ago is no reason to refuse for `nbf` and `iat`; no lifetime may be as long as the others say.
        assert not taken or (claim != "exp" and isinstance(value, int) and value < 0), (claim, value)


_STOP = {"kind": "agent", "id": "<agent>", "reason": "r"}
FAR_BODIES = {
    "a stop for longer than ten years": (
        "/stops",
        {"kind": "agent", "id": "<agent>", "reason": "r", "seconds": 10**12},
    ),
    "a stop of negative length": ("/stops", {**_STOP, "seconds": -5}),
    "a stop of a length that is no number": (
        "/stops",
        {"kind": "agent", "id": "<agent>", "reason": "r", "seconds": "x"},
    ),
}


@pytest.mark.parametrize(("path", "body"), FAR_BODIES.values(), ids=FAR_BODIES)
async def test_the_api_takes_no_end_of_time(remit, path, body):
    api = await api_of(remit, remit.acme)
    sent = {name: remit.acme.agent.id if value == "<agent>" else value for name, value in body.items()}
    answer = await api.post(path, sent)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), answer.text
