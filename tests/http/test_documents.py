"""Clients that a URL describes, from the first request to the last token (CIMD)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from remit.app import build
from remit.core.admission import Admission, Documents
from remit.core.agents import AgentState
from remit.core.clients import AuthMethod, ClientState
from remit.core.names import ClientId
from remit.core.oauth.verdicts import Refusal
from remit.core.stops import TargetKind
from remit.services.admission import choose_admission
from remit.services.feed import read_feed
from remit.services.provisioning.changes import change_client, retire_client
from remit.services.provisioning.expected import expect_client
from remit.settings import Settings
from remit.worker import Worker
from tests.kit.documents import described, fetching, knock, read_consent
from tests.kit.flows import (
    act_for_itself,
    approve,
    claims_of,
    get_tokens,
    introspect,
    redeem,
    refresh,
    revoke,
)
from tests.kit.pages import text_of
from tests.kit.registration import let_in
from tests.kit.site import Names, site
from tests.kit.stops import stop
from tests.kit.world import SEEDER, client_jwks, sure

BOTH = ["authorization_code", "refresh_token"]


@pytest.fixture
async def here():
    async with site() as opened:
        yield opened


@pytest.fixture
async def open_remit(remit):
    """An instance whose tenant acme lets strangers in, and that can reach the site."""
    async with fetching(remit):
        await let_in(remit, remit.acme)
        yield remit


async def refused_hint(outcome):
    """Return why something was refused."""
    refusal = await outcome
    assert isinstance(refusal, Refusal)
    assert refusal.code == "conflict"
    return refusal.hint


async def choose(remit, **choice):
    sure(await choose_admission(remit.acme.tenant.id, remit.deps, SEEDER, Admission(**choice)))


async def reason(remit):
    events = await remit.events(remit.acme, type="client.document_refused")
    return events[-1]["what"]["reason"] if events else None


@pytest.mark.requirement("CIMD-2", "CIMD-15", "CIMD-19")
async def test_a_client_comes_by_its_url_and_is_called_by_it_everywhere(open_remit, here):
    remit, acme = open_remit, open_remit.acme
    metadata = (await remit.http.get(f"{acme.issuer}/.well-known/oauth-authorization-server")).json()
    assert metadata["client_id_metadata_document_supported"] is True
    url = here.document(grant_types=BOTH, scope="read:calendar")
    (page, events) = await remit.events_of(acme, knock(remit, url))
    assert page.url.path.endswith("/login")
    assert [event["type"] for event in events] == ["agent.created", "remit.published", "client.registered"]
    assert events[-1]["what"]["document"] == url
    client = await described(remit, url)
    assert client.self_registered
    tokens = await get_tokens(remit, acme, client, scope="openid read:calendar offline_access")
    assert claims_of(tokens["access_token"])["client_id"] == url
    assert claims_of(tokens["id_token"])["aud"] == url
    assert (await introspect(remit, acme, tokens["access_token"]))["client_id"] == url
    again = await refresh(remit, acme, client, tokens["refresh_token"])
    assert again.status_code == 200
    assert (await revoke(remit, acme, client, again.json()["access_token"])).status_code == 200
    assert await introspect(remit, acme, again.json()["access_token"]) == {"active": False}
    # The neighbour knows nothing of it, and neither does another URL.
    assert (await remit.http.get(f"{remit.globex.issuer}/.well-known/openid-configuration")).json().get(
        "client_id_metadata_document_supported"
    ) is None
    other = await described(remit, url)
    assert (await knock(remit, here.document("/other.json"))).url.path.endswith("/login")
    assert (await described(remit, here.url("/other.json"))).agent != other.agent


@pytest.mark.requirement("CIMD-12", "CIMD-11", "CIMD-13")
async def test_the_page_says_where_the_client_lives_and_that_nobody_checked_it(open_remit, here):
    remit = open_remit
    url = here.document(client_uri="https://elsewhere.example/", logo_uri="https://cdn.example/logo.png")
    page = await read_consent(remit, url)
    text = text_of(page).replace(" .", ".")
    assert f"Unverified: it says who it is at app.example:{here.port}." in text
    assert "Its home page is said to be on another host, elsewhere.example." in text
    assert "Few people here have allowed it so far." in text
    assert "Nobody has checked who this is" in text
    assert "an app on this computer" in text
    assert url in text
    # No logo of a stranger is shown, so no browser ever asks him for one (CIMD-11).
    assert "cdn.example" not in page.text
    assert "img-src 'self'" in page.headers["content-security-policy"]
    web = here.document("/web.json", redirect_uris=["https://app.example/cb"], client_uri=here.url("/about"))
    text = text_of(await read_consent(remit, web, redirect_uri="https://app.example/cb"))
    assert "Next you go to app.example" in text
    assert "Its home page" not in text


@pytest.mark.requirement("CIMD-5")
@pytest.mark.parametrize("members", [
    {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": []}},
    {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "EC", "crv": "P-256", "d": "c"}]}},
    {"client_secret": "s"}, {"client_secret_expires_at": 0},
])  # fmt: skip
async def test_a_document_with_a_secret_or_without_usable_keys(open_remit, here, members):
    assert (await knock(open_remit, here.document(**members))).status_code == 400


@pytest.mark.requirement("CIMD-6")
async def test_a_client_with_keys_has_to_use_them(open_remit, here):
    remit, acme = open_remit, open_remit.acme
    url = here.document(token_endpoint_auth_method="private_key_jwt", jwks=client_jwks(), grant_types=BOTH)
    await knock(remit, url)
    client = await described(remit, url)
    answer = await approve(remit, acme, client)
    public = replace(client, auth_method=AuthMethod.NONE)
    refused = await redeem(remit, acme, public, answer.code)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert (await redeem(remit, acme, client, answer.code)).status_code == 200


@pytest.mark.requirement("CIMD-7")
async def test_a_redirect_is_one_of_the_document(open_remit, here):
    remit = open_remit
    url = here.document(redirect_uris=["https://app.example/cb"])
    page = await knock(remit, url, redirect_uri="https://app.example/cb/")
    assert page.status_code == 400
    assert "not one that this client registered" in text_of(page)


@pytest.mark.requirement("CIMD-13", "CIMD-15")
async def test_a_tenant_says_whose_documents_are_read(open_remit, here):
    remit, url = open_remit, here.document()
    metadata = f"{remit.acme.issuer}/.well-known/oauth-authorization-server"
    for choice, let in (
        (Admission(documents=Documents.OFF), False),
        (Admission(documents=Documents.LISTED, hosts=("other.example",)), False),
        (Admission(documents=Documents.UNLISTED, hosts=("app.example",)), False),
        (Admission(documents=Documents.LISTED, hosts=("app.example",)), True),
        (Admission(documents=Documents.UNLISTED, hosts=("other.example",)), True),
    ):
        sure(await choose_admission(remit.acme.tenant.id, remit.deps, SEEDER, choice))
        before = here.connections
        assert (await knock(remit, url)).url.path.endswith("/login") is let
        assert let or here.connections == before
        told = (await remit.http.get(metadata)).json().get("client_id_metadata_document_supported")
        assert (told is True) is (choice.documents is not Documents.OFF)


@pytest.mark.requirement("CIMD-13")
async def test_a_host_that_is_no_longer_welcome_gets_nothing_more(open_remit, here):
    remit, acme = open_remit, open_remit.acme
    url = here.document(grant_types=BOTH)
    await knock(remit, url)
    client = await described(remit, url)
    tokens = await get_tokens(remit, acme, client, scope="read:calendar offline_access")
    await choose(remit, documents=Documents.UNLISTED, hosts=("app.example",))
    assert (await knock(remit, url)).status_code == 400
    refused = await refresh(remit, acme, client, tokens["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


@pytest.mark.requirement("CIMD-18")
async def test_a_tenant_may_keep_redirects_to_the_documents_own_origin(open_remit, here):
    remit = open_remit
    await choose(remit, same_origin=True)
    assert (await knock(remit, here.document())).status_code == 400
    own = here.url("/cb")
    assert (await knock(remit, here.document(redirect_uris=[own]), redirect_uri=own)).url.path.endswith("/login")


@pytest.mark.requirement("CIMD-13")
async def test_whom_an_administrator_expects_is_no_stranger(open_remit, here):
    remit, acme = open_remit, open_remit.acme
    await choose(remit, documents=Documents.OFF)
    url = here.document(
        token_endpoint_auth_method="private_key_jwt", jwks=client_jwks(), grant_types=[*BOTH, "client_credentials"]
    )
    tenant = acme.tenant.id
    made = sure(await expect_client(tenant, remit.deps, SEEDER, agent=acme.agent.id, document=url))
    assert here.connections == 0
    text = text_of(await read_consent(remit, url))
    assert "Registered by your organisation." in text
    assert "Few people" not in text
    client = await described(remit, url)
    assert (client.agent, client.self_registered) == (acme.agent.id, False)
    # Acting for itself still takes an administrator's grant.
    assert (await act_for_itself(remit, acme, client, resource="https://calendar.example/")).json()[
        "error"
    ] != "invalid_client"
    twice = expect_client(tenant, remit.deps, SEEDER, agent=acme.agent.id, document=url)
    assert made.id in await refused_hint(twice)
    async with remit.deps.db.read(tenant) as work:
        stored = await work.clients.get(made.id)
    assert stored is not None
    assert "its document says" in await refused_hint(
        change_client(tenant, remit.deps, SEEDER, replace(stored, name="Mine"))
    )


async def test_a_client_that_came_by_itself_is_adopted_with_its_agent(open_remit, here):
    remit, tenant, url = open_remit, open_remit.acme.tenant.id, here.document()
    await knock(remit, url)
    client = await described(remit, url)
    elsewhere = expect_client(tenant, remit.deps, SEEDER, agent=remit.acme.agent.id, document=url)
    assert client.agent in await refused_hint(elsewhere)
    adopted = sure(await expect_client(tenant, remit.deps, SEEDER, agent=client.agent, document=url))
    assert not adopted.self_registered
    assert "Registered by your organisation." in text_of(await read_consent(remit, url))


async def test_it_is_stopped_and_retired_like_every_client(open_remit, here):
    remit, acme = open_remit, open_remit.acme
    url = here.document(grant_types=BOTH)
    await knock(remit, url)
    client = await described(remit, url)
    tokens = await get_tokens(remit, acme, client)
    async with remit.deps.db.read(acme.tenant.id) as work:
        stored = await work.clients.get(ClientId(url))
        epoch = await work.tenants.epoch()
    assert stored is not None
    await stop(remit, acme, TargetKind.CLIENT, stored.id)
    assert await introspect(remit, acme, tokens["access_token"]) == {"active": False}
    # Guards read the client's id from tokens, so the feed names it as tokens do.
    page = await read_feed(acme.tenant.id, epoch, remit.deps)
    assert [entry.target for entry in page.stops] == [(TargetKind.CLIENT, url)]
    sure(await retire_client(acme.tenant.id, remit.deps, SEEDER, client=stored.id, reason="enough"))
    remit.clock.forward(days=2)
    before = here.connections
    assert (await knock(remit, url)).status_code == 400
    assert here.connections == before


@pytest.mark.requirement("DCR-6")
async def test_what_nobody_allowed_for_a_day_makes_room_and_may_come_again(open_remit, here, tmp_path):
    remit, url = open_remit, here.document()
    await knock(remit, url)
    first = await described(remit, url)
    remit.clock.forward(hours=25)
    await Worker(remit.deps, checkpoints=tmp_path / "log", seconds=60, events=10).purge()
    async with remit.deps.db.read(remit.acme.tenant.id) as work:
        assert await work.clients.get(ClientId(url)) is None
        old = (await work.clients.list(first.agent))[0]
        agent = await work.agents.get(first.agent)
    assert agent is not None
    assert (old.state, agent.state) == (ClientState.EXPIRED, AgentState.RETIRED)
    await knock(remit, url)
    assert (await described(remit, url)).agent != first.agent


@pytest.mark.requirement("CIMD-1", "CIMD-10")
@pytest.mark.parametrize("url", [
    "https://app.example", "https://app.example/../c", "https://127.1/c", "https://u@app.example/c", "https://app.example/c#",
])  # fmt: skip
async def test_what_is_no_client_id_is_never_fetched(open_remit, here, url):
    names = Names()
    async with fetching(open_remit, names=names):
        page = await knock(open_remit, url)
    assert page.status_code == 400
    assert names.asked == []


async def test_the_setting_shuts_it_everywhere(open_remit, here):
    remit, url = open_remit, here.document()
    remit.deps = replace(remit.deps, registration=replace(remit.deps.registration, documents=False))
    remit.app, _ = build(remit.deps, Settings())
    assert (await knock(remit, url)).status_code == 400
    assert here.connections == 0
