"""What provisioning makes, and what it ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from remit.core.agents import AgentState, ScopeKey
from remit.core.clients import AuthMethod
from remit.core.grants import GrantState
from remit.core.keys import USES, KeyState, KeyUse
from remit.core.names import ClientId, SecretKind, parse_opaque
from remit.core.oauth.client_auth import Presented, Proof
from remit.core.oauth.verdicts import Refusal
from remit.core.permissions import API_SCOPES
from remit.core.registration import ClientDraft
from remit.core.users import Role, UserState
from remit.ports.work import EventFilter
from remit.services.client_auth import authenticate, authenticate_resource
from remit.services.provisioning.agents import create_agent, publish_remit, set_agent_state
from remit.services.provisioning.changes import change_user
from remit.services.provisioning.clients import add_client_secret, create_client
from remit.services.provisioning.grants import approve_agent
from remit.services.provisioning.resources import add_resource_secret
from remit.services.provisioning.tenants import create_tenant
from remit.services.provisioning.users import create_user, set_rights, set_user_state, turn_rights_on
from tests.kit.clock import NOW
from tests.kit.world import BASE, HERE, SEEDER, sure


def a_draft(world, **changes):
    draft = ClientDraft(
        agent=world.agent.id, name="new", auth_method=AuthMethod.SECRET_BASIC, redirect_uris=("https://new.example/cb",)
    )
    return replace(draft, **changes)


async def test_a_tenant_comes_with_keys_for_everything_it_signs(remit):
    tenant = sure(await create_tenant(remit.deps, HERE, slug="new", name="New", base_url=BASE))
    async with remit.deps.db.read(tenant.id) as work:
        keys, resources = await work.keys.all(), await work.resources.list()
        events = [event.type for event in await work.events.page(EventFilter())]
    expected = [(use, alg, KeyState.ACTIVE) for use, alg in USES]
    expected += [(use, alg, KeyState.NEXT) for use, alg in USES if use is not KeyUse.AUDIT]
    assert sorted((key.use, key.alg, key.state) for key in keys) == sorted(expected)
    assert [(resource.uri, resource.scopes) for resource in resources] == [(tenant.api, API_SCOPES)]
    assert events.count("key.state_changed") == len(expected)
    assert {"tenant.created", "resource.created"} <= set(events)


SLUGS = {
    "one that is taken": ("acme", "conflict", "there is a tenant `acme` already"),
    "capitals": ("Acme", "invalid_request", "a-z, 0-9 and single hyphens"),
    "a slash": ("a/b", "invalid_request", "a-z, 0-9 and single hyphens"),
    "nothing": ("", "invalid_request", "a-z, 0-9 and single hyphens"),
    "a hyphen at the end": ("acme-", "invalid_request", "a-z, 0-9 and single hyphens"),
    "too long": ("a" * 41, "invalid_request", "up to 40"),
}


@pytest.mark.parametrize(("slug", "code", "hint"), list(SLUGS.values()), ids=list(SLUGS))
async def test_a_slug_that_cannot_be(remit, slug, code, hint):
    async with remit.deps.db.system() as system:
        before = await system.tenants()
        refusal = await create_tenant(remit.deps, HERE, slug=slug, name="New", base_url=BASE)
        assert isinstance(refusal, Refusal)
        assert (refusal.code, hint in refusal.hint) == (code, True)
        assert await system.tenants() == before


async def test_a_tenant_under_another_base_url_is_rolled_back_whole(remit):
    with pytest.raises(ValueError, match="base URL"):
        await create_tenant(remit.deps, HERE, slug="new", name="New", base_url="https://elsewhere.example")
    async with remit.deps.db.system() as system:
        assert await system.tenant_by_slug("new") is None


@pytest.mark.requirement("CA-1")
async def test_a_new_secret_proves_its_client_and_the_old_one_still_does(remit):
    world = remit.acme
    secret = sure(await add_client_secret(world.tenant.id, remit.deps, SEEDER, client=world.web.id))
    async with remit.deps.db.work(world.tenant.id) as work:
        for shown in (secret, world.web_secret):
            presented = Presented(client=world.web.id, proof=Proof.SECRET, value=shown)
            assert sure(await authenticate(work, presented, remit.deps)).client.id == world.web.id


async def test_the_secret_of_a_resource_proves_that_resource_alone(remit):
    world = remit.acme
    secret = sure(await add_resource_secret(world.tenant.id, remit.deps, SEEDER, resource=world.tickets.id))
    assert parse_opaque(secret.reveal(), SecretKind.RESOURCE) is not None
    async with remit.deps.db.work(world.tenant.id) as work:
        for resource, proven in ((world.tickets, True), (world.calendar, False)):
            presented = Presented(client=ClientId(resource.id), proof=Proof.SECRET, value=secret)
            outcome = await authenticate_resource(work, presented, remit.deps)
            assert isinstance(outcome, Refusal) is not proven


@pytest.mark.requirement("GEN-14")
async def test_no_secret_of_a_client_is_in_the_log(remit):
    world = remit.acme
    made = sure(await create_client(world.tenant.id, remit.deps, SEEDER, a_draft(world)))
    assert made.secret is not None
    log = msgspec.json.encode(await remit.events(world)).decode()
    assert made.secret.reveal().partition(".")[2] not in log
    assert made.secret.reveal() not in repr(made)


async def test_an_agent_of_nobody_waits_until_it_may_act(remit):
    world = remit.acme
    agent = sure(await create_agent(world.tenant.id, remit.deps, SEEDER, name="new", purpose="plans"))
    assert agent.state is AgentState.STAGED
    refusal = await set_agent_state(
        world.tenant.id, remit.deps, SEEDER, agent=agent.id, state=AgentState.ACTIVE, reason="ready"
    )
    assert isinstance(refusal, Refusal)
    assert "owner" in refusal.hint


async def test_nothing_new_grows_on_a_retired_agent(remit):
    world, tenant, deps = remit.acme, remit.acme.tenant.id, remit.deps
    sure(await set_agent_state(tenant, deps, SEEDER, agent=world.agent.id, state=AgentState.RETIRED, reason="old"))
    for outcome in (
        await publish_remit(tenant, deps, SEEDER, agent=world.agent.id, scopes=frozenset()),
        await create_client(tenant, deps, SEEDER, a_draft(world)),
        await set_agent_state(tenant, deps, SEEDER, agent=world.agent.id, state=AgentState.ACTIVE, reason="again"),
    ):
        assert isinstance(outcome, Refusal)
        assert outcome.code == "conflict"


async def test_a_remit_takes_the_place_of_the_one_before(remit):
    world = remit.acme
    key = ScopeKey(world.calendar.id, "read:calendar")
    end = NOW + timedelta(days=1)
    made = sure(
        await publish_remit(
            world.tenant.id, remit.deps, SEEDER, agent=world.agent.id, scopes=frozenset({key}), expires_at=end
        )
    )
    assert made.version == world.remit.version + 1
    async with remit.deps.db.read(world.tenant.id) as work:
        assert await work.agents.remit(world.agent.id) == made


async def test_an_approval_is_no_wider_than_the_remit(remit):
    world = remit.acme
    key = ScopeKey(world.calendar.id, "read:calendar")
    sure(await publish_remit(world.tenant.id, remit.deps, SEEDER, agent=world.agent.id, scopes=frozenset({key})))
    approved = sure(await _approve(remit, {"read:calendar", "delete:calendar"}))
    assert approved.grant.scopes == {"read:calendar"}
    assert approved.removed == {"delete:calendar"}
    refusal = await _approve(remit, {"delete:calendar"})
    assert (refusal.code, refusal.hint) == (
        "forbidden",
        "the agent's remit allows none of these scopes: widen the remit first",
    )


async def test_a_new_approval_ends_the_old_one_and_what_it_let_out(remit):
    world = remit.acme
    approved = sure(await _approve(remit, {"delete:calendar"}))
    async with remit.deps.db.read(world.tenant.id) as work:
        old = await work.grants.get(world.unattended.id)
        assert old is not None
        assert old.state is GrantState.REVOKED
        assert await work.grants.of_agent(world.web.id, world.calendar.id) == approved.grant
        assert [stop.target.id for stop in await work.stops.list()] == [old.id]
    assert approved.grant.approver == world.admin.id


async def test_an_administrator_who_left_approves_nothing(remit):
    world, tenant = remit.acme, remit.acme.tenant.id

    async def leave():
        return await set_user_state(
            tenant, remit.deps, SEEDER, user=world.admin.id, state=UserState.INACTIVE, reason="left"
        )

    alone = await leave()
    assert isinstance(alone, Refusal)
    assert alone.code == "conflict"
    sure(await change_user(tenant, remit.deps, SEEDER, replace(world.mallory, role=Role.ADMIN)))
    sure(await leave())
    assert (await _approve(remit, {"read:calendar"})).code == "forbidden"


async def test_rights_count_from_when_they_are_turned_on(remit):
    world, tenant, deps = remit.acme, remit.acme.tenant.id, remit.deps
    given = frozenset({"read:calendar"})
    sure(await set_rights(tenant, deps, SEEDER, user=world.alice.id, resource=world.calendar.id, scopes=given))
    held = []
    for _ in range(2):
        async with deps.db.read(tenant) as work:
            rights = [await work.users.rights(who.id, world.calendar.id) for who in (world.alice, world.mallory)]
        held.append([found.scopes for found in rights])
        await turn_rights_on(tenant, deps, SEEDER)
    assert held == [[None, None], [given, frozenset()]]


async def test_who_did_it_is_in_every_event(remit):
    world, tenant = remit.acme, remit.acme.tenant.id
    who = HERE.operator("cli", "somebody")
    _, events = await remit.events_of(
        world, create_user(tenant, remit.deps, who, email="new@example.com", name="New", role=Role.AUDITOR)
    )
    assert [(event["type"], event["who"], event["what"]["role"]) for event in events] == [
        ("user.created", {"actor_kind": "cli", "actor": "somebody"}, "auditor")
    ]


async def _approve(remit, scopes):
    world = remit.acme
    return await approve_agent(
        world.tenant.id,
        remit.deps,
        SEEDER,
        client=world.web.id,
        resource=world.calendar.id,
        scopes=frozenset(scopes),
        approver=world.admin.id,
    )
