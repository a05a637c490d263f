"""A client manages its registration (RFC 7592), and registers with a token where that is asked for (RFC 7591 §3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from remit.app import build
from remit.core.admission import Admission, Registrations
from remit.core.agents import AgentState
from remit.core.clients import AuthMethod, ClientState
from remit.core.names import ClientId, SecretKind, parse_opaque
from remit.services.admission import choose_admission
from remit.services.provisioning.initial_tokens import add_initial_token, end_initial_token
from remit.services.registration import retire_unused
from remit.settings import Settings
from tests.kit.flows import approve, ask, get_tokens, introspect, refresh, request_for
from tests.kit.pages import text_of
from tests.kit.registering import PUBLIC, let_in, register
from tests.kit.world import SEEDER, client_jwks, sure


@pytest.fixture
async def opened(remit):
    await let_in(remit, remit.acme)
    return remit


async def manage(remit, told: dict[str, Any], method: str = "GET", **kwargs: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {told['registration_access_token']}"}
    where = told["registration_client_uri"]
    answer: httpx.Response = await remit.http.request(method, where, headers=headers, **kwargs)
    return answer


async def client_of(remit, told: dict[str, Any]):
    async with remit.deps.db.read(remit.acme.tenant.id) as work:
        party = await work.clients.party(ClientId(told["client_id"]))
    assert party is not None
    return party.client, party.agent


def forged(remit, text: str, kind: SecretKind) -> str:
    """Return a token of the right id and form, whose secret somebody made up."""
    opaque = parse_opaque(text, kind)
    assert opaque is not None
    made: str = remit.deps.fresh.opaque(kind, id=opaque.id).text().reveal()
    return made


@pytest.mark.requirement("DCR-2", "DCR-8")
async def test_a_client_reads_its_registration(opened):
    told = (await register(opened, opened.acme)).json()
    assert told["registration_client_uri"] == f"{opened.acme.issuer}/oauth/register/{told['client_id']}"
    read = await manage(opened, told)
    assert (read.status_code, read.headers["cache-control"]) == (200, "no-store")
    assert read.json() == told


@pytest.mark.requirement("DCR-8")
async def test_a_client_replaces_its_registration_and_users_are_asked_anew(opened):
    told = (await register(opened, opened.acme, scope="read:calendar", client_uri="https://notes.example/")).json()
    before, _ = await client_of(opened, told)
    wanted = {**PUBLIC, "client_id": told["client_id"], "redirect_uris": ["https://notes.example/cb"], "scope": "fly"}
    answer, events = await opened.events_of(opened.acme, manage(opened, told, "PUT", json=wanted))
    assert answer.status_code == 200
    now = answer.json()
    assert (now["redirect_uris"], "scope" in now, "client_uri" in now) == (["https://notes.example/cb"], False, False)
    assert now["registration_access_token"] == told["registration_access_token"]
    client, _ = await client_of(opened, told)
    assert client.version == before.version + 1
    assert [event["type"] for event in events] == ["client.changed"]
    assert events[0]["what"]["changed"] == ["redirect_uris", "default_scopes", "home"]
    assert (await manage(opened, told)).json() == now


@pytest.mark.requirement("DCR-8")
async def test_a_client_that_comes_to_need_a_secret_gets_one(opened):
    told = (await register(opened, opened.acme)).json()
    wanted = {**PUBLIC, "client_id": told["client_id"], "token_endpoint_auth_method": "client_secret_basic"}
    secret = (await manage(opened, told, "PUT", json=wanted)).json()["client_secret"]
    # It keeps it: a second one would lock out whoever has the first.
    assert "client_secret" not in (await manage(opened, told, "PUT", json=wanted | {"client_secret": secret})).json()
    wrong = await manage(opened, told, "PUT", json=wanted | {"client_secret": "of its own choice"})
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_client_metadata")


REPLACEMENTS = {
    "no client_id": {"client_id": None},
    "another client_id": {"client_id": "cli_other"},
    "no redirect": {"redirect_uris": []},
    "a redirect to plain http": {"redirect_uris": ["http://notes.example/cb"]},
    "no code": {"grant_types": ["client_credentials"]},
    "two ways to its keys": {"jwks": {"keys": []}, "jwks_uri": "https://notes.example/keys"},
}


@pytest.mark.requirement("DCR-8")
@pytest.mark.parametrize("changes", REPLACEMENTS.values(), ids=REPLACEMENTS)
async def test_a_replacement_is_judged_like_a_registration(opened, changes):
    told = (await register(opened, opened.acme)).json()
    answer = await manage(opened, told, "PUT", json={**PUBLIC, "client_id": told["client_id"], **changes})
    assert answer.status_code == 400
    assert (await manage(opened, told)).json() == told


@pytest.mark.requirement("DCR-8")
async def test_a_client_gives_up_its_registration_and_all_it_has(opened):
    told = (await register(opened, opened.acme)).json()
    client, _ = await client_of(opened, told)
    tokens = await get_tokens(opened, opened.acme, client, scope="read:calendar offline_access")
    answer, events = await opened.events_of(opened.acme, manage(opened, told, "DELETE"))
    assert (answer.status_code, answer.content) == (204, b"")
    assert await introspect(opened, opened.acme, tokens["access_token"]) == {"active": False}
    assert (await refresh(opened, opened.acme, client, tokens["refresh_token"])).json()["error"] == "invalid_client"
    client, agent = await client_of(opened, told)
    assert (client.state, agent.state) == (ClientState.RETIRED, AgentState.RETIRED)
    assert {"client.retired", "agent.state_changed"} == {event["type"] for event in events}
    assert (await manage(opened, told)).status_code == 401


@pytest.mark.requirement("DCR-8")
async def test_whoever_has_no_token_of_this_client_learns_nothing(opened):
    mine, others = [(await register(opened, opened.acme)).json() for _ in range(2)]
    where, answers = mine["registration_client_uri"], []
    wrong = mine["registration_access_token"][:-1] + "x"
    web = f"{opened.acme.issuer}/oauth/register/{opened.acme.web.id}"
    for url, token in (
        (where, others["registration_access_token"]),
        (where, wrong),
        (where, forged(opened, mine["registration_access_token"], SecretKind.REGISTRATION)),
        (where, "x"),
        (web, mine["registration_access_token"]),
        (f"{opened.acme.issuer}/oauth/register/cli_none", mine["registration_access_token"]),
    ):
        for method in ("GET", "PUT", "DELETE"):
            answer = await opened.http.request(method, url, headers={"authorization": f"Bearer {token}"}, json=PUBLIC)
            answers.append((answer.status_code, answer.headers["www-authenticate"], answer.content))
    assert len(set(answers)) == 1
    assert answers[0][0] == 401
    bare = await opened.http.get(where)
    assert (bare.status_code, "error=" in bare.headers["www-authenticate"]) == (401, False)
    assert (await opened.http.post(where)).status_code == 405
    elsewhere = mine | {"registration_client_uri": where.replace("/t/acme", "/t/globex")}
    assert (await manage(opened, elsewhere)).status_code == 401
    assert (await manage(opened, mine)).json() == mine


@pytest.mark.requirement("DCR-6")
async def test_a_registration_that_expired_says_what_to_do(opened):
    told = (await register(opened, opened.acme)).json()
    client, _ = await client_of(opened, told)
    opened.clock.forward(hours=25)
    await retire_unused(opened.acme.tenant.id, opened.deps)
    async with opened.browser() as browser:
        page = await ask(browser, opened.acme, request_for(client))
    assert (page.status_code, "register again" in text_of(page)) == (400, True)
    answer = await refresh(opened, opened.acme, client, "x")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert "register again" in answer.json()["error_description"]
    assert (await manage(opened, told)).status_code == 401


async def test_a_program_of_any_type_registers(opened):
    """An app with a scheme of its own, and a client with keys, whatever they leave out."""
    app = {**PUBLIC, "redirect_uris": ["com.example.notes:/cb", "http://localhost/cb"]}
    told = (await register(opened, opened.acme, **app)).json()
    assert told["application_type"] == "native"
    keyed = {"token_endpoint_auth_method": "private_key_jwt", "jwks": client_jwks()}
    told = (await register(opened, opened.acme, **keyed)).json()
    assert (told["jwks"], "client_secret" in told) == (client_jwks(), False)
    client, _ = await client_of(opened, told)
    assert client.auth_method is AuthMethod.PRIVATE_KEY_JWT
    assert (await approve(opened, opened.acme, client)).code
    bad = await register(opened, opened.acme, **keyed | {"jwks": {"keys": []}})
    assert (bad.status_code, bad.json()["error"]) == (400, "invalid_client_metadata")


async def initial(remit, **kwargs: Any):
    wanted = {"note": "laptops", "uses": 1, "lives": timedelta(days=1), **kwargs}
    token, secret = sure(await add_initial_token(remit.acme.tenant.id, remit.deps, SEEDER, **wanted))
    return token, secret.reveal()


async def with_token(remit, text: str) -> httpx.Response:
    answer: httpx.Response = await remit.http.post(
        f"{remit.acme.issuer}/oauth/register", json=PUBLIC, headers={"authorization": f"Bearer {text}"}
    )
    return answer


@pytest.fixture
async def by_token(opened):
    choice = Admission(registration=Registrations.TOKEN)
    sure(await choose_admission(opened.acme.tenant.id, opened.deps, SEEDER, choice))
    return opened


@pytest.mark.requirement("DCR-1")
async def test_a_token_lets_so_many_in(by_token):
    remit = by_token
    metadata = (await remit.http.get(f"{remit.acme.issuer}/.well-known/oauth-authorization-server")).json()
    assert metadata["registration_endpoint"] == f"{remit.acme.issuer}/oauth/register"
    token, text = await initial(remit, uses=2)
    first, events = await remit.events_of(remit.acme, with_token(remit, text))
    assert first.status_code == 201
    assert events[-1]["what"]["token"] == token.id
    # A registration that is refused uses nothing up.
    bad = await remit.http.post(
        f"{remit.acme.issuer}/oauth/register", json={}, headers={"authorization": f"Bearer {text}"}
    )
    assert bad.status_code == 400
    assert [(await with_token(remit, text)).status_code for _ in range(2)] == [201, 401]


@pytest.mark.requirement("DCR-1")
async def test_without_a_good_token_nobody_comes_in(by_token):
    remit = by_token
    bare = await register(remit, remit.acme)
    assert (bare.status_code, 'error="invalid_token"' in bare.headers["www-authenticate"]) == (401, True)
    (_, old), (other, ended) = await initial(remit, lives=timedelta(hours=1)), await initial(remit)
    sure(await end_initial_token(remit.acme.tenant.id, remit.deps, SEEDER, token=other.id))
    remit.clock.forward(hours=1)
    _, good = await initial(remit)
    made_up = forged(remit, good, SecretKind.INITIAL)
    for text in (old, ended, made_up, good[:-1] + "x", "x", remit.acme.web_secret.reveal()):
        assert (await with_token(remit, text)).status_code == 401
    assert (await with_token(remit, good)).status_code == 201


MODES = {
    ("open", Registrations.OPEN): 201, ("open", Registrations.TOKEN): 401, ("open", Registrations.OFF): 404,
    ("token", Registrations.OPEN): 401, ("token", Registrations.OFF): 404,
    ("off", Registrations.OPEN): 404, ("off", Registrations.TOKEN): 404,
}  # fmt: skip


@pytest.mark.requirement("DCR-1")
@pytest.mark.parametrize(("mode", "chosen"), MODES, ids=[f"{mode}, {chosen}" for mode, chosen in MODES])
async def test_the_narrower_of_both_choices_holds(opened, mode, chosen):
    sure(await choose_admission(opened.acme.tenant.id, opened.deps, SEEDER, Admission(registration=chosen)))
    opened.deps = replace(opened.deps, registration=replace(opened.deps.registration, mode=mode))
    opened.app, _ = build(opened.deps, Settings())
    async with opened.browser() as http:
        answer = await http.post(f"{opened.acme.issuer}/oauth/register", json=PUBLIC)
        assert answer.status_code == MODES[mode, chosen]
        told = (await http.get(f"{opened.acme.issuer}/.well-known/openid-configuration")).json()
        assert ("registration_endpoint" in told) is (answer.status_code != 404)
