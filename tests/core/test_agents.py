"""An agent's life, and what its remit allows."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.agents import ALLOWED_STEPS, AgentState, ScopeKey, judge_step
from remit.core.names import ResourceId
from remit.core.oauth.verdicts import Refusal
from tests.core.nouns import AGENT, CALENDAR, REMIT

STAGED, ACTIVE, RETIRED = AgentState
STEPS = {
    "a staged agent becomes active": (STAGED, ACTIVE, True),
    "a staged agent may be given up": (STAGED, RETIRED, True),
    "an active agent retires": (ACTIVE, RETIRED, True),
    "an active agent does not go back on the stage": (ACTIVE, STAGED, False),
    "a retired agent does not come back": (RETIRED, ACTIVE, False),
    "a retired agent is not staged again": (RETIRED, STAGED, False),
    "staged is no step from staged": (STAGED, STAGED, False),
    "active is no step from active": (ACTIVE, ACTIVE, False),
    "retired is no step from retired": (RETIRED, RETIRED, False),
}


def test_the_table_of_steps_is_complete():
    assert len(STEPS) == len(AgentState) ** 2


@pytest.mark.parametrize(("state", "to", "allowed"), STEPS.values(), ids=STEPS)
def test_judge_step(state, to, allowed):
    verdict = judge_step(replace(AGENT, state=state), to)
    expected = None if allowed else Refusal("invalid_request", f"an agent that is {state} cannot become {to}")
    assert verdict == expected


def test_nobody_becomes_active_without_an_owner():
    orphan = replace(AGENT, state=STAGED, owner=None)
    assert judge_step(orphan, ACTIVE) == Refusal("invalid_request", "name an owner before the agent becomes active")
    assert judge_step(orphan, RETIRED) is None


@given(walk=st.lists(st.sampled_from(AgentState)))
def test_there_is_no_way_back_from_retired(walk):
    agent = replace(AGENT, state=STAGED)
    seen = [agent.state]
    for to in walk:
        if judge_step(agent, to) is None:
            agent = replace(agent, state=to)
            seen.append(to)
    assert RETIRED not in seen[:-1]
    assert seen == sorted(seen, key=list(AgentState).index)
    assert ALLOWED_STEPS[RETIRED] == frozenset()


def test_a_remit_keeps_the_scopes_of_resources_apart():
    other = ResourceId("res_2")
    assert REMIT.on(CALENDAR) == {"read", "write"}
    assert REMIT.on(other) == {"read"}
    assert REMIT.on(ResourceId("res_3")) == frozenset()


RESOURCES = ResourceId("res_1"), ResourceId("res_2")


@given(keys=st.frozensets(st.builds(ScopeKey, st.sampled_from(RESOURCES), st.sampled_from("abc"))))
def test_a_remit_says_all_it_holds_and_no_more(keys):
    remit = replace(REMIT, scopes=keys)
    assert {ScopeKey(of, name) for of in RESOURCES for name in remit.on(of)} == keys
