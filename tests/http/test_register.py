"""Dynamic client registration at its endpoint (RFC 7591)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from remit.app import build
from remit.core.agents import AgentState, ScopeKey
from remit.core.clients import Client, ClientState
from remit.core.names import ClientId
from remit.core.stops import TargetKind
from remit.ports.deps import RegistrationLimits
from remit.services.provisioning.agents import publish_remit, set_agent_state
from remit.settings import Settings
from remit.worker import Worker
from tests.kit.flows import VERIFIER, answer_of, answered, ask, redeem, request_for, sign_in
from tests.kit.instance import Remit
from tests.kit.pages import submit, text_of
from tests.kit.registration import let_in
from tests.kit.stops import stop
from tests.kit.world import BASE, SEEDER, World, sure

LOCAL = "http://localhost:40123/callback"
PUBLIC = {
    "client_name": "Notes",
    "redirect_uris": [LOCAL],
    "grant_types": ["authorization_code", "refresh_token"],
    "token_endpoint_auth_method": "none",
}


async def post(remit: Remit, world: World, body: Any = PUBLIC, **kwargs: Any) -> httpx.Response:
    return await remit.http.post(f"{world.issuer}/oauth/register", json=body, **kwargs)


async def advertised(remit: Remit, world: World) -> str | None:
    response = await remit.http.get(f"{world.issuer}/.well-known/openid-configuration")
    found: str | None = response.json().get("registration_endpoint")
    return found


async def client_of(remit: Remit, world: World, response: httpx.Response) -> Client:
    assert response.status_code == 201, response.text
    async with remit.deps.db.read(world.tenant.id) as work:
        client = await work.clients.get(ClientId(response.json()["client_id"]))
    assert client is not None
    return client


@pytest.mark.requirement("ASM-4", "DCR-1")
async def test_a_tenant_takes_no_registrations_before_it_has_a_remit_for_them(remit):
    assert await advertised(remit, remit.acme) is None
    response = await post(remit, remit.acme)
    assert (response.status_code, response.json()["error"]) == (404, "not_found")
    await let_in(remit, remit.acme)
    assert await advertised(remit, remit.acme) == f"{remit.acme.issuer}/oauth/register"
    assert (await post(remit, remit.acme)).status_code == 201
    # The neighbour's door stays shut.
    assert await advertised(remit, remit.globex) is None
    assert (await post(remit, remit.globex)).status_code == 404


@pytest.mark.requirement("DCR-1", "ASM-4")
async def test_the_setting_shuts_every_door(remit):
    await let_in(remit, remit.acme)
    remit.deps = replace(remit.deps, registration=RegistrationLimits(mode="off"))
    app, _ = build(remit.deps, Settings())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE) as http:
        metadata = (await http.get(f"{remit.acme.issuer}/.well-known/openid-configuration")).json()
        assert "registration_endpoint" not in metadata
        assert (await http.post(f"{remit.acme.issuer}/oauth/register", json=PUBLIC)).status_code == 404


async def test_a_stop_of_the_governing_agent_shuts_the_door(remit):
    governor = await let_in(remit, remit.acme)
    await stop(remit, remit.acme, TargetKind.AGENT, governor)
    assert await advertised(remit, remit.acme) is None
    assert (await post(remit, remit.acme)).status_code == 404


async def test_retiring_the_governing_agent_shuts_the_door(remit):
    governor = await let_in(remit, remit.acme)
    sure(
        await set_agent_state(
            remit.acme.tenant.id, remit.deps, SEEDER, agent=governor, state=AgentState.RETIRED, reason="enough"
        )
    )
    assert (await post(remit, remit.acme)).status_code == 404


async def test_an_empty_remit_shuts_the_door(remit):
    governor = await let_in(remit, remit.acme)
    sure(await publish_remit(remit.acme.tenant.id, remit.deps, SEEDER, agent=governor, scopes=frozenset()))
    assert (await post(remit, remit.acme)).status_code == 404


async def test_the_door_is_open_as_long_as_the_remit_holds(remit):
    governor = await let_in(remit, remit.acme)
    until = remit.clock.now() + timedelta(hours=1)
    scopes = frozenset({ScopeKey(remit.acme.calendar.id, "read:calendar")})
    sure(await publish_remit(remit.acme.tenant.id, remit.deps, SEEDER, agent=governor, scopes=scopes, expires_at=until))
    assert (await post(remit, remit.acme)).status_code == 201
    remit.clock.forward(hours=1)
    assert (await post(remit, remit.acme)).status_code == 404


@pytest.mark.requirement("DCR-2", "DCR-7")
async def test_a_public_client_is_told_everything_that_holds(remit):
    await let_in(remit, remit.acme)
    response = await post(
        remit, remit.acme, {**PUBLIC, "scope": "read:calendar email everything", "unheard": {"of": 1}}
    )
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["pragma"] == "no-cache"
    body = response.json()
    assert body.pop("client_id").startswith("cli_")
    assert body.pop("registration_client_uri").startswith(f"{remit.acme.issuer}/oauth/register/cli_")
    assert body.pop("registration_access_token").startswith("rmt_ra_")
    assert body == {
        "client_id_issued_at": int(remit.clock.now().timestamp()),
        "client_name": "Notes",
        "redirect_uris": [LOCAL],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "application_type": "web",
        "token_endpoint_auth_method": "none",
        "id_token_signed_response_alg": "RS256",
        "scope": "email read:calendar",
    }


async def test_it_gets_an_agent_under_the_ceiling_owned_by_an_administrator_and_events_tell_it(remit):
    await let_in(remit, remit.acme, "read:calendar")
    response, events = await remit.events_of(remit.acme, post(remit, remit.acme))
    client = await client_of(remit, remit.acme, response)
    assert client.self_registered
    async with remit.deps.db.read(remit.acme.tenant.id) as work:
        party = await work.clients.party(client.id)
    assert party is not None
    assert party.agent.state is AgentState.ACTIVE
    assert party.agent.owner == remit.acme.admin.id
    assert party.agent.name.startswith("Notes ")
    assert party.remit is not None
    assert party.remit.scopes == {ScopeKey(remit.acme.calendar.id, "read:calendar")}
    assert [event["type"] for event in events] == ["agent.created", "remit.published", "client.registered"]
    assert {event["who"]["client"] for event in events} == {client.id}


async def test_two_clients_of_one_name_are_two(remit):
    await let_in(remit, remit.acme)
    first, second = await post(remit, remit.acme), await post(remit, remit.acme)
    assert first.json()["client_id"] != second.json()["client_id"]


async def test_the_agents_of_a_tenant_without_an_administrator_would_be_nobodys(remit):
    await let_in(remit, remit.acme)
    remit.sql("update users set state = 'inactive' where tenant = :t and role = 'admin'", t=remit.acme.tenant.id)
    assert (await post(remit, remit.acme)).json()["error"] == "access_denied"


@pytest.mark.requirement("DCR-2")
@pytest.mark.parametrize("method", [None, "client_secret_basic", "client_secret_post"])
async def test_a_client_with_a_secret_proves_itself_by_it(remit, method):
    await let_in(remit, remit.acme)
    body = {**PUBLIC, "token_endpoint_auth_method": method}
    told = (await post(remit, remit.acme, body)).json()
    assert told["client_secret_expires_at"] == 0
    url = f"{remit.acme.issuer}/oauth/token"
    asked = {"grant_type": "authorization_code", "code": "x", "code_verifier": VERIFIER}
    right = await remit.http.post(url, data=asked, auth=(told["client_id"], told["client_secret"]))
    wrong = await remit.http.post(url, data=asked, auth=(told["client_id"], told["client_secret"] + "x"))
    assert right.json()["error"] == "invalid_grant"
    assert wrong.json()["error"] == "invalid_client"


async def tokens_of(remit: Remit, world: World, client: Client, **changes: Any) -> tuple[str, dict[str, Any]]:
    """Let alice allow a client everything that it asks for; return what she read, and the answer."""
    async with remit.browser() as browser:
        asked = request_for(client, scope="read:calendar write:calendar delete:calendar offline_access", **changes)
        page = await sign_in(browser, await ask(browser, world, asked))
        answer = answer_of(await submit(browser, page, answered(page)))
    tokens = await redeem(remit, world, client, answer.code, redirect_uri=changes.get("redirect_uri"))
    assert tokens.status_code == 200, tokens.text
    return text_of(page), tokens.json()


@pytest.mark.requirement("CON-7", "DCR-6")
async def test_a_user_reads_that_it_registered_itself_and_gives_no_more_than_the_ceiling(remit):
    await let_in(remit, remit.acme)
    client = await client_of(remit, remit.acme, await post(remit, remit.acme))
    # Another port than the one that was registered: the listener takes what is free (RFC 8252 §7.3).
    read, tokens = await tokens_of(remit, remit.acme, client, redirect_uri="http://localhost:5/callback")
    assert "Self-registered." in read
    assert "an app on this computer" in read
    assert tokens["scope"] == "offline_access read:calendar write:calendar"
    assert "refresh_token" in tokens


async def test_a_user_reads_where_a_client_of_the_web_leads(remit):
    await let_in(remit, remit.acme)
    body = {**PUBLIC, "redirect_uris": ["https://notes.example/cb"]}
    client = await client_of(remit, remit.acme, await post(remit, remit.acme, body))
    read, _ = await tokens_of(remit, remit.acme, client)
    assert "Self-registered from notes.example" in read


@pytest.mark.requirement("RT-9")
async def test_a_client_that_registered_code_alone_gets_no_refresh_token(remit):
    await let_in(remit, remit.acme)
    body = {name: value for name, value in PUBLIC.items() if name != "grant_types"}
    client = await client_of(remit, remit.acme, await post(remit, remit.acme, body))
    _, tokens = await tokens_of(remit, remit.acme, client)
    assert "refresh_token" not in tokens
    assert "offline_access" not in tokens["scope"]


async def purge(remit: Remit) -> None:
    await Worker(remit.deps, checkpoints=remit.folder / "checkpoints.log", seconds=60, events=1000).purge()


async def register_again(remit: Remit) -> None:
    await client_of(remit, remit.acme, await post(remit, remit.acme))


@pytest.mark.requirement("DCR-6")
@pytest.mark.parametrize("occasion", [purge, register_again], ids=["by the worker", "when another one registers"])
async def test_what_nobody_used_for_a_day_is_retired_and_everything_else_is_not(remit, occasion):
    await let_in(remit, remit.acme)
    used = await client_of(remit, remit.acme, await post(remit, remit.acme))
    unused = await client_of(remit, remit.acme, await post(remit, remit.acme))
    await tokens_of(remit, remit.acme, used)
    remit.clock.forward(hours=25)
    await occasion(remit)
    async with remit.deps.db.read(remit.acme.tenant.id) as work:
        states = [(await work.clients.get(client.id)).state for client in (used, unused, remit.acme.rival)]
        agent = await work.agents.get(unused.agent)
    assert states == [ClientState.ACTIVE, ClientState.EXPIRED, ClientState.ACTIVE]
    assert agent is not None
    assert agent.state is AgentState.RETIRED


async def limited(remit: Remit, times: int, *, hours: float = 0, **limits: Any) -> list[tuple[int, str | None]]:
    """Register again and again under these limits, each time from somebody else if headers were believed."""
    await let_in(remit, remit.acme)
    remit.deps = replace(remit.deps, registration=RegistrationLimits(**limits))
    app, _ = build(remit.deps, Settings())
    answers = []
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE) as http:
        for turn in range(times):
            headers = {"x-forwarded-for": f"192.0.2.{turn}", "forwarded": f"for=192.0.2.{turn}"}
            answers.append(await http.post(f"{remit.acme.issuer}/oauth/register", json=PUBLIC, headers=headers))
            remit.clock.forward(hours=hours)
    return [(answer.status_code, answer.json().get("error")) for answer in answers]


@pytest.mark.requirement("DCR-6")
async def test_a_tenant_takes_so_many_and_no_more(remit):
    assert await limited(remit, 3, quota=2) == [(201, None), (201, None), (400, "access_denied")]


async def test_what_is_retired_makes_room(remit):
    assert await limited(remit, 3, quota=1, hours=25) == [(201, None)] * 3


@pytest.mark.requirement("DCR-6")
async def test_one_address_may_not_register_without_end(remit):
    assert await limited(remit, 3, per_peer=2) == [(201, None), (201, None), (429, "temporarily_unavailable")]


BAD = {
    "a form": {"data": {"redirect_uris": LOCAL}},
    "no object": {"json": [PUBLIC]},
    "a redirect that is no text": {"json": {**PUBLIC, "redirect_uris": [1]}},
    "nested without end": {"content": b"[" * 100, "headers": {"content-type": "application/json"}},
    "an empty body": {"content": b"", "headers": {"content-type": "application/json"}},
}


@pytest.mark.parametrize("sent", BAD.values(), ids=BAD)
async def test_a_body_that_says_nothing_is_refused_and_told(remit, sent):
    await let_in(remit, remit.acme)
    response, events = await remit.events_of(remit.acme, remit.http.post(f"{remit.acme.issuer}/oauth/register", **sent))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_client_metadata")
    assert [event["type"] for event in events] == ["client.registration_refused"]


async def test_it_is_posted_and_nothing_else(remit):
    await let_in(remit, remit.acme)
    response = await remit.http.get(f"{remit.acme.issuer}/oauth/register")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


async def test_a_page_of_any_origin_may_register(remit):
    await let_in(remit, remit.acme)
    response = await post(remit, remit.acme, headers={"origin": "https://inspector.example"})
    assert response.headers["access-control-allow-origin"] == "*"
