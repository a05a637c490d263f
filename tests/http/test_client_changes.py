"""A client that changes is another one to whoever was asked: what was under way ends, what was kept is asked again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from remit.core.stops import TargetKind
from remit.services.provisioning.changes import change_client
from tests.http.refusals import refused
from tests.kit.flows import (
    answer_of,
    answered,
    approve,
    ask,
    introspect,
    redeem,
    refresh,
    request_for,
    visit,
)
from tests.kit.pages import read_forms, submit, text_of
from tests.kit.stops import stop
from tests.kit.world import CALLBACK, SEEDER, sure

CHANGES = {
    "its name": {"name": "another"},
    "where it is sent back to": {"redirect_uris": (CALLBACK, "https://app.example/third")},
}


async def change(remit, **changes):
    world = remit.acme
    return sure(await change_client(world.tenant.id, remit.deps, SEEDER, replace(world.web, **changes)))


@pytest.mark.requirement("RED-6")
async def test_a_request_under_way_ends_when_addresses_change_and_an_event_tells(remit):
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        page = await ask(browser, world, request_for(world.web))
        _, (event,) = await remit.events_of(world, change(remit, redirect_uris=("https://app.example/new",)))
        assert (event["type"], event["what"]["redirect_uris"]) == ("client.changed", ["https://app.example/new"])
        assert event["who"]["client"] == world.web.id
        late = await submit(browser, page, answered(page))
        assert (late.status_code, late.is_redirect) == (400, False)
        assert "changed since it asked" in text_of(late)
        # The address that was taken away is trusted no longer.
        gone = await ask(browser, world, request_for(world.web))
        assert (gone.status_code, gone.is_redirect) == (400, False)


@pytest.mark.requirement("CON-3", "CON-2")
@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
async def test_consent_is_forgotten_when_what_people_saw_changes(remit, changes):
    world = remit.acme
    async with remit.browser() as browser:
        await approve(remit, world, world.web, browser=browser)
        assert answer_of(await ask(browser, world, request_for(world.web))).code
        await change(remit, **changes)
        page = await ask(browser, world, request_for(world.web))
        assert page.url.path.endswith("/consent")


@pytest.mark.requirement("CON-6", "RT-8")
@pytest.mark.parametrize("by", ["the person", "an administrator"])
async def test_who_gave_something_sees_it_and_ends_it(remit, by):
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        code = (await approve(remit, world, world.web, browser=browser)).code
        tokens = (await redeem(remit, world, world.web, code)).json()
        async with remit.deps.db.read(world.tenant.id) as work:
            (grant,) = await work.grants.list(user=world.alice.id)
        if by == "an administrator":
            assert grant.agent == world.agent.id
            await stop(remit, world, TargetKind.GRANT, grant.id)
        else:
            page = await browser.get(f"{world.issuer}/account")
            assert "planner" in text_of(page)
            assert "See your events" in text_of(page)
            forms = [form for form in read_forms(page) if grant.id in form.action]
            await submit(browser, page, forms[0])
    assert await introspect(remit, world, tokens["access_token"]) == {"active": False}
    refused(await refresh(remit, world, world.web, tokens["refresh_token"]), "invalid_grant")
