"""No sequence of exchanges ever yields a scope, a resource or a lifetime beyond any token or remit it came from."""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remit.core.delegation import MAX_DEPTH
from tests.kit.delegation import allow, exchange, team
from tests.kit.flows import act_for_itself, claims_of
from tests.kit.instance import instance
from tests.kit.world import SCOPES

NAMES = ("scheduler", "finder", "sender")
PARTS = st.sampled_from([SCOPES] * 3) | st.sets(st.sampled_from(sorted(SCOPES))).map(frozenset)
REMITS = st.lists(st.lists(PARTS, min_size=len(NAMES), max_size=len(NAMES)), min_size=4, max_size=4)
"""What the planner and each member may do at the resource of each member."""

STEPS = st.lists(
    st.tuples(
        st.integers(0, 99),
        st.sampled_from(range(len(NAMES))),
        st.sampled_from(range(len(NAMES))),
        st.none() | PARTS.filter(bool),
        st.integers(0, 120),
    ),
    min_size=8,
    max_size=20,
)
"""Which of the tokens so far is shown, by whom, for what, asking for which scopes, and how long after the last one."""


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(remits=REMITS, steps=STEPS)
def test_no_sequence_of_exchanges_widens_anything(tmp_path_factory, remits, steps):
    asyncio.run(_walk(tmp_path_factory.mktemp("instance"), remits, steps))


async def _walk(folder, remits, steps):
    async with instance(folder) as remit:
        world = remit.acme
        members = await team(remit, world, *NAMES)
        agents = [world.agent.id, *(member.agent.id for member in members)]
        held = {
            agent: {member.resource.uri: part for member, part in zip(members, parts, strict=True)}
            for agent, parts in zip(agents, remits, strict=True)
        }
        for agent, parts in zip(agents, remits, strict=True):
            resources = [member.resource for member in members]
            await allow(remit, world, agent, dict(zip(resources, parts, strict=True)))
        first = await act_for_itself(remit, world, world.web, scope="read:calendar write:calendar")
        if first.status_code != 200:
            return
        tokens = [(first.json()["access_token"], (world.agent.id,))]
        for which, member_number, target_number, asked, seconds in steps:
            remit.clock.forward(seconds=seconds)
            # The newest comes often, so that chains grow.
            text, chain = tokens[which % len(tokens)] if which < 50 else tokens[-1]
            member, target = members[member_number], members[target_number].resource
            scope = None if asked is None else " ".join(sorted(asked))
            answer = await exchange(remit, world, member, text, target, scope=scope)
            shown = claims_of(text)
            now = remit.clock.now().timestamp()
            wanted = frozenset(shown["scope"].split()) if asked is None else asked
            open_now = wanted & held[member.agent.id][target.uri]
            for agent in chain:
                open_now &= held[agent][target.uri]
            may = (
                shown["aud"] == member.resource.uri
                and member.agent.id not in chain
                and len(chain) <= MAX_DEPTH
                and wanted <= frozenset(shown["scope"].split())
                and shown["exp"] - now >= 1
                and bool(open_now)
            )
            assert (answer.status_code == 200) == may, (answer.text, shown, chain)
            if not may:
                continue
            body = answer.json()
            out = claims_of(body["access_token"])
            assert frozenset(out["scope"].split()) == frozenset(body["scope"].split()) == open_now
            assert out["exp"] <= shown["exp"]
            assert (out["aud"], out["sub"], out["grant_id"]) == (target.uri, shown["sub"], shown["grant_id"])
            tokens.append((body["access_token"], (*chain, member.agent.id)))
