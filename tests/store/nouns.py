"""The nouns, one by one. A part of the contract."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from remit.core.errors import BadText
from remit.core.lifetimes import ChosenLifetimes
from remit.core.names import AgentId, ClientId, Kid, RemitId, ResourceId, StopId, TenantId, UserId
from remit.core.stops import Stop, Target, TargetKind
from remit.core.tenants import INSTANCE
from remit.core.tokens import RefreshState
from remit.ports.work import EventFilter, Work
from tests.kit.lines import live_tokens
from tests.store.rows import (
    A_CLIENT,
    A_REMIT,
    A_RESOURCE,
    A_SECRET,
    A_STOP,
    A_TOKEN,
    A_USE,
    A_USER,
    ACME,
    AGENT,
    AN_AGENT,
    CLIENT,
    CODE,
    GLOBEX,
    GRANT,
    KEY,
    LATER,
    LINE,
    NOW,
    RESOURCE,
    SESSION,
    STOP,
    TARGET,
    TOKEN,
    URI,
    USER,
    a_tenant,
)
from tests.store.steps import AT, in_work


async def _place(number: int, work: Work) -> Stop:
    return await work.stops.place(replace(A_STOP, id=StopId(f"stp_r{number}")))


class Nouns:
    async def test_a_tenant_keeps_the_lifetimes_it_chose(self, db, acme):
        async with db.work(ACME) as work:
            assert await work.tenants.current() == a_tenant(ACME)
            chosen = ChosenLifetimes(access_seconds=60, refresh_idle_days=None, refresh_absolute_days=7)
            await work.tenants.choose_lifetimes(chosen)
        async with db.read(ACME) as work:
            assert (await work.tenants.current()).lifetimes == chosen

    async def test_keys_change_together_with_the_version_of_their_client(self, db, acme):
        changed = replace(A_CLIENT, jwks='{"keys":[{"kid":"n"}]}', jwks_at=AT, old_jwks_until=AT, version=4)
        async with db.work(ACME) as work:
            await work.clients.set_keys(changed)
            assert await work.clients.get(CLIENT) == changed
            party = await work.clients.party(CLIENT)
            assert party is not None
            assert party.client == changed

    async def test_a_secret_ends_alone(self, db, acme):
        other = replace(A_SECRET, id="sec_2")
        async with db.work(ACME) as work:
            await work.clients.add_secret(CLIENT, other)
            await work.resources.add_secret(RESOURCE, other)
            await work.clients.end_secret(CLIENT, "sec_1", at=AT)
            assert await work.clients.secrets(CLIENT) == (replace(A_SECRET, expires_at=AT), other)
            assert await work.resources.secrets(RESOURCE) == (A_SECRET, other)
            await work.resources.end_secret(RESOURCE, "sec_2", at=AT)
            assert await work.resources.secrets(RESOURCE) == (A_SECRET, replace(other, expires_at=AT))

    async def test_a_use_told_late_does_not_make_a_credential_look_older(self, db, acme):
        async with db.work(ACME) as work:
            await work.credentials.used([replace(A_USE, at=AT), replace(A_USE, credential="sec_2")])
            await work.credentials.used([A_USE])
            assert await work.credentials.last_used(CLIENT) == {"sec_1": AT, "sec_2": NOW}
            assert await work.credentials.last_used(RESOURCE) == {}

    async def test_a_spent_token_knows_its_successor(self, db, acme):
        async with db.work(ACME) as work:
            await work.refresh_tokens.add(replace(A_TOKEN, id="rt_2"))
            assert await work.refresh_tokens.spend(A_TOKEN, successor="rt_2", sealed=b"sealed", at=AT)
            token = await work.refresh_tokens.find(TOKEN)
            assert token == replace(
                A_TOKEN,
                state=RefreshState.SPENT,
                spent_at=AT,
                successor="rt_2",
                sealed=b"sealed",
                successor_state=RefreshState.LIVE,
            )
            assert await live_tokens(work, LINE) == 1

    async def test_a_revoked_line_revokes_its_tokens(self, db, acme):
        async with db.work(ACME) as work:
            assert await work.lines.revoke(LINE, at=AT, reason="reuse")
            token = await work.refresh_tokens.find(TOKEN)
            assert token is not None
            assert token.state is RefreshState.REVOKED
            assert await live_tokens(work, LINE) == 0

    async def test_ids_keep_their_case(self, db, acme):
        async with db.work(ACME) as work:
            assert await work.agents.get(AgentId(AGENT.upper())) is None
            assert await work.agents.by_name("planner") is None
            assert await work.resources.by_uri(URI.upper()) is None
            assert await work.codes.find(CODE.upper()) is None
            assert await work.stops.on([Target(TargetKind.AGENT, AGENT.upper())]) == ()
            assert await work.once.claim("jti", "k", until=LATER, at=NOW)
            assert await work.once.claim("jti", "K", until=LATER, at=NOW)

    async def test_what_was_settled_holds_for_whoever_comes_later(self, db):
        async def settle(value: str) -> object:
            async with db.work(INSTANCE) as work:
                return await work.facts.settle("key", value)

        answers = await asyncio.gather(*(settle(str(number)) for number in range(8)))
        assert len(set(answers)) == 1
        async with db.work(INSTANCE) as work:
            await work.facts.change("key", "another")
        async with db.read(INSTANCE) as work:
            assert await work.facts.recall("key") == "another"

    async def test_an_address_is_taken_in_whatever_case(self, db, acme):
        async with db.work(ACME) as work:
            assert not await work.users.add(replace(A_USER, id=UserId("usr_2"), email="ALICE@example.com"), at=NOW)
            assert await work.users.add(replace(A_USER, id=UserId("usr_2"), email="STRASSE@example.com"), at=NOW)
            assert await work.users.by_email("straße@example.com") is not None

    async def test_names_that_are_taken_are_told_apart_from_errors(self, db, acme):
        async with db.work(ACME) as work:
            assert not await work.agents.add(replace(AN_AGENT, id=AgentId("agt_2")))
            assert not await work.resources.add(replace(A_RESOURCE, id=ResourceId("res_2")), at=NOW)
        async with db.system() as system:
            assert not await system.add_tenant(replace(a_tenant(ACME), id=TenantId("tnt_other")), at=NOW)

    async def test_a_stranger_cannot_take_the_name_of_a_registered_client(self, db, acme):
        async with db.work(ACME) as work:
            await work.clients.add(replace(A_CLIENT, document=None, id=ClientId("cli_0"), self_registered=True))
            found = await work.clients.by_name(A_CLIENT.name)
            assert found == A_CLIENT

    async def test_a_party_is_client_agent_and_the_active_remit(self, db, acme):
        async with db.work(ACME) as work:
            party = await work.clients.party(CLIENT)
            assert party is not None
            assert (party.client, party.agent, party.remit) == (A_CLIENT, AN_AGENT, A_REMIT)
            second = replace(A_REMIT, id=RemitId("rem_2"), version=2, scopes=frozenset(), expires_at=None)
            await work.agents.publish(second, at=AT)
            party = await work.clients.party(CLIENT)
            assert party is not None
            assert party.remit == second
        assert await in_work(db, GLOBEX, lambda work: work.clients.party(CLIENT)) is None

    async def test_a_party_without_a_remit_has_none(self, db, acme):
        async with db.work(ACME) as work:
            await work.agents.add(replace(AN_AGENT, id=AgentId("agt_2"), name="bare"))
            await work.clients.add(replace(A_CLIENT, document=None, id=ClientId("cli_2"), agent=AgentId("agt_2")))
            party = await work.clients.party(ClientId("cli_2"))
            assert party is not None
            assert party.remit is None

    async def test_rights_count_once_they_are_turned_on(self, db, acme):
        async with db.work(ACME) as work:
            assert (await work.users.rights(USER, RESOURCE)).scopes is None
            await work.tenants.turn_rights_on()
            assert (await work.users.rights(USER, RESOURCE)).scopes == {"read:calendar"}
            assert (await work.users.rights(UserId("usr_2"), RESOURCE)).scopes == frozenset()

    async def test_each_stop_raises_the_counter_by_one(self, db, acme):
        placed = await asyncio.gather(*(in_work(db, ACME, partial(_place, n)) for n in range(5)))
        assert [stop.epoch for stop in placed] == [2, 3, 4, 5, 6]
        async with db.read(ACME) as work:
            assert await work.tenants.epoch() == 6
            fed = await work.stops.since(3, started_after=NOW - timedelta(days=1), limit=2)
            assert [stop.epoch for stop in fed] == [4, 5]

    async def test_stops_are_found_by_any_number_of_targets(self, db, acme):
        targets = [Target(TargetKind.TOKEN, f"tok_{n}") for n in range(30)]
        async with db.work(ACME) as work:
            assert await work.stops.on([]) == ()
            assert await work.stops.on(targets) == ()
            found = await work.stops.on([*targets, TARGET])
            assert [stop.id for stop in found] == [STOP]
            assert await work.stops.on([Target(TargetKind.USER, TARGET.id)]) == ()

    @pytest.mark.parametrize("microsecond", [0, 1_000, 500_000, 999_000])
    async def test_times_keep_their_milliseconds(self, db, acme, microsecond):
        for year in (1970, 2026, 2038, 2400):
            moment = datetime(year, 1, 1, 0, 0, 1, microsecond, tzinfo=UTC)
            async with db.work(ACME) as work:
                await work.keys.add(replace(KEY, kid=Kid(f"k{year}"), created_at=moment, changed_at=moment))
                (key,) = [key for key in await work.keys.all() if key.kid == f"k{year}"]
            assert key.changed_at == moment
            assert key.changed_at.tzinfo is UTC

    async def test_what_is_finer_than_a_millisecond_is_cut_off(self, db, acme):
        async with db.work(ACME) as work:
            await work.sessions.end(SESSION, at=NOW.replace(microsecond=123_999))
            session = await work.sessions.find(SESSION)
            assert session is not None
            assert session.ended_at == NOW.replace(microsecond=123_000)

    @pytest.mark.parametrize("text", ["a\0b", "\ud800", "x\udfff"], ids=["NUL", "high half", "low half"])
    async def test_text_that_not_every_database_keeps_is_refused(self, db, acme, text):
        for step in (
            lambda work: work.users.by_email(text),
            lambda work: work.agents.by_name(text),
            lambda work: work.grants.change(GRANT, scopes=frozenset({text}), expires_at=None),
            lambda work: work.events.page(EventFilter(type=text)),
        ):
            with pytest.raises(BadText):
                await in_work(db, ACME, step)
            with pytest.raises(ValueError):
                await in_work(db, ACME, step)
        assert await in_work(db, ACME, lambda work: work.agents.by_name("🦊 é")) is None

    async def test_the_system_door_sees_every_tenant(self, db, acme):
        async with db.system() as system:
            assert await system.tenants() == (a_tenant(ACME), a_tenant(GLOBEX))
            assert await system.tenant_by_slug("globex") == a_tenant(GLOBEX)
            assert await system.tenant_by_slug("Globex") is None
            assert await system.user_count() == 1
            with pytest.raises(ValueError):
                await system.add_tenant(replace(a_tenant(ACME), issuer="http://elsewhere"), at=NOW)
