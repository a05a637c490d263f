"""What ends one link of a chain of exchanges ends all that came of it: by rows, by the feed, and by time."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from remit.core.agents import ScopeKey
from remit.core.names import Prefix, RemitId
from remit.core.stops import TargetKind
from remit.services.feed import read_feed
from remit.services.provisioning.changes import change_resource
from remit.services.signing_keys import rotate_keys
from remit_sdk.epochs import Epochs
from remit_sdk.epochs import Stop as FeedStop
from remit_sdk.jwks import read_keys
from remit_sdk.verify import AccessToken, Unverified, judge, read
from tests.kit.delegation import about, exchange, handed_on, team
from tests.kit.flows import claims_of, get_tokens
from tests.kit.stops import stop
from tests.kit.world import SCOPES, SEEDER, sure

SCOPE = "read:calendar write:calendar"


@pytest.fixture
async def three(remit):
    return await team(remit, remit.acme, "scheduler", "finder", "sender")


@pytest.fixture
async def subject(remit, three):
    """What the scheduler was shown: the user's token, by way of the planner, for the calendar."""
    return (await get_tokens(remit, remit.acme, remit.acme.web, scope=SCOPE))["access_token"]


def header_of(text):
    head = text.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))


async def by_feed(remit, world, text):
    """Return what a guard says that reads the keys and the feed of stops, and asks nobody about the token."""
    page = await read_feed(world.tenant.id, 0, remit.deps)
    keys = read_keys((await remit.http.get(f"{world.issuer}/oauth/jwks")).json())
    unverified, now = read(text), remit.clock.now().timestamp()
    assert isinstance(unverified, Unverified)
    claims = claims_of(text)
    judged = judge(unverified, key=keys[unverified.kid], issuer=world.issuer, audience=claims["aud"], now=now, leeway=0)
    assert isinstance(judged, AccessToken), judged
    epochs = Epochs()
    for row in page.stops:
        epochs.learn(FeedStop(seq=row.epoch, kind=row.target.kind, id=row.target.id, epoch=row.epoch), at=0.0)
    return epochs.stopped(judged, resources=frozenset())


LINKS = {
    "the token that was shown first": (TargetKind.TOKEN, lambda w, m, root: root["jti"]),
    "the agent that was allowed": (TargetKind.AGENT, lambda w, m, root: w.agent.id),
    "its client": (TargetKind.CLIENT, lambda w, m, root: w.web.id),
    "the user": (TargetKind.USER, lambda w, m, root: w.alice.id),
    "the grant": (TargetKind.GRANT, lambda w, m, root: root["grant_id"]),
    "the line": (TargetKind.LINE, lambda w, m, root: root["line_id"]),
    "the resource on the way": (TargetKind.RESOURCE, lambda w, m, root: m[0].resource.id),
    "the agent in the middle": (TargetKind.AGENT, lambda w, m, root: m[0].agent.id),
    "the client in the middle": (TargetKind.CLIENT, lambda w, m, root: m[0].client.id),
    "the second resource": (TargetKind.RESOURCE, lambda w, m, root: m[1].resource.id),
    "the agent that acts": (TargetKind.AGENT, lambda w, m, root: m[1].agent.id),
    "the client that acts": (TargetKind.CLIENT, lambda w, m, root: m[1].client.id),
    "the target": (TargetKind.RESOURCE, lambda w, m, root: m[2].resource.id),
    "the tenant": (TargetKind.TENANT, lambda w, m, root: w.tenant.id),
}


@pytest.mark.requirement("TX-11")
@pytest.mark.parametrize(("kind", "named"), LINKS.values(), ids=LINKS)
async def test_a_stop_of_any_link_ends_what_came_of_it(remit, three, subject, kind, named):
    """At introspection, at a guard that reads the feed and asks nobody, and for whoever wants to act on."""
    world, (scheduler, finder, sender) = remit.acme, three
    first = await handed_on(remit, world, scheduler, subject, finder.resource)
    second = await handed_on(remit, world, finder, first, sender.resource)
    target = named(world, three, claims_of(subject))
    await stop(remit, world, kind, target)
    assert await about(remit, world, second, sender) == {"active": False}
    assert await by_feed(remit, world, second) == kind
    answer = await exchange(remit, world, sender, second, finder.resource)
    assert answer.status_code in {400, 401}


@pytest.mark.requirement("TX-11")
async def test_a_key_that_is_stopped_takes_along_what_came_of_its_tokens(remit, three, subject):
    world, (scheduler, finder, _) = remit.acme, three
    old = header_of(subject)["kid"]
    await rotate_keys(world.tenant.id, remit.deps, SEEDER)
    derived = await handed_on(remit, world, scheduler, subject, finder.resource)
    assert header_of(derived)["kid"] != old
    await stop(remit, world, TargetKind.KID, old)
    assert await about(remit, world, derived, finder) == {"active": False}
    assert await by_feed(remit, world, derived) == TargetKind.KID


@pytest.mark.requirement("TX-11")
async def test_whoever_answers_no_longer_takes_along_what_he_got_by_it(remit, three, subject):
    world, (scheduler, finder, sender) = remit.acme, three
    derived = await handed_on(remit, world, scheduler, subject, finder.resource)
    told = replace(scheduler.resource, served_by=sender.agent.id)
    sure(await change_resource(world.tenant.id, remit.deps, SEEDER, told))
    assert await about(remit, world, derived, finder) == {"active": False}
    assert await by_feed(remit, world, derived) == TargetKind.RESOURCE


WRITE = frozenset({"write:calendar"})
GONE = {
    "its remit on the first resource": lambda r, w, m: holds(r, w, w.agent, {m[0]: WRITE, m[1]: SCOPES, m[2]: SCOPES}),
    "its remit on the second resource": lambda r, w, m: holds(r, w, w.agent, {m[0]: SCOPES, m[1]: WRITE, m[2]: SCOPES}),
    "its remit on the target": lambda r, w, m: holds(r, w, w.agent, {m[0]: SCOPES, m[1]: SCOPES, m[2]: WRITE}),
    "the remit of the next one, where it acted": lambda r, w, m: holds(r, w, m[0].agent, {m[1]: WRITE, m[2]: SCOPES}),
    "the remit of the next one, on the target": lambda r, w, m: holds(r, w, m[0].agent, {m[1]: SCOPES, m[2]: WRITE}),
    "the user's right on the first resource": lambda r, w, m: rights(r, w, m[1:]),
    "the user's right on the second resource": lambda r, w, m: rights(r, w, [m[0], m[2]]),
    "the user's right on the target": lambda r, w, m: rights(r, w, m[:2]),
    "the scope of the first resource": lambda r, w, m: defines(r, w, m[0]),
    "the scope of the second resource": lambda r, w, m: defines(r, w, m[1]),
}


async def holds(remit, world, agent, parts):
    """Publish a remit in the rows alone: the use case ends every token from before, which would hide what is judged."""
    keys = frozenset(ScopeKey(member.resource.id, name) for member, names in parts.items() for name in names)
    async with remit.deps.db.work(world.tenant.id) as work:
        before = await work.agents.remit(agent.id)
        later = replace(before, id=RemitId(remit.deps.fresh.id(Prefix.REMIT)), version=before.version + 1, scopes=keys)
        await work.agents.publish(later, at=remit.deps.clock.now())


async def defines(remit, world, member):
    remit.sql(
        "delete from scope where tenant = :tenant and resource_id = :resource and name = 'read:calendar'",
        tenant=world.tenant.id,
        resource=member.resource.id,
    )


async def rights(remit, world, members):
    async with remit.deps.db.work(world.tenant.id) as work:
        await work.tenants.turn_rights_on()
        for member in members:
            await work.users.set_rights(world.alice.id, member.resource.id, SCOPES)


@pytest.mark.requirement("TX-5")
@pytest.mark.parametrize("take", GONE.values(), ids=GONE)
async def test_what_was_taken_from_an_earlier_link_is_taken_from_what_came_of_it(remit, three, subject, take):
    world, (scheduler, finder, sender) = remit.acme, three
    first = await handed_on(remit, world, scheduler, subject, finder.resource, scope="read:calendar")
    second = await handed_on(remit, world, finder, first, sender.resource)
    assert (await about(remit, world, second, sender))["active"] is True
    await take(remit, world, three)
    assert await about(remit, world, second, sender) == {"active": False}


@pytest.mark.requirement("TX-11")
async def test_a_remembered_answer_ends_with_the_remit_of_who_acted_before(remit, three, subject):
    world, (scheduler, finder, sender) = remit.acme, three
    first = await handed_on(remit, world, scheduler, subject, finder.resource)
    second = await handed_on(remit, world, finder, first, sender.resource)
    remit.sql(
        "update remit set expires_at = :at where tenant = :tenant and agent_id = :agent and state = 'active'",
        at=int((remit.clock.now() + timedelta(seconds=30)).timestamp() * 1000),
        tenant=world.tenant.id,
        agent=scheduler.agent.id,
    )
    assert (await about(remit, world, second, sender))["active"] is True
    remit.clock.forward(seconds=29)
    assert (await about(remit, world, second, sender))["active"] is True
    remit.clock.forward(seconds=1)
    assert await about(remit, world, second, sender) == {"active": False}
