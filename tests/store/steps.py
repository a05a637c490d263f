"""What can be asked of a tenant, and what a stranger who knows every id would try to change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from remit.core.admission import Admission
from remit.core.agents import AgentState, ScopeKey
from remit.core.audit.tree import leaf_hash, root_of
from remit.core.keys import KeyState
from remit.core.lifetimes import UNCHOSEN
from remit.core.names import TenantId
from remit.core.users import UserState
from remit.ports.work import Database, EventFilter, GrantFilter, Work
from tests.store.rows import (
    A_CLIENT,
    A_CODE,
    A_DEVICE,
    A_GRANT,
    A_LINE,
    A_NOTICE,
    A_PUSHED,
    A_READING,
    A_REMIT,
    A_REPLY,
    A_RESOURCE,
    A_SECRET,
    A_SESSION,
    A_STOP,
    A_TOKEN,
    A_USE,
    A_USER,
    A_WAITING_DEVICE,
    ACME,
    AGENT,
    AN_ACCESS,
    AN_ACTIVE_FACTOR,
    AN_ADMIN_GRANT,
    AN_ADMISSION,
    AN_AGENT,
    AN_INITIAL_TOKEN,
    CLIENT,
    CODE,
    DEVICE,
    DOCUMENT,
    GRANT,
    ISSUED,
    KEY,
    KID,
    LATER,
    LINE,
    NOW,
    PUSHED,
    RESOURCE,
    SESSION,
    STOP,
    TARGET,
    TOKEN,
    URI,
    USER,
)

T = TypeVar("T")
Look = Callable[[Work], Awaitable[object]]

EXPECTED: dict[str, tuple[Look, object]] = {
    "tenants.epoch": (lambda work: work.tenants.epoch(), 1),
    "keys.all": (lambda work: work.keys.all(), (KEY,)),
    "users.get": (lambda work: work.users.get(USER), A_USER),
    "users.by_email": (lambda work: work.users.by_email(" alice@EXAMPLE.com "), A_USER),
    "users.list": (lambda work: work.users.list(), (A_USER,)),
    "users.page": (lambda work: work.users.page(limit=9), (A_USER,)),
    "agents.page": (lambda work: work.agents.page(limit=9), (AN_AGENT,)),
    "agents.remits": (lambda work: work.agents.remits(AGENT, limit=9), (A_REMIT,)),
    "clients.page": (lambda work: work.clients.page(limit=9), (A_CLIENT,)),
    "clients.page of an agent": (lambda work: work.clients.page(agent=AGENT, limit=9), (A_CLIENT,)),
    "resources.page": (lambda work: work.resources.page(limit=9), (A_RESOURCE,)),
    "grants.page": (lambda work: work.grants.page(GrantFilter(), limit=9), (AN_ADMIN_GRANT, A_GRANT)),
    "grants.page of a user": (lambda work: work.grants.page(GrantFilter(user=USER), limit=9), (A_GRANT,)),
    "grants.page of an agent": (
        lambda work: work.grants.page(GrantFilter(agent=AGENT), limit=9),
        (AN_ADMIN_GRANT, A_GRANT),
    ),
    "second_factors.find": (lambda work: work.second_factors.find(USER), AN_ACTIVE_FACTOR),
    "second_factors.recovery_left": (lambda work: work.second_factors.recovery_left(USER), 2),
    "lines.of_session": (lambda work: work.lines.of_session(SESSION), (A_LINE,)),
    "logout_notices.due": (lambda work: work.logout_notices.due(NOW), True),
    "lines.page": (lambda work: work.lines.page(GRANT, limit=9), (A_LINE,)),
    "stops.page": (lambda work: work.stops.page(limit=9), (replace(A_STOP, epoch=1),)),
    "stops.page in force": (lambda work: work.stops.page(in_force_at=NOW, limit=9), (replace(A_STOP, epoch=1),)),
    "replies.find": (lambda work: work.replies.find("cli_1", "key", at=NOW), A_REPLY),
    "agents.get": (lambda work: work.agents.get(AGENT), AN_AGENT),
    "agents.by_name": (lambda work: work.agents.by_name("Planner"), AN_AGENT),
    "agents.list": (lambda work: work.agents.list(), (AN_AGENT,)),
    "agents.remit": (lambda work: work.agents.remit(AGENT), A_REMIT),
    "clients.get": (lambda work: work.clients.get(CLIENT), A_CLIENT),
    "clients.get of a document": (lambda work: work.clients.get(DOCUMENT), A_CLIENT),
    "admission.get": (lambda work: work.admission.get(), AN_ADMISSION),
    "registrations.get": (lambda work: work.registrations.get("it_1"), AN_INITIAL_TOKEN),
    "registrations.list": (lambda work: work.registrations.list(), (AN_INITIAL_TOKEN,)),
    "registrations.access": (lambda work: work.registrations.access(CLIENT), AN_ACCESS),
    "readings.get": (lambda work: work.readings.get(CLIENT, "document"), A_READING),
    "clients.by_name": (lambda work: work.clients.by_name("planner-web"), A_CLIENT),
    "clients.list": (lambda work: work.clients.list(), (A_CLIENT,)),
    "clients.list of an agent": (lambda work: work.clients.list(AGENT), (A_CLIENT,)),
    "clients.secrets": (lambda work: work.clients.secrets(CLIENT), (A_SECRET,)),
    "resources.get": (lambda work: work.resources.get(RESOURCE), A_RESOURCE),
    "resources.by_uri": (lambda work: work.resources.by_uri(URI), A_RESOURCE),
    "resources.list": (lambda work: work.resources.list(), (A_RESOURCE,)),
    "resources.secrets": (lambda work: work.resources.secrets(RESOURCE), (A_SECRET,)),
    "credentials.last_used": (lambda work: work.credentials.last_used(CLIENT), {"sec_1": NOW}),
    "grants.get": (lambda work: work.grants.get(GRANT), A_GRANT),
    "grants.of_user": (lambda work: work.grants.of_user(USER, CLIENT, RESOURCE), A_GRANT),
    "grants.of_agent": (lambda work: work.grants.of_agent(CLIENT, RESOURCE), AN_ADMIN_GRANT),
    "grants.list": (lambda work: work.grants.list(), (AN_ADMIN_GRANT, A_GRANT)),
    "grants.list of a user": (lambda work: work.grants.list(user=USER), (A_GRANT,)),
    "grants.list of an agent": (lambda work: work.grants.list(agent=AGENT, active=False), (AN_ADMIN_GRANT, A_GRANT)),
    "lines.get": (lambda work: work.lines.get(LINE), A_LINE),
    "lines.list": (lambda work: work.lines.list(GRANT), (A_LINE,)),
    "pushed.find": (lambda work: work.pushed.find(PUSHED), A_PUSHED),
    "devices.find": (lambda work: work.devices.find(DEVICE), A_DEVICE),
    "devices.find of one that waits": (lambda work: work.devices.find("dc_2"), A_WAITING_DEVICE),
    "devices.by_code": (lambda work: work.devices.by_code("tag"), A_DEVICE),
    "codes.find": (lambda work: work.codes.find(CODE), A_CODE),
    "refresh_tokens.find": (lambda work: work.refresh_tokens.find(TOKEN), A_TOKEN),
    "stops.on": (lambda work: work.stops.on([TARGET]), (replace(A_STOP, epoch=1),)),
    "stops.get": (lambda work: work.stops.get(STOP), replace(A_STOP, epoch=1)),
    "stops.list": (lambda work: work.stops.list(), (replace(A_STOP, epoch=1),)),
    "stops.list in force": (lambda work: work.stops.list(in_force_at=NOW), (replace(A_STOP, epoch=1),)),
    "stops.since": (
        lambda work: work.stops.since(0, started_after=NOW - timedelta(days=1), limit=9),
        (replace(A_STOP, epoch=1),),
    ),
    "sessions.find": (lambda work: work.sessions.find(SESSION), A_SESSION),
    "facts.recall": (lambda work: work.facts.recall("settled"), "first"),
    "decisions.used_by": (lambda work: work.decisions.used_by(AGENT), {ScopeKey(RESOURCE, "read:calendar"): NOW}),
}
"""What a furnished tenant answers, value for value. Another tenant answers all of it with nothing."""


async def _bodies(work: Work) -> tuple[bytes, ...]:
    return tuple([event.body for event in await work.events.after(-1)])


async def _first_event(work: Work) -> object:
    events = await work.events.page(EventFilter())
    return await work.events.get(events[-1].id) if events else None


OTHER_LOOKS: dict[str, Look] = {
    "events.after": _bodies,
    "events.page": lambda work: work.events.page(EventFilter(user=USER)),
    "events.get": _first_event,
    "decisions.usage": lambda work: work.decisions.usage([GRANT]),
    "audit.leaves": lambda work: work.audit.leaves(0),
    "audit.checkpoints": lambda work: work.audit.checkpoints(),
    "audit.signed": lambda work: work.audit.signed(),
    "audit.newest": lambda work: work.audit.newest(),
}
LOOKS = {name: look for name, (look, _) in EXPECTED.items()} | OTHER_LOOKS

AT = NOW + timedelta(seconds=1)


async def _take(work: Work) -> bool:
    return bool(await work.logout_notices.take(now=AT, until=LATER, limit=9))


async def _postpone(work: Work) -> None:
    await work.logout_notices.postpone(A_NOTICE, until=LATER, counts=True)


WRITES: dict[str, Look] = {
    "tenants.turn_rights_on": lambda work: work.tenants.turn_rights_on(),
    "keys.change": lambda work: work.keys.change(KID, KeyState.GONE, at=AT),
    "users.set_state": lambda work: work.users.set_state(USER, UserState.INACTIVE),
    "users.set_password": lambda work: work.users.set_password(USER, "x"),
    "users.set_rights": lambda work: work.users.set_rights(USER, RESOURCE, frozenset()),
    "users.change": lambda work: work.users.change(replace(A_USER, name="x")),
    "agents.change": lambda work: work.agents.change(replace(AN_AGENT, name="x")),
    "clients.change": lambda work: work.clients.change(replace(A_CLIENT, name="x")),
    "resources.change": lambda work: work.resources.change(replace(A_RESOURCE, name="x", scopes=())),
    "replies.keep": lambda work: work.replies.keep("cli_1", "key", replace(A_REPLY, status=500), until=LATER),
    "agents.set_state": lambda work: work.agents.set_state(AGENT, AgentState.RETIRED),
    "tenants.choose_asking": lambda work: work.tenants.choose_asking(require_pushed=True, device_flow=True),
    "tenants.choose_lifetimes": lambda work: work.tenants.choose_lifetimes(UNCHOSEN),
    "clients.set_keys": lambda work: work.clients.set_keys(replace(A_CLIENT, jwks=None, version=4)),
    "clients.end_secret": lambda work: work.clients.end_secret(CLIENT, "sec_1", at=AT),
    "clients.retire": lambda work: work.clients.retire(CLIENT),
    "clients.expire": lambda work: work.clients.expire(CLIENT),
    "clients.adopt": lambda work: work.clients.adopt(CLIENT),
    "clients.redescribe": lambda work: work.clients.redescribe(replace(A_CLIENT, name="x", jwks=None)),
    "admission.choose": lambda work: work.admission.choose(Admission()),
    "registrations.use": lambda work: work.registrations.use("it_1", at=AT),
    "registrations.end": lambda work: work.registrations.end("it_1"),
    "registrations.set_access": lambda work: work.registrations.set_access(CLIENT, replace(AN_ACCESS, id="ra_2")),
    "readings.put": lambda work: work.readings.put(CLIENT, "document", replace(A_READING, etag=None)),
    "resources.end_secret": lambda work: work.resources.end_secret(RESOURCE, "sec_1", at=AT),
    "credentials.used": lambda work: work.credentials.used([replace(A_USE, at=AT)]),
    "grants.change": lambda work: work.grants.change(GRANT, scopes=frozenset(), expires_at=None),
    "grants.revoke": lambda work: work.grants.revoke(GRANT, at=AT, reason="r"),
    "lines.revoke": lambda work: work.lines.revoke(LINE, at=AT, reason="r"),
    "logout_notices.take": _take,
    "second_factors.spend_step": lambda work: work.second_factors.spend_step(USER, 10),
    "second_factors.spend_recovery": lambda work: work.second_factors.spend_recovery(USER, "tag_1", at=AT),
    "second_factors.drop": lambda work: work.second_factors.drop(USER),
    "logout_notices.drop": lambda work: work.logout_notices.drop(A_NOTICE),
    "logout_notices.postpone": _postpone,
    "pushed.drop": lambda work: work.pushed.drop(PUSHED),
    "devices.pace": lambda work: work.devices.pace(DEVICE, interval=15, next_at=AT),
    "devices.approve": lambda work: work.devices.approve("dc_2", line=LINE, auth_time=AT, amr=(), expires_at=AT),
    "devices.deny": lambda work: work.devices.deny("dc_2"),
    "devices.spend": lambda work: work.devices.spend(DEVICE),
    "codes.spend": lambda work: work.codes.spend(A_CODE, at=AT),
    "refresh_tokens.spend": lambda work: work.refresh_tokens.spend(A_TOKEN, successor="rt_2", sealed=b"s", at=AT),
    "stops.lift": lambda work: work.stops.lift(STOP, at=AT, by=USER),
    "sessions.touch": lambda work: work.sessions.touch(SESSION, at=AT),
    "sessions.end": lambda work: work.sessions.end(SESSION, at=AT),
    "once.claim": lambda work: work.once.claim("jti", "k", until=LATER, at=AT),
    "decisions.fresh": lambda work: work.decisions.fresh(["d"], at=AT),
    "events.append": lambda work: work.events.append(ISSUED, at=AT),
    "audit.add_checkpoint": lambda work: work.audit.add_checkpoint(2, "n", at=AT),
    "resources.move": lambda work: work.resources.move(RESOURCE, "https://elsewhere.example/"),
    "facts.change": lambda work: work.facts.change("settled", "another"),
}
"""A write of a stranger who knows every id."""

ONE_TIME: dict[str, Look] = {
    name: WRITES[name]
    for name in (
        "grants.revoke",
        "lines.revoke",
        "codes.spend",
        "devices.approve",
        "devices.deny",
        "devices.spend",
        "registrations.use",
        "refresh_tokens.spend",
        "stops.lift",
        "sessions.end",
        "second_factors.spend_step",
        "second_factors.spend_recovery",
        "second_factors.drop",
        "logout_notices.take",
        "logout_notices.drop",
        "once.claim",
        "audit.add_checkpoint",
    )
}


class Boom(Exception):
    """Somebody's bug."""


async def seen(db: Database, tenant: TenantId) -> dict[str, object]:
    async with db.read(tenant) as work:
        return {name: await look(work) for name, look in LOOKS.items()}


async def in_work(db: Database, tenant: TenantId, step: Callable[[Work], Awaitable[T]]) -> T:
    async with db.work(tenant) as work:
        return await step(work)


async def claim(db: Database, key: str) -> bool:
    """Do the smallest work there is. False when somebody did it before."""
    return await in_work(db, ACME, lambda work: work.once.claim("jti", key, until=LATER, at=NOW))


async def verified(db: Database) -> int:
    """Return the size of the first tenant's tree, when it is the tree over its events without a gap."""
    async with db.read(ACME) as work:
        tree = await work.audit.tree()
        leaves = await work.audit.leaves(0, limit=100_000)
    assert [seq for seq, _, _ in leaves] == list(range(tree.size))
    assert all(leaf_hash(body) == leaf for _, body, leaf in leaves)
    assert root_of([leaf for _, _, leaf in leaves]) == tree.root
    return tree.size
