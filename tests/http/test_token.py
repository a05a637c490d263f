"""POST /oauth/token: what it issues, and what it refuses to whom."""

from __future__ import annotations

import asyncio

import pytest

from remit.core.oauth.client_auth import FAILED
from remit.core.sessions import SINGLE_FACTOR
from tests.http.refusals import refused
from tests.kit.flows import (
    STATE,
    act_for_itself,
    approve,
    assertion,
    claims_of,
    get_tokens,
    redeem,
    refresh,
)
from tests.kit.world import CALENDAR, CALLBACK, TICKETS


def url(remit):
    return f"{remit.acme.issuer}/oauth/token"


@pytest.mark.requirement("ISS-1", "JAT-2", "JAT-4", "MCP-6", "OA-7", "OA-8", "OA-13", "RT-9")
async def test_a_code_becomes_tokens(remit):
    world = remit.acme
    answer = await approve(remit, world, world.web, scope="openid read:calendar")
    assert answer.fields == {"code": answer.code, "state": STATE, "iss": world.issuer}
    response = await redeem(remit, world, world.web, answer.code)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"}
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 900, "openid read:calendar")
    said = claims_of(body["access_token"])
    at = int(remit.clock.now().timestamp())
    assert said.pop("jti").startswith("tok_")
    assert said.pop("grant_id").startswith("grt_")
    assert said.pop("line_id").startswith("lin_")
    assert said == {
        "iss": world.issuer,
        "sub": world.alice.id,
        "aud": CALENDAR,
        "client_id": world.web.id,
        "iat": at,
        "exp": at + 900,
        "tenant": world.tenant.id,
        "agent_id": world.agent.id,
        "agent_owner": world.admin.id,
        "purpose": "plans meetings",
        "epo": 0,
        "scope": "openid read:calendar",
        "auth_time": at,
        "amr": ["pwd"],
        "acr": SINGLE_FACTOR,
    }


@pytest.mark.requirement("OA-8", "OIDC-1", "OIDC-2")
async def test_an_id_token_says_who_and_repeats_the_nonce(remit):
    world = remit.acme
    body = await get_tokens(remit, world, world.web, scope="openid email read:calendar", nonce="n-0S6_WzA2Mj")
    said = claims_of(body["id_token"])
    assert (said["iss"], said["sub"], said["aud"], said["nonce"]) == (
        world.issuer, world.alice.id, world.web.id, "n-0S6_WzA2Mj",
    )  # fmt: skip
    assert said["email"] == "alice@example.com"
    assert "name" not in said
    assert said["exp"] > said["iat"] == said["auth_time"]
    assert (said["amr"], said["acr"]) == (["pwd"], SINGLE_FACTOR)


@pytest.mark.requirement("OIDC-1")
async def test_without_openid_there_is_no_id_token(remit):
    world = remit.acme
    assert "id_token" not in await get_tokens(remit, world, world.web, scope="read:calendar")


@pytest.mark.requirement("RT-8")
async def test_a_line_that_ends_with_its_session_names_it(remit):
    world = remit.acme
    assert claims_of((await get_tokens(remit, world, world.web, away="no"))["access_token"])["sid"].startswith("ses_")


@pytest.mark.requirement("CA-1", "CA-3", "RT-2", "RT-7")
@pytest.mark.parametrize("name", ["web", "rival", "local", "keyed"])
async def test_every_way_to_prove_a_client_works(remit, name):
    world = remit.acme
    client = getattr(world, name)
    first = await get_tokens(remit, world, client)
    second = (await refresh(remit, world, client, first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert claims_of(second["access_token"])["auth_time"] == claims_of(first["access_token"])["auth_time"]


@pytest.mark.requirement("OA-13", "OA-16")
async def test_an_agent_acts_for_itself(remit):
    world = remit.acme
    body = (await act_for_itself(remit, world, world.web)).json()
    assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
    said = claims_of(body["access_token"])
    assert (said["sub"], said["scope"], said["grant_id"]) == (world.agent.id, "read:calendar", world.unattended.id)
    assert not {"line_id", "sid", "auth_time", "amr", "acr"} & set(said)


@pytest.mark.requirement("OA-14", "OA-16")
async def test_what_the_approval_leaves_out_is_not_given_and_told(remit):
    world = remit.acme
    call = act_for_itself(remit, world, world.web, scope="read:calendar delete:calendar")
    answer, events = await remit.events_of(world, call)
    assert answer.json()["scope"] == "read:calendar"
    (event,) = events
    assert event["type"] == "token.issued"
    assert event["what"] == {
        "grant_type": "client_credentials",
        "requested": ["delete:calendar", "read:calendar"],
        "scopes": ["read:calendar"],
        "removed": ["grant:delete:calendar"],
        "expires_at": "2026-03-02T12:15:00+00:00",
        "replay": False,
        "details": None,
        "bound_to": None,
    }
    who = event["who"]
    assert (who["jti"], who["grant"], who["approver"]) == (
        claims_of(answer.json()["access_token"])["jti"],
        world.unattended.id,
        world.admin.id,
    )


REQUESTS = {
    "no grant_type": ({"grant_type": None}, "invalid_request", "send grant_type"),
    "an empty grant_type": ({"grant_type": ""}, "invalid_request", "send grant_type"),
    "a password": ({"grant_type": "password"}, "unsupported_grant_type", "authorization_code refresh_token"),
    "no code": ({"code": None}, "invalid_request", "send code"),
    "a code that nobody gave": ({"code": "abc"}, "invalid_grant", "unknown authorization code"),
    "no verifier": ({"code_verifier": None}, "invalid_grant", "send code_verifier"),
    "an empty verifier": ({"code_verifier": ""}, "invalid_grant", "send code_verifier"),
    "a short verifier": ({"code_verifier": "short"}, "invalid_grant", "43 to 128 characters"),
    "another verifier": ({"code_verifier": "w" * 43}, "invalid_grant", "send the code_verifier that"),
    "another redirect URI": ({"redirect_uri": CALLBACK + "/"}, "invalid_grant", "redirect_uri must be the one"),
    "another resource": ({"resource": TICKETS}, "invalid_target", "resource must be the one that was approved"),
    "no URI as a resource": ({"resource": "calendar"}, "invalid_target", "resource must be the one"),
    "broken scopes": ({"scope": 'a  "b'}, "invalid_scope", "single spaces"),
    "scopes that were not approved": ({"scope": "delete:calendar"}, "invalid_scope", "none of the scopes was approved"),
}


@pytest.mark.requirement("GEN-5", "GEN-7", "OA-1", "OA-9", "OA-10", "OA-14", "OA-17", "OA-18", "PKCE-4", "RI-5")
@pytest.mark.parametrize(("changes", "error", "hint"), REQUESTS.values(), ids=REQUESTS)
async def test_a_wrong_parameter_is_named_and_costs_nothing(remit, changes, error, hint):
    world = remit.acme
    code = (await approve(remit, world, world.web)).code
    answer, events = await remit.events_of(world, redeem(remit, world, world.web, code, **changes))
    assert hint in refused(answer, error)
    assert [event["type"] for event in events] == ["token.refused"]
    assert code not in str(events)
    assert (await redeem(remit, world, world.web, code)).status_code == 200


FAILURES = {
    "another client's secret": lambda w: {"auth": (w.web.id, w.rival_secret.reveal())},
    "a secret that nobody has": lambda w: {"auth": (w.web.id, "wrong")},
    "an empty secret, which names a public client": lambda w: {"auth": (w.web.id, "")},
    "no secret at all": lambda w: {"data": {"client_id": w.web.id}},
    "no such client": lambda w: {"auth": ("cli_nobody", w.web_secret.reveal())},
    "a resource's secret": lambda w: {"auth": (w.calendar.id, w.calendar_secret.reveal())},
    "a NUL in the name": lambda w: {"auth": ("cli%00", "x")},
    "a secret for a public client": lambda w: {"auth": (w.local.id, w.web_secret.reveal())},
}


@pytest.mark.requirement("BCP-20", "CA-2", "CA-8", "OA-19")
@pytest.mark.parametrize("grant_type", ["authorization_code", "refresh_token", "client_credentials"])
@pytest.mark.parametrize("shown", FAILURES.values(), ids=FAILURES)
async def test_every_failed_proof_answers_alike(remit, shown, grant_type):
    given = shown(remit.acme)
    data = {"grant_type": grant_type, "code": "x", "refresh_token": "x", **given.pop("data", {})}
    call = remit.http.post(url(remit), data=data, **given)
    answer, events = await remit.events_of(remit.acme, call)
    assert refused(answer, "invalid_client", 401) == FAILED.hint
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert [event["type"] for event in events] == ["token.refused"]
    assert events[0]["what"]["grant_type"] in {grant_type, "unread"}
    assert remit.acme.web_secret.reveal() not in str(events)


@pytest.mark.requirement("GEN-14")
async def test_a_secret_in_the_place_of_the_name_does_not_reach_the_log(remit):
    world = remit.acme
    secret = world.web_secret.reveal()
    data = {"grant_type": "client_credentials", "client_id": secret, "client_secret": "x"}
    answer, events = await remit.events_of(world, remit.http.post(url(remit), data=data))
    refused(answer, "invalid_client", 401)
    assert len(events) == 1
    assert secret not in str(events)


BAD_ASSERTIONS = {
    "of another issuer": {"aud": "https://id.example/t/globex"},
    "for the token endpoint": {"aud": "https://id.example/t/acme/oauth/token"},
    "that is over": {"exp": 0},
    "that lives for years": {"exp": 4_102_444_800},
    "about somebody else": {"sub": "cli_other"},
    "without its id": {"jti": None},
}


@pytest.mark.requirement("CA-4", "CA-5")
@pytest.mark.parametrize("changes", BAD_ASSERTIONS.values(), ids=BAD_ASSERTIONS)
async def test_an_assertion_that_does_not_hold_proves_nothing(remit, changes):
    world = remit.acme
    data = {
        "grant_type": "refresh_token",
        "refresh_token": "x",
        "client_id": world.keyed.id,
        "client_assertion": assertion(remit, world, world.keyed, **changes),
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    assert refused(await remit.http.post(url(remit), data=data), "invalid_client", 401) == FAILED.hint


@pytest.mark.requirement("CA-4")
async def test_an_assertion_proves_its_client_once(remit):
    world = remit.acme
    data = {
        "grant_type": "refresh_token",
        "refresh_token": "x",
        "client_assertion": assertion(remit, world, world.keyed),
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    answers = await asyncio.gather(*(remit.http.post(url(remit), data=data) for _ in range(4)))
    assert sorted(answer.json()["error"] for answer in answers) == ["invalid_client"] * 3 + ["invalid_grant"]


async def test_strangers_are_counted_and_fill_no_log(remit):
    world = remit.acme

    async def knock():
        for _ in range(20):
            await redeem(remit, world, world.local, "abc")

    _, events = await remit.events_of(world, knock())
    assert [event["type"] for event in events] == ["token.refused"]
    assert events[0]["who"]["actor_kind"] == "unknown"


async def test_a_proven_client_gets_an_event_each_time(remit):
    world = remit.acme

    async def knock():
        for _ in range(3):
            await redeem(remit, world, world.web, "abc")

    _, events = await remit.events_of(world, knock())
    assert [event["who"]["actor"] for event in events] == [world.web.id] * 3


@pytest.mark.requirement("OA-17", "RT-9")
async def test_a_client_without_the_refresh_grant_gets_no_refresh_token(remit):
    world = remit.acme
    remit.sql(
        """update client set grant_types = '["authorization_code"]' where tenant = :tenant and id = :id""",
        tenant=world.tenant.id,
        id=world.web.id,
    )
    body = await get_tokens(remit, world, world.web, scope="offline_access read:calendar")
    assert "refresh_token" not in body
    assert body["scope"] == "read:calendar"
    assert "not registered for refresh_token" in refused(
        await refresh(remit, world, world.web, "x"), "unauthorized_client"
    )


@pytest.mark.requirement("OA-16", "OA-17")
async def test_a_public_client_never_acts_for_itself_whatever_it_registered(remit):
    # It proves nothing, so anybody could act in its name.
    world = remit.acme
    remit.sql(
        """update client set grant_types = '["client_credentials"]' where tenant = :tenant and id = :id""",
        tenant=world.tenant.id,
        id=world.local.id,
    )
    refused(await act_for_itself(remit, world, world.local, resource=CALENDAR), "unauthorized_client")


@pytest.mark.requirement("OA-17")
async def test_a_client_without_the_code_grant_redeems_nothing(remit):
    world = remit.acme
    code = (await approve(remit, world, world.web)).code
    remit.sql(
        """update client set grant_types = '["client_credentials"]' where tenant = :tenant and id = :id""",
        tenant=world.tenant.id,
        id=world.web.id,
    )
    assert "not registered for authorization_code" in refused(
        await redeem(remit, world, world.web, code), "unauthorized_client"
    )


@pytest.mark.requirement("BCP-18")
async def test_secrets_of_another_tenant_open_nothing(remit):
    """The two tenants hold the same names; a globex secret and code are tried at acme."""
    acme, globex = remit.acme, remit.globex
    answer = await remit.http.post(
        url(remit), data={"grant_type": "client_credentials"}, auth=(globex.web.id, globex.web_secret.reveal())
    )
    refused(answer, "invalid_client", 401)
    code = (await approve(remit, globex, globex.web)).code
    refused(await redeem(remit, acme, acme.web, code), "invalid_grant")
    assert (await redeem(remit, globex, globex.web, code)).status_code == 200
