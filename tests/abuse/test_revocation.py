"""Attacks on revocation and introspection (B-REV): what is over is over at every door, and strangers learn nothing."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from remit.core.agents import AgentState, ScopeKey
from remit.core.names import Prefix, SecretKind
from remit.core.stops import TargetKind
from remit.core.users import UserState
from remit.services.provisioning.agents import publish_remit, set_agent_state
from remit.services.provisioning.users import set_user_state, turn_rights_on
from tests.abuse.asking import consent_of
from tests.abuse.doors import doors_of
from tests.flows.client import Browser, Party
from tests.kit.flows import answered, get_tokens, introspect, proof, refresh, revoke, userinfo, visit
from tests.kit.pages import submit
from tests.kit.stops import stop
from tests.kit.world import SEEDER, sure

ALL = {"userinfo", "introspection", "guard"}
WITHIN = 1.0


async def closed(doors, text, *, but=frozenset()):
    """Wait until no door opens any more, but for some."""
    async with asyncio.timeout(10):
        while await doors.which_open(text) - but:
            await asyncio.sleep(0)


async def revoke_access(remit, world, tokens):
    return await revoke(remit, world, world.web, tokens["access_token"])


async def revoke_refresh(remit, world, tokens):
    return await revoke(remit, world, world.web, tokens["refresh_token"])


async def stop_agent(remit, world, tokens):
    await stop(remit, world, TargetKind.AGENT, world.agent.id)


async def narrow_remit(remit, world, tokens):
    keys = frozenset({ScopeKey(world.tickets.id, "tickets.update")})
    sure(await publish_remit(world.tenant.id, remit.deps, SEEDER, agent=world.agent.id, scopes=keys))


async def retire_agent(remit, world, tokens):
    step = {"agent": world.agent.id, "state": AgentState.RETIRED, "reason": "replaced"}
    sure(await set_agent_state(world.tenant.id, remit.deps, SEEDER, **step))


async def take_rights(remit, world, tokens):
    await turn_rights_on(world.tenant.id, remit.deps, SEEDER)


async def deactivate_user(remit, world, tokens):
    step = {"user": world.alice.id, "state": UserState.INACTIVE, "reason": "left"}
    sure(await set_user_state(world.tenant.id, remit.deps, SEEDER, **step))


async def stop_user(remit, world, tokens):
    await stop(remit, world, TargetKind.USER, world.alice.id)


ENDINGS = {
    "the access token is revoked": revoke_access,
    "its refresh token is revoked": revoke_refresh,
    "its agent is stopped": stop_agent,
    "its user is stopped": stop_user,
    "its user is deactivated": deactivate_user,
    "its agent is retired": retire_agent,
    "its agent's remit holds its scopes no more": narrow_remit,
    "its user's rights do not hold its scopes": take_rights,
}
IDENTITY_STAYS = {narrow_remit, take_rights}
"""What takes a resource's scopes leaves who the user is."""


@pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS)
async def test_b_rev_01_no_door_opens_after_a_revocation(remit, end):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web, scope="openid read:calendar")
    text = tokens["access_token"]
    async with doors_of(remit, world) as doors:
        for _ in range(20):
            assert await doors.which_open(text) == ALL
        began = asyncio.get_running_loop().time()
        _, told = await remit.events_of(world, end(remit, world, tokens))
        assert told, "nobody will know"
        left = {"userinfo"} if end in IDENTITY_STAYS else set()
        await closed(doors, text, but=left)
        assert asyncio.get_running_loop().time() - began < 10 * WITHIN
        # Once closed, closed: nothing that was remembered opens one again.
        for _ in range(50):
            assert await doors.which_open(text) <= left


def test_b_rev_02_a_revocation_at_one_node_holds_at_the_other(server, running, acme):
    second = server.sibling()
    running.append(second)
    second.start()
    party = Party(acme)
    with Browser() as alice:
        tokens = party.redeem(alice.allow(party.request("offline_access read:calendar")))
    resource = acme["resources"]["R1"]
    proven = resource["client_id"], resource["client_secret"]

    def active(node):
        where = f"{node.address}/t/acme/oauth/introspect"
        return httpx.post(where, data={"token": tokens.access}, auth=proven, timeout=20).json()["active"]

    assert [active(node) for node in (server, second) for _ in range(5)] == [True] * 10
    sent = {"client_id": party.id, "token": tokens.refresh}
    assert httpx.post(f"{server.address}/t/acme/oauth/revoke", data=sent, timeout=20).status_code == 200
    # The database is asked each time, so there is no moment at which the other node knows less.
    assert [active(node) for node in (second, server) for _ in range(5)] == [False] * 10


async def test_b_rev_03_somebody_elses_token_is_neither_revoked_nor_told_of(remit):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web)
    for kind in ("access_token", "refresh_token"):
        answer, told = await remit.events_of(world, revoke(remit, world, world.rival, tokens[kind]))
        assert (answer.status_code, answer.content) == (200, b"")
        assert "stop.placed" not in [event["type"] for event in told if kind == "access_token"]
    tokens = await get_tokens(remit, world, world.web)
    shown = proof(remit, world, world.rival)
    data = {**shown.pop("data", {}), "token": tokens["access_token"]}
    asked = await remit.http.post(f"{world.issuer}/oauth/introspect", data=data, **shown)
    assert asked.json() == {"active": False}
    assert await introspect(remit, world, tokens["access_token"], by="tickets") == {"active": False}
    for endpoint in ("revoke", "introspect"):
        nobody = await remit.http.post(f"{world.issuer}/oauth/{endpoint}", data={"token": tokens["access_token"]})
        assert (nobody.status_code, nobody.json()["error"]) == (401, "invalid_client")
    assert (await introspect(remit, world, tokens["access_token"]))["active"] is True


async def test_b_rev_04_nothing_that_was_read_before_a_revocation_is_remembered_after_it(remit):
    world = remit.acme
    async with doors_of(remit, world) as doors:
        for _ in range(10):
            tokens = await get_tokens(remit, world, world.web, scope="openid read:calendar")
            text = tokens["access_token"]
            # Checks that began before, during and after; whatever they found, the next one finds the revocation.
            racing = [asyncio.create_task(doors.which_open(text)) for _ in range(4)]
            await asyncio.sleep(0)
            answer = await revoke(remit, world, world.web, tokens["refresh_token"])
            assert answer.status_code == 200
            assert not await doors.opens("introspection", text)
            assert not await doors.opens("userinfo", text)
            await asyncio.gather(*racing)
            await closed(doors, text)
            assert await doors.which_open(text) == set()


async def test_b_rev_05_nothing_of_a_deactivated_user_works(remit):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web, scope="openid read:calendar")
    async with remit.browser() as browser, doors_of(remit, world) as doors:
        page = await consent_of(browser, world, prompt="consent")
        assert await doors.which_open(tokens["access_token"]) == ALL
        await set_user_state(
            world.tenant.id, remit.deps, SEEDER, user=world.alice.id, state=UserState.INACTIVE, reason="left"
        )
        await closed(doors, tokens["access_token"])
        (renewed, told) = await remit.events_of(world, refresh(remit, world, world.web, tokens["refresh_token"]))
        assert (renewed.status_code, renewed.json()["error"]) == (400, "invalid_grant")
        assert [event["type"] for event in told] == ["token.refused"]
        # The open consent form gives nothing, and the session is none.
        allowed = await submit(browser, page, answered(page))
        assert "code=" not in allowed.headers.get("location", "")
        account = await browser.get(f"{world.issuer}/account")
        assert account.is_redirect
        assert "/login" in account.headers["location"]
        again = await visit(browser, world)
        assert not again.is_redirect, "somebody who is inactive signed in"


async def test_b_rev_06_a_wrong_hint_or_spelling_does_not_keep_a_token_alive(remit):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web, scope="openid read:calendar")
    shown = proof(remit, world, world.web)
    for hint in ("access_token", "id_token", "nonsense", ""):
        fresh = await get_tokens(remit, world, world.web)
        sent = {**shown.get("data", {}), "token": fresh["refresh_token"], "token_type_hint": hint}
        answer = await remit.http.post(f"{world.issuer}/oauth/revoke", data=sent, auth=shown["auth"])
        assert answer.status_code == 200, hint
        assert (await refresh(remit, world, world.web, fresh["refresh_token"])).status_code == 400, hint
    text = tokens["access_token"]
    assert (await revoke(remit, world, world.web, f"{text} ")).status_code == 200
    head, body, signature = text.split(".")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # 64 bytes leave four bits of the last character unused: sixteen texts mean the same bytes, and one is ours.
    same = [
        other for other in last if last.index(other) >> 4 == last.index(signature[-1]) >> 4 and other != signature[-1]
    ]
    mutated = [f"{head}.{body}.{signature[:-1]}{other}" for other in same]
    mutated += [f"{text}=", f"{head}=.{body}.{signature}", f" {text}", f"{head}.{body}.{signature}\n"]
    assert len(mutated) > 15
    for one in mutated:
        assert (await introspect(remit, world, one)) == {"active": False}, one


async def test_b_rev_07_revoking_what_is_none_tells_nothing(remit):
    world, other = remit.acme, remit.globex
    tokens = await get_tokens(remit, world, world.web)
    elsewhere = await get_tokens(remit, other, other.web)
    assert (await revoke(remit, world, world.web, tokens["refresh_token"])).status_code == 200
    fresh = remit.deps.fresh
    texts = {
        "random": "nothing of the kind",
        "of our form": fresh.opaque(SecretKind.REFRESH).text().reveal(),
        "an id": fresh.id(Prefix.GRANT),
        "revoked before": tokens["refresh_token"],
        "revoked access token": tokens["access_token"],
        "of another tenant": elsewhere["refresh_token"],
        "an access token of another tenant": elsewhere["access_token"],
    }
    remit.clock.forward(days=20)
    for name, text in texts.items():
        answer = await revoke(remit, world, world.web, text)
        assert (answer.status_code, answer.content) == (200, b""), name
    assert (await userinfo(remit, world, tokens["access_token"])).status_code == 401
    remit.clock.forward(days=-20)
    assert (await introspect(remit, other, elsewhere["access_token"]))["active"] is True
    assert (await refresh(remit, world, world.web, tokens["refresh_token"])).status_code == 400
