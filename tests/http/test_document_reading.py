"""When the document of a client is read, what of it counts, and for how long (CIMD-8, CIMD-9, CIMD-14)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from remit.app import build
from remit.settings import Settings
from tests.kit.documents import described, fetching, knock
from tests.kit.flows import (
    answered,
    approve,
    ask,
    get_tokens,
    refresh,
    request_for,
    sign_in,
)
from tests.kit.pages import submit, text_of
from tests.kit.registration import let_in
from tests.kit.site import site

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


async def reason(remit):
    events = await remit.events(remit.acme, type="client.document_refused")
    return events[-1]["what"]["reason"] if events else None


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
