"""What an approval leaves behind: the grant, its lines, and how long they last."""

from __future__ import annotations

import pytest

from remit.services.provisioning.users import set_rights, turn_rights_on
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
from tests.kit.pages import form_to, submit, text_of
from tests.kit.world import SEEDER, sure


@pytest.fixture
async def browser(remit):
    async with remit.browser() as opened:
        await visit(opened, remit.acme)
        yield opened


async def page_of(remit, browser, client=None, **changes):
    page = await ask(browser, remit.acme, request_for(client or remit.acme.web, **changes))
    assert page.url.path.endswith("/consent"), page.text
    return page


async def give(remit, scopes):
    world = remit.acme
    await turn_rights_on(world.tenant.id, remit.deps, SEEDER)
    sure(
        await set_rights(
            world.tenant.id, remit.deps, SEEDER, user=world.alice.id, resource=world.calendar.id, scopes=scopes
        )
    )


async def test_nobody_is_offered_what_he_cannot_give(remit, browser):
    await give(remit, frozenset({"read:calendar"}))
    assert form_to(await page_of(remit, browser), "/consent").options("scope") == {"read:calendar"}


async def test_who_holds_nothing_is_told_so(remit, browser):
    await give(remit, frozenset())
    answer = await ask(browser, remit.acme, request_for(remit.acme.web))
    assert answer.status_code == 403
    assert "none of the rights" in text_of(answer)


@pytest.mark.requirement("CON-2")
async def test_held_scopes_are_shown_as_held_and_new_ones_as_new(remit, browser):
    world = remit.acme
    await approve(remit, world, world.web, browser=browser, scope="read:calendar")
    page = await page_of(remit, browser, scope="read:calendar write:calendar")
    async with remit.deps.db.read(world.tenant.id) as work:
        (before,) = await work.grants.list(user=world.alice.id)
    await submit(browser, page, answered(page))
    async with remit.deps.db.read(world.tenant.id) as work:
        (after,) = await work.grants.list(user=world.alice.id)
        lines = await work.lines.list(after.id)
    assert (before.id, before.scopes) == (after.id, {"read:calendar"})
    assert after.scopes == {"read:calendar", "write:calendar"}
    assert [line.scopes for line in lines] == [{"read:calendar"}, {"read:calendar", "write:calendar"}]


async def test_an_older_line_keeps_its_own_scopes_after_the_grant_grew(remit, browser):
    world = remit.acme
    first = await approve(remit, world, world.web, browser=browser, scope="read:calendar")
    tokens = (await redeem(remit, world, world.web, first.code)).json()
    await approve(remit, world, world.web, browser=browser, scope="read:calendar write:calendar")
    fresh = (await refresh(remit, world, world.web, tokens["refresh_token"])).json()
    assert fresh["scope"] == "read:calendar"


async def test_a_grant_that_ended_does_not_come_back_wider(remit, browser):
    world = remit.acme
    await approve(remit, world, world.web, browser=browser, scope="read:calendar delete:calendar")
    remit.clock.forward(days=30)
    await visit(browser, world)
    await approve(remit, world, world.web, browser=browser, scope="read:calendar")
    async with remit.deps.db.read(world.tenant.id) as work:
        (grant,) = await work.grants.list(user=world.alice.id)
    assert grant.scopes == {"read:calendar"}


LENGTHS = {"task": 3600, "day": 8 * 3600, "month": 30 * 86400, "for ever": 3600, "": 3600}


@pytest.mark.requirement("CON-1")
@pytest.mark.parametrize(("choice", "seconds"), LENGTHS.items(), ids=LENGTHS)
async def test_an_approval_lasts_as_long_as_was_chosen(remit, browser, choice, seconds):
    world = remit.acme
    page = await page_of(remit, browser)
    form = answered(page)
    form.put("duration", choice)
    response = await submit(browser, page, form)
    tokens = (await redeem(remit, world, world.web, answer_of(response).code)).json()
    async with remit.deps.db.read(world.tenant.id) as work:
        (grant,) = await work.grants.list(user=world.alice.id)
        (line,) = await work.lines.list(grant.id)
    assert (line.expires_at - remit.clock.now()).total_seconds() == seconds
    assert grant.expires_at == line.expires_at
    assert (await introspect(remit, world, tokens["access_token"]))["active"]


async def test_no_approval_outlives_the_remit(remit, browser):
    world = remit.acme
    end = int(remit.clock.now().timestamp() * 1000) + 9 * 3600 * 1000
    remit.sql("update remit set expires_at = :end where tenant = :tenant", end=end, tenant=world.tenant.id)
    page = await page_of(remit, browser)
    assert form_to(page, "/consent").options("duration") == {"task", "day"}
    form = answered(page)
    form.put("duration", "month")
    await submit(browser, page, form)
    async with remit.deps.db.read(world.tenant.id) as work:
        (grant,) = await work.grants.list(user=world.alice.id)
    assert grant.expires_at is not None
    assert grant.expires_at.timestamp() * 1000 == end


async def test_a_remit_that_ends_within_the_hour_leaves_the_shortest_choice(remit, browser):
    world = remit.acme
    end = int(remit.clock.now().timestamp() * 1000) + 30 * 60 * 1000
    remit.sql("update remit set expires_at = :end where tenant = :tenant", end=end, tenant=world.tenant.id)
    page = await page_of(remit, browser)
    assert form_to(page, "/consent").options("duration") == {"task"}
    await submit(browser, page, answered(page))
    async with remit.deps.db.read(world.tenant.id) as work:
        (grant,) = await work.grants.list(user=world.alice.id)
    assert grant.expires_at is not None
    assert grant.expires_at.timestamp() * 1000 == end
