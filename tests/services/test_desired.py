"""A tenant as files describe it: reading, comparing, making."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from remit.core.agents import AgentState
from remit.core.clients import AuthMethod
from remit.core.oauth.verdicts import Refusal
from remit.core.resources import ResourceState
from remit.services.desired import apply as applying
from remit.services.desired.apply import apply_changes, plan_for, try_changes
from remit.services.desired.export import export_state
from remit.services.desired.plan import Kind, Verb, plan
from remit.services.desired.state import (
    AgentDescribed,
    ClientDescribed,
    RemitDescribed,
    ResourceDescribed,
    ScopeState,
    State,
    merge,
)
from tests.kit.clock import NOW
from tests.kit.instance import instance
from tests.kit.world import SEEDER, sure
from tests.services.described import make_so, states

LAWS = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
MAIL = "https://mail.example/"


def mail(**changes):
    described = {"uri": MAIL, "name": "Mail", "scopes": [ScopeState(name="read:mail", sentence="Read your mail")]}
    return ResourceDescribed(**{**described, **changes})


def in_instance(folders, body):
    """Run a body in an instance of its own."""

    async def run():
        async with instance(folders.mktemp("instance")) as remit:
            return await body(remit)

    return asyncio.run(run())


@LAWS
@given(wanted=states())
def test_what_is_applied_is_what_is_exported(tmp_path_factory, wanted):
    async def body(remit):
        tenant = remit.acme.tenant.id
        before = await export_state(tenant, remit.deps)
        await make_so(remit, sure(merge([wanted])))
        after = await export_state(tenant, remit.deps)
        assert sure(merge([after])) == after
        return before, after, await plan_for(tenant, remit.deps, after), await plan_for(tenant, remit.deps, wanted)

    before, after, again, other = in_instance(tmp_path_factory, body)
    told = sure(merge([wanted]))
    for kind in ("resources", "agents", "clients"):
        # What was there and is not named is as it was.
        named = {_name(one) for one in getattr(told, kind)}
        kept = [one for one in getattr(before, kind) if _name(one) not in named]
        assert [one for one in getattr(after, kind) if _name(one) not in named] == kept
    assert _as_told(after, told) == told
    assert again == ()
    assert other == ()


def _name(one):
    return one.uri if isinstance(one, ResourceDescribed) else one.name


def _as_told(after, told):
    """The part of an export that a description speaks of; an owner's address in the spelling it used."""
    agents = {agent.name: agent for agent in told.agents}
    found = []
    for agent in after.agents:
        if agent.name not in agents:
            continue
        wanted = agents[agent.name]
        people = {
            what: getattr(wanted, what)
            for what in ("owner", "sponsor")
            if (getattr(agent, what) or "").casefold() == (getattr(wanted, what) or "").casefold()
        }
        found.append(msgspec.structs.replace(agent, **people))
    return State(
        resources=[one for one in after.resources if one.uri in {resource.uri for resource in told.resources}],
        agents=found,
        clients=[one for one in after.clients if one.name in {client.name for client in told.clients}],
    )


@LAWS
@given(first=states(), second=states())
def test_a_second_description_takes_the_place_of_the_first(tmp_path_factory, first, second):
    async def body(remit):
        await make_so(remit, sure(merge([first])))
        changes = await plan_for(remit.acme.tenant.id, remit.deps, sure(merge([second])))
        if isinstance(changes, Refusal):
            return changes.code
        applied = await apply_changes(remit.acme.tenant.id, remit.deps, SEEDER, changes)
        if applied.refusal is not None:
            return applied.refusal.code
        return await plan_for(remit.acme.tenant.id, remit.deps, sure(merge([second])))

    # Either it cannot become so and is told, or it is so.
    assert in_instance(tmp_path_factory, body) in ((), "conflict")


@pytest.mark.parametrize("form", ["yaml", "json", "toml"])
async def test_an_export_is_read_back_in_every_form(remit, form):
    state = await export_state(remit.acme.tenant.id, remit.deps)
    if form == "toml":
        # There is no writer of TOML here, so a file as a person writes it.
        text = '[[resources]]\nuri = "https://mail.example/"\nname = "Mail"\n'
        text += '[[resources.scopes]]\nname = "read:mail"\nsentence = "Read your mail"\n'
        assert msgspec.toml.decode(text, type=State).resources == [mail()]
        return
    module = getattr(msgspec, form)
    assert module.decode(module.encode(state), type=State) == state


async def test_pruning_ends_what_no_file_names_and_deletes_nothing(remit):
    world, tenant = remit.acme, remit.acme.tenant.id
    state = await export_state(tenant, remit.deps)
    kept = msgspec.structs.replace(
        state,
        resources=[one for one in state.resources if one.uri != world.tickets.uri],
        agents=[
            msgspec.structs.replace(
                one, remit=RemitDescribed(scopes={world.calendar.uri: ["read:calendar"]}) if one.remit else None
            )
            for one in state.agents
            if one.name != "other"
        ],
        clients=[one for one in state.clients if one.name not in ("rival", "keyed")],
    )
    assert [change for change in sure(await plan_for(tenant, remit.deps, kept)) if change.verb is Verb.END] == []
    done = await make_so(remit, kept, prune=True)
    assert [(one.kind, one.name) for one in done if one.verb is Verb.END] == [
        (Kind.CLIENT, "keyed"),
        (Kind.CLIENT, "rival"),
        (Kind.AGENT, "other"),
        (Kind.RESOURCE, world.tickets.uri),
    ]
    async with remit.deps.db.read(tenant) as work:
        agent, resource = await work.agents.by_name("other"), await work.resources.get(world.tickets.id)
    assert agent is not None
    assert agent.state is AgentState.RETIRED
    assert resource is not None
    assert resource.state is ResourceState.DISABLED
    assert sure(await plan_for(tenant, remit.deps, kept, prune=True)) == ()


async def test_each_change_leaves_its_event(remit):
    tenant = remit.acme.tenant.id
    before = len(await remit.events(remit.acme))
    wanted = State(
        resources=[mail()],
        agents=[
            AgentDescribed(
                name="reader",
                purpose="read",
                owner="alice@example.com",
                state="active",
                remit=RemitDescribed(scopes={MAIL: ["read:mail"]}),
            )
        ],
        clients=[ClientDescribed(name="reader-web", agent="reader", redirect_uris=["https://reader.example/cb"])],
    )
    await make_so(remit, wanted)
    assert [event["type"] for event in (await remit.events(remit.acme))[before:]] == [
        "resource.created",
        "agent.created",
        "remit.published",
        "client.created",
        "credential.added",
    ]
    assert sure(await plan_for(tenant, remit.deps, wanted)) == ()


async def test_trying_keeps_nothing(remit):
    tenant = remit.acme.tenant.id
    wanted = State(resources=[mail()])
    changes = sure(await plan_for(tenant, remit.deps, wanted))
    before = await remit.events(remit.acme)
    assert len((await try_changes(tenant, remit.deps, SEEDER, changes)).done) == 1
    assert await remit.events(remit.acme) == before
    assert sure(await plan_for(tenant, remit.deps, wanted)) == changes


async def test_a_chunk_is_made_whole_or_not_at_all(remit, monkeypatch):
    monkeypatch.setattr(applying, "CHUNK", 2)
    tenant = remit.acme.tenant.id
    agents = [AgentDescribed(name=name, purpose="p") for name in ("a1", "a2", "a3")]
    agents.append(AgentDescribed(name="a4", purpose="p", owner="nobody@example.com"))
    wanted = State(agents=agents)
    changes = sure(await plan_for(tenant, remit.deps, wanted))
    applied = await apply_changes(tenant, remit.deps, SEEDER, changes)
    assert [one.change.name for one in applied.done] == ["a1", "a2"]
    assert (applied.failed, applied.refusal) == (
        changes[3],
        Refusal("not_found", "the owner nobody@example.com is no user of this tenant"),
    )
    left = [change.name for change in sure(await plan_for(tenant, remit.deps, wanted))]
    assert left == ["a3", "a4"]


async def test_keys_in_a_file_change_over_with_an_overlap(remit):
    tenant = remit.acme.tenant.id
    state = await export_state(tenant, remit.deps)
    (keyed,) = [client for client in state.clients if client.name == "keyed"]
    assert keyed.jwks is not None
    keyed.jwks["keys"][0]["kid"] = "k2"
    (change,) = await make_so(remit, state)
    assert [difference.field for difference in change.differences] == ["jwks"]
    async with remit.deps.db.read(tenant) as work:
        client = await work.clients.get(remit.acme.keyed.id)
    assert client is not None
    assert client.old_keys(NOW + timedelta(hours=23)) is not None


PRESENT = State(
    resources=[mail()],
    agents=[AgentDescribed(name="a", purpose="p", owner="x@y", state="active")],
    clients=[ClientDescribed(name="c", agent="a", redirect_uris=["https://c.example/"])],
)
IMPOSSIBLE = {
    "an active agent that shall be staged": State(agents=[AgentDescribed(name="a", purpose="p", state="staged")]),
    "a client that shall speak for another agent": State(
        clients=[ClientDescribed(name="c", agent="b", redirect_uris=["https://c.example/"])]
    ),
    "a client that shall prove itself in another way": State(
        clients=[
            ClientDescribed(name="c", agent="a", auth_method=AuthMethod.NONE, redirect_uris=["https://c.example/"])
        ]
    ),
}


@pytest.mark.parametrize("wanted", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_cannot_become_so_is_told(wanted):
    outcome = plan(PRESENT, wanted)
    assert isinstance(outcome, Refusal)
    assert outcome.code == "conflict"


UNREADABLE = {
    "a resource described twice": [State(resources=[mail()]), State(resources=[mail(uri="HTTPS://MAIL.example/")])],
    "an agent described twice": [State(agents=[AgentDescribed(name="a", purpose="p")] * 2)],
    "a version of another time": [State(version=2)],
    "a resource on plain http": [State(resources=[mail(uri="http://mail.example/")])],
}


@pytest.mark.parametrize("files", UNREADABLE.values(), ids=UNREADABLE)
def test_files_that_say_nothing_clear_are_refused(files):
    assert isinstance(merge(files), Refusal)
