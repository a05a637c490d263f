"""CODE: authorization codes and PKCE."""

from __future__ import annotations

import asyncio

import apsw
import pytest

from remit.worker import PURGE_SECONDS
from tests.http.refusals import refused
from tests.kit.flows import (
    STATE,
    VERIFIER,
    answer_of,
    answered,
    approve,
    ask,
    introspect,
    pushed,
    redeem,
    refresh,
    request_for,
    token,
    visit,
)
from tests.kit.listener import listening
from tests.kit.pages import submit, text_of
from tests.kit.world import BASE, CALLBACK

RACERS = 50
ROUNDS = 10


def one(remit, statement, **values):
    connection = apsw.Connection(str(remit.folder / "remit.db"))
    found = connection.execute(statement, values).fetchall()
    connection.close()
    return found[0][0]


def families(remit):
    """Count the refresh tokens that could be used."""
    return one(
        remit,
        "select count(*) from refresh_token t join line l on l.tenant = t.tenant and l.id = t.line_id"
        " where t.state = 'live' and l.state = 'active'",
    )


async def test_b_code_01_of_fifty_at_once_one_wins_at_most(remit):
    world = remit.acme
    for _ in range(ROUNDS):
        code = (await approve(remit, world, world.local, prompt="consent")).code
        answers, events = await remit.events_of(
            world, asyncio.gather(*(redeem(remit, world, world.local, code) for _ in range(RACERS)))
        )
        won = [answer for answer in answers if answer.status_code == 200]
        assert len(won) <= 1
        for answer in answers:
            if answer not in won:
                refused(answer, "invalid_grant")
        # All of them held code and verifier, so more than one knows: the winner's family is over, and a finding raised.
        # It is told, and told once more as what is counted from then on.
        found = [event["what"]["reason"] for event in events if event["type"] == "token.reuse_detected"]
        assert found in (["code_replay"], ["code_replay"] * 2)
        for answer in won:
            assert await introspect(remit, world, answer.json()["access_token"]) == {"active": False}
            refused(await refresh(remit, world, world.local, answer.json()["refresh_token"]), "invalid_grant")
        assert families(remit) == 0


PROVES_NOTHING = {
    "none": (None, "invalid_grant"),
    "an empty one": ("", "invalid_grant"),
    "a wrong one": ("w" * 43, "invalid_grant"),
    "the challenge itself": ("challenge", "invalid_grant"),
    "one too short": ("w" * 42, "invalid_grant"),
    "one too long": ("w" * 129, "invalid_grant"),
    "one with a space": (VERIFIER + " ", "invalid_grant"),
    "one in capitals": (VERIFIER.upper(), "invalid_grant"),
}


@pytest.mark.parametrize("who", ["local", "web", "rival", "keyed"])
@pytest.mark.parametrize(("verifier", "error"), PROVES_NOTHING.values(), ids=PROVES_NOTHING)
async def test_b_code_02_without_its_verifier_a_code_is_worth_nothing(remit, who, verifier, error):
    world = remit.acme
    client = getattr(world, who)
    if verifier == "challenge":
        verifier = request_for(client)["code_challenge"]
    code = (await approve(remit, world, client)).code
    refused(await redeem(remit, world, client, code, code_verifier=verifier), error)
    assert families(remit) == 0
    # And the failed try has cost the client nothing.
    assert (await redeem(remit, world, client, code)).status_code == 200


@pytest.mark.parametrize("who", ["local", "web", "keyed"])
async def test_b_code_03_a_stripped_challenge_gets_no_code(remit, who):
    world = remit.acme
    client = getattr(world, who)
    async with remit.browser() as browser:
        await visit(browser, world)
        for changes in (
            {"code_challenge": None, "code_challenge_method": None},
            {"code_challenge": None},
            {"code_challenge": "", "code_challenge_method": ""},
        ):
            answer = answer_of(await ask(browser, world, request_for(client, **changes)))
            assert (answer.fields["error"], answer.fields["state"]) == ("invalid_request", STATE)
            assert "code" not in answer.fields
    assert one(remit, "select count(*) from code") == 0


async def test_b_code_03_a_verifier_for_a_code_without_challenge_is_refused(remit):
    """No policy allows such codes; if one ever came to be, the verifier would show that the challenge was taken out."""
    world = remit.acme
    code = (await approve(remit, world, world.web)).code
    remit.sql("update code set challenge = '' where tenant = :tenant", tenant=world.tenant.id)
    refused(await redeem(remit, world, world.web, code), "invalid_request")
    assert families(remit) == 0


METHODS = {
    "plain": {"code_challenge_method": "plain", "code_challenge": VERIFIER[:43]},
    "none": {"code_challenge_method": None},
    "none, and a challenge that would be plain": {"code_challenge_method": None, "code_challenge": VERIFIER[:43]},
    "an empty one": {"code_challenge_method": ""},
    "s256": {"code_challenge_method": "s256"},
    "S256 with a space": {"code_challenge_method": "S256 "},
    "S512": {"code_challenge_method": "S512"},
}


@pytest.mark.parametrize("changes", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("who", ["local", "web"])
async def test_b_code_04_there_is_s256_and_nothing_else(remit, who, changes):
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        answer = answer_of(await ask(browser, world, request_for(getattr(world, who), **changes)))
    assert answer.fields["error"] == "invalid_request"
    assert "code" not in answer.fields


async def test_b_code_04_and_the_metadata_says_so(remit):
    for slug in ("", "/t/acme"):
        for name in ("oauth-authorization-server", "openid-configuration"):
            told = (await remit.http.get(f"{BASE}/.well-known/{name}{slug}")).json()
            assert told["code_challenge_methods_supported"] == ["S256"]


async def test_b_code_06_a_code_is_over_after_a_minute(remit):
    world = remit.acme
    code = (await approve(remit, world, world.web)).code
    remit.clock.forward(seconds=61)
    refused(await redeem(remit, world, world.web, code), "invalid_grant")
    # Nobody redeems it any more, so within five minutes of its end nothing of it is stored.
    assert one(remit, "select count(*) from code") == 1
    assert PURGE_SECONDS < 300
    remit.clock.forward(seconds=300)
    async with remit.deps.db.system() as system:
        await system.purge(now=remit.clock.now())
    assert one(remit, "select count(*) from code") == 0
    refused(await redeem(remit, world, world.web, code), "invalid_grant")


async def test_b_code_06_a_redeemed_code_is_known_for_a_day(remit):
    """Shown again, it proves that it leaked: its line ends also when that happens later (RFC 6749 §4.1.2)."""
    world = remit.acme
    code = (await approve(remit, world, world.web)).code
    tokens = (await redeem(remit, world, world.web, code)).json()
    remit.clock.forward(hours=23)
    async with remit.deps.db.system() as system:
        await system.purge(now=remit.clock.now())
    refused(await redeem(remit, world, world.web, code), "invalid_grant")
    refused(await refresh(remit, world, world.web, tokens["refresh_token"]), "invalid_grant")
    remit.clock.forward(hours=2)
    async with remit.deps.db.system() as system:
        await system.purge(now=remit.clock.now())
    assert one(remit, "select count(*) from code") == 0


@pytest.mark.parametrize("parameter", ["request_uri", "request"])
async def test_b_code_07_no_address_in_a_request_is_called(remit, parameter):
    world = remit.acme
    async with listening() as evil:
        for value in (
            evil.url(),
            evil.url(scheme="https"),
            f"http://localhost:{evil.port}/x",
            "https://attacker.test/x",
            "urn:ietf:params:oauth:other:abc",
            "file:///etc/passwd",
        ):
            asked = request_for(world.web, **{parameter: value})
            for answer in (
                await remit.http.get(f"{world.issuer}/oauth/authorize", params=asked),
                await remit.http.post(f"{world.issuer}/oauth/authorize", data=asked),
            ):
                told = answer_of(answer)
                assert told.url.startswith(CALLBACK + "?")
                assert told.fields["error"] == f"{parameter}_not_supported"
    assert evil.knocks == 0


async def test_b_code_07_a_pushed_request_is_its_clients_once_and_for_a_moment(remit):
    world = remit.acme

    async def refused_page(browser, **asked):
        answer = await browser.get(f"{world.issuer}/oauth/authorize", params=asked)
        assert (answer.status_code, "location" in answer.headers) == (400, False)
        assert "pushed request is unknown, used or expired" in text_of(answer)

    async with remit.browser() as browser:
        await visit(browser, world)
        asked = await pushed(remit, world, world.web)
        await refused_page(browser, **{**asked, "client_id": world.local.id})
        await refused_page(browser, request_uri=asked["request_uri"])
        # Looking is harmless, and another client's try cost its owner nothing.
        page = await ask(browser, world, asked)
        page = await ask(browser, world, asked)
        assert answer_of(await submit(browser, page, answered(page))).code
        await refused_page(browser, **asked)
        late = await pushed(remit, world, world.web)
        remit.clock.forward(seconds=91)
        await refused_page(browser, **late)


async def test_b_code_07_the_token_endpoint_calls_nobody_either(remit):
    world = remit.acme
    async with listening() as evil:
        for name in ("request_uri", "jwks_uri", "client_id"):
            await token(remit, world, world.web, grant_type="authorization_code", code="x", **{name: evil.url()})
    assert evil.knocks == 0
