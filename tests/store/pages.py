"""Pages by key: each thing once and in order, and filters that leave out the rest. A part of the contract."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from remit.core.agents import AgentState
from remit.core.grants import GrantState
from remit.core.names import AgentId, ClientId, GrantId, LineId, RemitId, ResourceId, StopId, UserId
from remit.ports.work import GrantFilter, Reply
from tests.store.rows import (
    A_CLIENT,
    A_LINE,
    A_REMIT,
    A_REPLY,
    A_RESOURCE,
    A_STOP,
    A_USER,
    ACME,
    ADMIN_GRANT,
    AGENT,
    AN_ADMIN_GRANT,
    AN_AGENT,
    CLIENT,
    GRANT,
    LATER,
    NOW,
    RESOURCE,
    USER,
)

FILTERS = {
    "of nobody in particular": (GrantFilter(), [ADMIN_GRANT, GRANT]),
    "of a user": (GrantFilter(user=USER), [GRANT]),
    "of a user and an agent": (GrantFilter(user=USER, agent=AgentId("agt_9")), []),
    "of an agent": (GrantFilter(agent=AGENT), [ADMIN_GRANT, GRANT]),
    "of a client": (GrantFilter(client=CLIENT), [ADMIN_GRANT, GRANT]),
    "of a client of an agent": (GrantFilter(agent=AGENT, client=ClientId("cli_9")), []),
    "on a resource": (GrantFilter(user=USER, resource=ResourceId("res_9")), []),
    "that are over": (GrantFilter(state=GrantState.REVOKED), []),
}


class Pages:
    async def test_lists_are_cut_by_key(self, db, acme):
        async with db.work(ACME) as work:
            for number in (2, 3):
                await work.agents.add(replace(AN_AGENT, id=AgentId(f"agt_{number}"), name=f"n{number}"))
                await work.clients.add(replace(A_CLIENT, document=None, id=ClientId(f"cli_{number}")))
                await work.users.add(replace(A_USER, id=UserId(f"usr_{number}"), email=f"u{number}@x"), at=NOW)
                resource = replace(A_RESOURCE, id=ResourceId(f"res_{number}"), uri=f"https://r{number}.example/")
                await work.resources.add(resource, at=NOW)
                await work.stops.place(replace(A_STOP, id=StopId(f"stp_{number}")))
                await work.agents.publish(replace(A_REMIT, id=RemitId(f"rem_{number}"), version=number), at=NOW)
                await work.lines.add(replace(A_LINE, id=LineId(f"lin_{number}")))
            assert [agent.id for agent in await work.agents.page(limit=2)] == ["agt_1", "agt_2"]
            assert [agent.id for agent in await work.agents.page(after="agt_2", limit=2)] == ["agt_3"]
            assert [client.id for client in await work.clients.page(after="cli_1", limit=9)] == ["cli_2", "cli_3"]
            assert [user.id for user in await work.users.page(after="usr_1", limit=1)] == ["usr_2"]
            found = await work.resources.page(after="res_1", limit=1)
            assert [(resource.id, resource.scopes) for resource in found] == [("res_2", A_RESOURCE.scopes)]
            assert [stop.epoch for stop in await work.stops.page(before=3, limit=2)] == [2, 1]
            assert [remit.version for remit in await work.agents.remits(AGENT, before=3, limit=1)] == [2]
            assert [line.id for line in await work.lines.page(GRANT, before="lin_3", limit=9)] == ["lin_2", "lin_1"]

    @pytest.mark.parametrize(("wanted", "expected"), FILTERS.values(), ids=FILTERS)
    async def test_grants_are_found(self, db, acme, wanted, expected):
        async with db.read(ACME) as work:
            assert [grant.id for grant in await work.grants.page(wanted, limit=9)] == expected
            older = await work.grants.page(wanted, before=ADMIN_GRANT, limit=9)
            assert [grant.id for grant in older] == [id_ for id_ in expected if id_ < ADMIN_GRANT]

    async def test_a_stop_that_is_over_is_on_the_page_of_all(self, db, acme):
        async with db.work(ACME) as work:
            await work.stops.lift(A_STOP.id, at=NOW, by=USER)
            assert await work.stops.page(in_force_at=NOW, limit=9) == ()
            assert len(await work.stops.page(limit=9)) == 1

    async def test_a_thing_is_changed_and_keeps_what_may_not_change(self, db, acme):
        async with db.work(ACME) as work:
            agent = replace(AN_AGENT, name="n", purpose="p", owner=None, sponsor=USER, role="r", model="m")
            await work.agents.change(replace(agent, state=AgentState.RETIRED))
            assert await work.agents.get(AGENT) == agent
            client = replace(A_CLIENT, name="n", redirect_uris=("https://n.example/",), version=7)
            await work.clients.change(client)
            assert await work.clients.get(CLIENT) == client
            resource = replace(A_RESOURCE, name="n", token_seconds=90, scopes=A_RESOURCE.scopes[:1])
            await work.resources.change(resource)
            assert await work.resources.get(RESOURCE) == resource
            user = replace(A_USER, name="n")
            await work.users.change(replace(user, email="other@example.com"))
            assert await work.users.get(USER) == user

    async def test_an_answer_is_kept_for_its_time_and_its_caller(self, db, acme):
        async with db.work(ACME) as work:
            assert await work.replies.find("cli_2", "key", at=NOW) is None
            assert await work.replies.find("cli_1", "KEY", at=NOW) is None
            assert await work.replies.find("cli_1", "key", at=LATER) is None
            newer = Reply(request=b"other", status=200, body=b"[]")
            await work.replies.keep("cli_1", "key", newer, until=LATER + timedelta(hours=1))
            assert await work.replies.find("cli_1", "key", at=LATER) == newer
            assert newer != A_REPLY

    async def test_grants_on_a_page_are_whole(self, db, acme):
        async with db.read(ACME) as work:
            assert await work.grants.page(GrantFilter(), limit=1) == (AN_ADMIN_GRANT,)
            assert await work.grants.page(GrantFilter(), before=GrantId("grt_0"), limit=1) == ()
