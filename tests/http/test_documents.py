"""Clients that a URL describes, from the first request to the last token (CIMD)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

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
    answered,
    approve,
    ask,
    claims_of,
    get_tokens,
    introspect,
    redeem,
    refresh,
    request_for,
    revoke,
    sign_in,
)
from tests.kit.pages import submit, text_of
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


@pytest.mark.requirement("CIMD-9")
async def test_a_good_document_is_read_again_when_its_time_is_over(open_remit, here):
    remit = open_remit
    url = here.document(headers={"cache-control": "max-age=600", "etag": '"1"'})
    await knock(remit, url)
    await knock(remit, url)
    assert here.connections == 1
    remit.clock.forward(seconds=599)
    await knock(remit, url)
    assert here.connections == 1
    remit.clock.forward(seconds=1)
    here.answer("/client.json", b"", status="304 Not Modified", headers={"cache-control": "max-age=900"})
    assert (await knock(remit, url)).url.path.endswith("/login")
    assert here.connections == 2
    assert 'if-none-match: "1"' in here.requests[-1].lower()
    remit.clock.forward(seconds=899)
    await knock(remit, url)
    assert here.connections == 2


@pytest.mark.requirement("CIMD-8", "CIMD-9")
async def test_what_went_wrong_is_not_remembered(open_remit, here):
    remit, url = open_remit, here.url()
    page = await knock(remit, url)
    assert page.status_code == 400
    assert "The document at client_id could not be read" in text_of(page)
    assert await reason(remit) == "answered with 404"
    here.document(client_id="https://other.example/")
    page = await knock(remit, url)
    assert page.status_code == 400
    assert "its client_id must be the very URL" in text_of(page)
    here.document()
    assert (await knock(remit, url)).url.path.endswith("/login")


BODIES = {
    "not JSON": b"<html>",
    "a list": b"[]",
    "a member twice": b'{"client_id":"a","client_id":"b"}',
    "deep": b'{"a":' * 100 + b"1" + b"}" * 100,
    "of the wrong types": b'{"client_id":1}',
    "empty": b"",
}


@pytest.mark.requirement("CIMD-2", "CIMD-4")
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_what_is_no_document(open_remit, here, body):
    page = await knock(open_remit, here.answer("/client.json", body))
    assert page.status_code == 400
    assert "The document at client_id is not valid" in text_of(page)


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


@pytest.mark.requirement("CIMD-14")
async def test_a_change_is_told_and_asked_about_anew(open_remit, here):
    remit, acme = open_remit, open_remit.acme
    url = here.document(redirect_uris=["https://app.example/cb"], grant_types=BOTH)
    await knock(remit, url)
    client = await described(remit, url)
    async with remit.browser() as browser:
        await approve(remit, acme, client, browser=browser)
        # What was allowed once is remembered, as long as the client is what it was.
        assert (await ask(browser, acme, request_for(client))).is_redirect
        remit.clock.forward(seconds=301)
        here.document(redirect_uris=["https://app.example/cb", "https://app.example/new"], grant_types=BOTH)
        page, events = await remit.events_of(acme, ask(browser, acme, request_for(client)))
        assert page.url.path.endswith("/consent")
    changed = next(event for event in events if event["type"] == "client.changed")
    assert changed["what"]["changed"] == ["redirect_uris"]
    assert changed["who"]["client"].startswith("cli_")


async def test_an_outage_at_the_host_signs_nobody_out_for_a_day(open_remit, here):
    remit, acme = open_remit, open_remit.acme
    url = here.document(grant_types=BOTH)
    await knock(remit, url)
    client = await described(remit, url)
    tokens = await get_tokens(remit, acme, client, scope="read:calendar offline_access")
    del here.pages["/client.json"]
    remit.clock.forward(hours=1)
    again = await refresh(remit, acme, client, tokens["refresh_token"])
    assert again.status_code == 200
    # Nobody new is asked in its name meanwhile.
    assert (await knock(remit, url)).status_code == 400
    remit.clock.forward(hours=24)
    late = await refresh(remit, acme, client, again.json()["refresh_token"])
    assert (late.status_code, late.json()["error"]) == (401, "invalid_client")
    here.document(grant_types=BOTH)
    assert (await refresh(remit, acme, client, again.json()["refresh_token"])).status_code == 200


async def test_nobody_makes_us_fetch_at_the_token_endpoint(open_remit, here):
    remit, url = open_remit, here.document()
    for form in (
        {"grant_type": "refresh_token", "refresh_token": "x"},
        {"grant_type": "authorization_code", "code": "x"},
    ):
        answer = await remit.http.post(f"{remit.acme.issuer}/oauth/token", data={"client_id": url, **form})
        assert answer.json()["error"] == "invalid_client"
    assert here.connections == 0


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


async def test_an_address_brings_only_so_many_strangers(open_remit, here):
    remit = open_remit
    limit = 2
    remit.deps = replace(remit.deps, registration=replace(remit.deps.registration, per_peer=limit))
    remit.app, _ = build(remit.deps, Settings())
    statuses = [(await knock(remit, here.url(f"/{number}.json"))).status_code for number in range(limit + 1)]
    assert statuses == [400] * limit + [503]


async def test_the_quota_counts_them_too(open_remit, here):
    remit = open_remit
    remit.deps = replace(remit.deps, registration=replace(remit.deps.registration, quota=1))
    remit.app, _ = build(remit.deps, Settings())
    assert (await knock(remit, here.document("/a.json"))).url.path.endswith("/login")
    full = await knock(remit, here.document("/b.json"))
    assert full.status_code == 403
    assert "takes no more registrations" in text_of(full)


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


async def test_a_consent_that_was_read_before_a_change_is_not_answered_after_it(open_remit, here):
    """The document changes between the page and the yes: whoever asks meanwhile makes the change known (B-REG-05)."""
    remit, acme = open_remit, open_remit.acme
    url = here.document(redirect_uris=["https://app.example/cb"], headers={"cache-control": "max-age=300"})
    await knock(remit, url, redirect_uri="https://app.example/cb")
    client = await described(remit, url)
    async with remit.browser() as browser:
        page = await sign_in(browser, await ask(browser, acme, request_for(client)))
        remit.clock.forward(seconds=300)
        here.document(redirect_uris=["https://evil.example/cb"])
        assert (await knock(remit, url, redirect_uri="https://evil.example/cb")).url.path.endswith("/login")
        late = await submit(browser, page, answered(page))
        assert "the client changed since it asked" in text_of(late).lower()
        assert not late.is_redirect


async def test_a_refresh_lives_on_through_a_new_name(open_remit, here):
    remit, acme = open_remit, open_remit.acme
    url = here.document(grant_types=BOTH)
    await knock(remit, url)
    client = await described(remit, url)
    tokens = await get_tokens(remit, acme, client, scope="read:calendar offline_access")
    remit.clock.forward(seconds=timedelta(minutes=6).total_seconds())
    here.document(grant_types=BOTH, client_name="Notebook")
    assert (await refresh(remit, acme, client, tokens["refresh_token"])).status_code == 200
    assert (await described(remit, url)).name == "Notebook"
