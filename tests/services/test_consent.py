"""The use case behind the consent page holds by itself, whatever the page lets through."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from remit.core.oauth.authorize import AuthorizeRequest
from remit.core.oauth.form import Form
from remit.core.oauth.verdicts import Refusal
from remit.core.stops import TargetKind
from remit.services.authorize import begin, proceed
from remit.services.consent import ANSWERED, Answer, Asking, Choice, approve, deny
from remit.services.sessions import SignedInUser, sign_in
from tests.kit.flows import request_for
from tests.kit.stops import stop
from tests.kit.world import HERE, PASSWORD

READ = frozenset({"read:calendar"})


@pytest.fixture
async def asked(remit):
    """Let a client ask for two scopes, and alice be signed in."""
    world = remit.acme
    form = Form({name: (value,) for name, value in request_for(world.web).items()})
    request = await begin(world.tenant.id, form, remit.deps, HERE, cross_site=False)
    signed_in = await sign_in(world.tenant.id, "alice@example.com", PASSWORD, remit.deps, HERE)
    assert isinstance(request, AuthorizeRequest)
    assert isinstance(signed_in, tuple)
    return request, signed_in[0]


def choice(remit, scopes, **length):
    until = remit.clock.now() + timedelta(**(length or {"hours": 1}))
    return Choice(scopes=frozenset(scopes), until=until, while_away=True)


async def yes(remit, asked, given):
    request, signed_in = asked
    return await approve(remit.acme.tenant.id, request, signed_in, given, remit.deps, HERE)


async def no(remit, asked):
    request, signed_in = asked
    return await deny(remit.acme.tenant.id, request, signed_in, remit.deps, HERE)


async def test_a_yes_to_what_was_not_asked_is_a_no(remit, asked):
    answer, events = await remit.events_of(remit.acme, yes(remit, asked, choice(remit, {"delete:calendar"})))
    assert isinstance(answer, Answer)
    assert answer.code is None
    assert answer.refusal == Refusal("access_denied", "the user allowed none of the scopes")
    assert [event["type"] for event in events] == ["consent.denied"]
    assert await yes(remit, asked, choice(remit, READ)) == ANSWERED
    assert await yes(remit, asked, choice(remit, {})) == ANSWERED
    assert await no(remit, asked) == ANSWERED


async def test_a_yes_holds_what_was_asked_and_no_more(remit, asked):
    answer, events = await remit.events_of(remit.acme, yes(remit, asked, choice(remit, READ | {"delete:calendar"})))
    assert isinstance(answer, Answer)
    assert answer.code is not None
    assert events[0]["what"]["scopes"] == ["read:calendar"]


@pytest.mark.parametrize("answer", [no, lambda remit, asked: yes(remit, asked, choice(remit, READ))])
async def test_no_answer_counts_after_a_quarter_of_an_hour(remit, asked, answer):
    remit.clock.forward(minutes=15)
    (given, events) = await remit.events_of(remit.acme, answer(remit, asked))
    assert isinstance(given, Refusal)
    assert not given.redirect
    assert events == []


@pytest.mark.parametrize("answer", [no, lambda remit, asked: yes(remit, asked, choice(remit, READ))])
async def test_no_answer_counts_for_the_dead(remit, asked, answer):
    await stop(remit, remit.acme, TargetKind.AGENT, remit.acme.agent.id)
    (given, events) = await remit.events_of(remit.acme, answer(remit, asked))
    assert given == Refusal("access_denied", "the agent was stopped", redirect=False)
    assert events == []


@pytest.mark.parametrize("table", ["client", "resource"])
async def test_no_answer_counts_for_the_erased(remit, asked, table):
    remit.sql(f"delete from {table} where tenant = :tenant", tenant=remit.acme.tenant.id)
    given = await yes(remit, asked, choice(remit, READ))
    assert isinstance(given, Refusal)
    assert not given.redirect


async def test_no_approval_is_longer_than_the_server_allows(remit, asked):
    await yes(remit, asked, choice(remit, READ, days=1000))
    async with remit.deps.db.read(remit.acme.tenant.id) as work:
        (grant,) = await work.grants.list(user=remit.acme.alice.id)
    assert grant.expires_at == remit.clock.now() + timedelta(days=remit.deps.lifetimes.refresh_absolute_days)


async def test_the_request_of_one_user_is_not_answered_by_two(remit, asked):
    request, signed_in = asked
    other = SignedInUser(session=signed_in.session, user=replace(remit.acme.mallory))
    assert isinstance(await yes(remit, (request, other), choice(remit, READ)), Answer)
    assert await yes(remit, asked, choice(remit, READ)) == ANSWERED


HELD = {
    "that is not over": ("expires_at", True),
    "without an end": ("null", True),
    "that is over": ("1", False),
}


@pytest.mark.parametrize(("end", "held"), HELD.values(), ids=HELD)
async def test_the_page_shows_as_held_what_a_grant_holds(remit, asked, end, held):
    request, signed_in = asked
    world = remit.acme
    await yes(remit, asked, choice(remit, READ))
    remit.sql(
        f"update grants set expires_at = {end} where tenant = :tenant and user_id is not null", tenant=world.tenant.id
    )
    step = await proceed(world.tenant.id, request, signed_in, remit.deps, HERE)
    assert isinstance(step, Asking)
    assert step.held == (READ if held else frozenset())


@pytest.mark.parametrize(("end", "kept"), HELD.values(), ids=HELD)
async def test_an_approval_widens_what_is_held_unless_it_is_over(remit, asked, end, kept):
    request, signed_in = asked
    world = remit.acme
    await yes(remit, asked, choice(remit, READ))
    remit.sql(
        f"update grants set expires_at = {end} where tenant = :tenant and user_id is not null", tenant=world.tenant.id
    )
    again = replace(request, id="req_2")
    await yes(remit, (again, signed_in), choice(remit, {"write:calendar"}))
    async with remit.deps.db.read(world.tenant.id) as work:
        (grant,) = await work.grants.list(user=world.alice.id)
    assert grant.scopes == {"write:calendar"} | (READ if kept else frozenset())
