"""Delegation: how a chain is written and read, who may act on, and who in a chain must be live."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.agents import AgentState
from remit.core.authority import Dead, principal_live
from remit.core.clients import ClientState, Party
from remit.core.delegation import (
    MAX_DEPTH,
    Actor,
    judge_chain,
    judge_presenter,
    read_actors,
    read_via,
    write_actors,
    write_via,
)
from remit.core.names import AgentId, ClientId, ResourceId
from remit.core.resources import ResourceState
from remit.core.stops import Target, TargetKind
from tests.core.nouns import AGENT, CHAIN, CLIENT, NOW, PARTY, REMIT, RESOURCE, STOP


def party(name: str, **changes) -> Party:
    agent = replace(AGENT, id=AgentId(f"agt_{name}"), name=name)
    client = replace(CLIENT, id=ClientId(f"cli_{name}"), agent=agent.id)
    return replace(PARTY, agent=agent, client=client, remit=replace(REMIT, agent=agent.id), **changes)


ACTORS = st.lists(
    st.builds(Actor, agent=st.text(min_size=1).map(AgentId), client=st.text(min_size=1).map(ClientId)),
    max_size=MAX_DEPTH,
).map(tuple)
TARGETS = st.lists(st.builds(Target, st.sampled_from(TargetKind), st.text(min_size=1)), unique=True)


@pytest.mark.requirement("TX-6")
@given(actors=ACTORS)
def test_a_chain_is_read_as_it_was_written(actors):
    act = write_actors(actors)
    assert read_actors(act or None) == actors
    if actors:
        assert (act["sub"], act["client_id"]) == (actors[0].agent, actors[0].client)


@given(targets=TARGETS)
def test_what_a_token_came_from_is_read_as_it_was_written(targets):
    assert sorted(read_via(write_via(targets)) or ()) == sorted(targets)


def deep(levels):
    act: dict[str, object] = {}
    for number in range(levels):
        act = {"sub": f"agt_{number}", "client_id": "cli", **({"act": act} if act else {})}
    return act


NO_ACT = {
    "text": "agt_1",
    "nothing in it": {},
    "no agent": {"client_id": "cli"},
    "no client": {"sub": "agt"},
    "a number": {"sub": 1, "client_id": "cli"},
    "something inside that is none": {"sub": "agt", "client_id": "cli", "act": "agt_2"},
    "one level too deep": deep(MAX_DEPTH + 1),
    "two hundred levels": deep(200),
}


@pytest.mark.requirement("TX-9")
@pytest.mark.parametrize("act", NO_ACT.values(), ids=NO_ACT)
def test_a_chain_that_we_would_not_write_is_none(act):
    assert read_actors(act) is None


@pytest.mark.requirement("TX-10")
def test_of_an_actor_only_its_identity_counts():
    noise = {"exp": 1, "nbf": 9e9, "aud": "elsewhere", "scope": "delete", "iss": "https://evil.example"}
    assert read_actors({"sub": "agt", "client_id": "cli", **noise}) == read_actors({"sub": "agt", "client_id": "cli"})


NO_VIA = {
    "nothing": None,
    "a list": ["tok_1"],
    "an unknown kind": {"moon": ["m"]},
    "no list": {"token": "tok_1"},
    "a number where an id should be": {"token": [1]},
    "a number beside an id": {"token": ["tok_1", 1]},
}


@pytest.mark.parametrize("via", NO_VIA.values(), ids=NO_VIA)
def test_what_no_stop_could_name_is_no_way(via):
    assert read_via(via) is None


SERVED = replace(RESOURCE, served_by=AgentId("agt_helper"))
HELPER = party("helper")
SHOWN = {"agent_id": AGENT.id, "iss": "https://id.example"}
MAY_ACT = {
    "absent": (None, True),
    "this agent": ({"sub": HELPER.agent.id}, True),
    "this agent, by all its names": (
        {"sub": HELPER.agent.id, "iss": "https://id.example", "client_id": HELPER.client.id},
        True,
    ),
    "another agent": ({"sub": "agt_other"}, False),
    "this agent by another client": ({"sub": HELPER.agent.id, "client_id": "cli_other"}, False),
    "this agent of another issuer": ({"sub": HELPER.agent.id, "iss": "https://other.example"}, False),
    "nobody": ({}, False),
    "only a client": ({"client_id": HELPER.client.id}, False),
    "a text": (HELPER.agent.id, False),
    "a text that is a name": ("sub", False),
    "a list": ([{"sub": HELPER.agent.id}], False),
}


@pytest.mark.requirement("TX-8")
@pytest.mark.parametrize(("may_act", "may"), MAY_ACT.values(), ids=MAY_ACT)
def test_a_token_says_who_may_act(may_act, may):
    claims = SHOWN if may_act is None else {**SHOWN, "may_act": may_act}
    refusal = judge_presenter(claims, SERVED, HELPER)
    assert (refusal is None) == may
    assert refusal is None or (refusal.code, "may_act" in refusal.hint) == ("invalid_request", True)


PRESENTERS = {
    "a resource that does not exist": (SHOWN, None, "does not answer"),
    "a resource at which no agent answers": (SHOWN, RESOURCE, "does not answer"),
    "a resource of another agent": (SHOWN, replace(RESOURCE, served_by=AGENT.id), "does not answer"),
    "its own token": ({**SHOWN, "agent_id": HELPER.agent.id}, SERVED, "issued to this very agent"),
}


@pytest.mark.requirement("TX-4")
@pytest.mark.parametrize(("claims", "audience", "told"), PRESENTERS.values(), ids=PRESENTERS)
def test_nobody_acts_on_with_what_was_not_shown_to_him(claims, audience, told):
    refusal = judge_presenter(claims, audience, HELPER)
    assert refusal is not None
    assert (refusal.code, told in refusal.hint) == ("invalid_request", True)


@pytest.mark.requirement("TX-9")
@pytest.mark.parametrize("acted", range(MAX_DEPTH + 2))
def test_so_many_agents_act_and_no_more(acted):
    before = [party(str(number)) for number in range(acted)] + [party("root")]
    assert (judge_chain(HELPER, before) is None) == (acted < MAX_DEPTH)
    for earlier in before:
        assert judge_chain(replace(earlier, client=HELPER.client), before) is not None


DEAD = {
    "a retired client": (
        replace(HELPER, client=replace(HELPER.client, state=ClientState.RETIRED)),
        "the earlier client is retired",
    ),
    "a retired agent": (
        replace(HELPER, agent=replace(HELPER.agent, state=AgentState.RETIRED)),
        "the earlier agent is retired",
    ),
    "an agent that nobody answers for": (
        replace(HELPER, agent=replace(HELPER.agent, owner=None)),
        "the earlier agent has no owner",
    ),
    "an agent without a remit": (replace(HELPER, remit=None), "the earlier remit is missing"),
    "a remit that ends on this very second": (
        replace(HELPER, remit=replace(REMIT, expires_at=NOW)),
        "the earlier remit expired",
    ),
}


@pytest.mark.requirement("TX-11")
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(("dead", "told"), DEAD.values(), ids=DEAD)
def test_one_dead_link_ends_the_chain_wherever_it_stands(place, dead, told):
    before = [party("one"), party("two"), party("root")]
    assert principal_live(replace(CHAIN, before=tuple(before)), (), now=NOW) is None
    before[place] = dead
    verdict = principal_live(replace(CHAIN, before=tuple(before)), (), now=NOW)
    assert verdict is not None
    assert verdict.hint.startswith(told)


@pytest.mark.parametrize("place", [0, 1])
def test_a_disabled_resource_on_the_way_ends_the_chain(place):
    passed = [RESOURCE, replace(RESOURCE, id=ResourceId("res_other"))]
    assert principal_live(replace(CHAIN, passed=tuple(passed)), (), now=NOW) is None
    passed[place] = replace(RESOURCE, state=ResourceState.DISABLED)
    assert principal_live(replace(CHAIN, passed=tuple(passed)), (), now=NOW) == Dead("earlier resource", "is disabled")


@pytest.mark.requirement("TX-11")
@pytest.mark.parametrize("kind", TargetKind)
def test_a_stop_on_the_way_ends_the_chain(kind):
    target = Target(kind, "gone")
    stop = replace(STOP, target=target)
    assert principal_live(CHAIN, (stop,), now=NOW) is None
    verdict = principal_live(replace(CHAIN, via=(target,)), (stop,), now=NOW)
    assert verdict is not None
    assert verdict.part.startswith("earlier ")
    assert target in replace(CHAIN, via=(target,)).targets()
