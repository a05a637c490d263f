"""Every way in which authority ends or shrinks between two requests."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from remit.core.agents import AgentState, ScopeKey
from remit.core.keys import KeyState, KeyUse
from remit.core.names import Kid, Prefix, RemitId, ResourceId
from remit.core.stops import TargetKind
from remit.core.users import UserState
from remit.services.provisioning.agents import set_agent_state
from remit.services.provisioning.users import set_user_state
from remit.services.sessions import sign_out
from tests.kit.delegation import Member
from tests.kit.flows import claims_of
from tests.kit.instance import Remit
from tests.kit.stops import lift, stop
from tests.kit.world import HERE, SCOPES, SEEDER, World, sure

EXCHANGED = "introspection of an exchanged token"
ASKED_ABOUT = frozenset({"introspection", "userinfo", "exchange", EXCHANGED})
"""Where an access token is read."""
ALL = frozenset({"code", "device", "refresh", "replay", "client_credentials"}) | ASKED_ABOUT
REDEEMED = frozenset({"code", "device"})
"""What a line is opened with."""
OF_USER = ALL - {"client_credentials"}


@dataclass(frozen=True, slots=True)
class Held:
    """What an agent holds when the cause strikes."""

    code: str
    device: str
    """A device code that was approved and not yet redeemed."""
    spent: str
    live: str
    access: str
    cookie: str
    members: tuple[Member, ...] = ()
    """The agent that answers at the calendar, and another one."""
    exchanged: str = ""
    """What the first of them got by showing `access`, for the resource of the other."""

    def resources(self, world: World) -> set[ResourceId]:
        return {world.calendar.id, *(member.resource.id for member in self.members)}

    @property
    def line(self) -> str:
        return str(claims_of(self.access)["line_id"])

    @property
    def grant(self) -> str:
        return str(claims_of(self.access)["grant_id"])


Act = Callable[[Remit, World, Held], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Something that happens, what the event calls it, and how it is undone where that is possible."""

    act: Act
    told: str
    undo: Act | None = None
    on: frozenset[str] = ALL
    client: bool = False
    """The client itself is dead, which is `invalid_client`."""
    away: str = "yes"
    lost: frozenset[str] | None = None
    """Not refused: only these scopes are gone."""


def undoable(acts: tuple[Act, Act], **rest: Any) -> Cause:
    return Cause(act=acts[0], undo=acts[1], **rest)


def row(
    table: str, column: str, dead: str | int | None, alive: str | int | None, id_: Callable[[World], str]
) -> tuple[Act, Act]:
    """Change a state for which there is no use case yet, and back."""

    def put(value: str | int | None) -> Act:
        async def act(remit: Remit, world: World, held: Held) -> None:
            key = "id" if table != "tenant" else "tenant"
            remit.sql(
                f"update {table} set {column} = :value where tenant = :tenant and {key} = :id",
                value=value,
                tenant=world.tenant.id,
                id=id_(world),
            )

        return act

    return put(dead), put(alive)


def newest_remit(state: str) -> Act:
    async def act(remit: Remit, world: World, held: Held) -> None:
        remit.sql(
            "update remit set state = :state where tenant = :tenant and agent_id = :agent and version = "
            "(select max(version) from remit where tenant = :tenant and agent_id = :agent)",
            state=state,
            tenant=world.tenant.id,
            agent=world.agent.id,
        )

    return act


def stopped(kind: TargetKind, id_: Callable[[World, Held], str]) -> tuple[Act, Act]:
    async def act(remit: Remit, world: World, held: Held) -> None:
        await stop(remit, world, kind, id_(world, held))

    async def undo(remit: Remit, world: World, held: Held) -> None:
        await lift(remit, world, kind, id_(world, held))

    return act, undo


def past(table: str, id_: Callable[[Held], str]) -> Act:
    """Let something end a second ago."""

    async def act(remit: Remit, world: World, held: Held) -> None:
        at = int(remit.clock.now().timestamp() * 1000)
        remit.sql(
            f"update {table} set expires_at = :at where tenant = :tenant and id = :id",
            at=at,
            tenant=world.tenant.id,
            id=id_(held),
        )

    return act


def user_state(state: UserState) -> Act:
    async def act(remit: Remit, world: World, held: Held) -> None:
        sure(
            await set_user_state(world.tenant.id, remit.deps, SEEDER, user=world.alice.id, state=state, reason="a test")
        )

    return act


async def retire_agent(remit: Remit, world: World, held: Held) -> None:
    sure(
        await set_agent_state(
            world.tenant.id, remit.deps, SEEDER, agent=world.agent.id, state=AgentState.RETIRED, reason="a test"
        )
    )


def remit_of(scopes: frozenset[str]) -> Act:
    async def act(remit: Remit, world: World, held: Held) -> None:
        keys = frozenset(ScopeKey(resource, name) for resource in held.resources(world) for name in scopes)
        keys |= {ScopeKey(world.tickets.id, "tickets.update")}
        async with remit.deps.db.work(world.tenant.id) as work:
            # In the rows alone: the use case refuses every token from before, which would hide what is judged here.
            before = await work.agents.remit(world.agent.id)
            assert before is not None
            later = replace(before, id=RemitId(remit.deps.fresh.id(Prefix.REMIT)), version=before.version + 1)
            await work.agents.publish(replace(later, scopes=keys), at=remit.deps.clock.now())

    return act


async def expire_unattended(remit: Remit, world: World, held: Held) -> None:
    await past("grants", lambda _: world.unattended.id)(remit, world, held)


async def expire_remit(remit: Remit, world: World, held: Held) -> None:
    async with remit.deps.db.read(world.tenant.id) as work:
        active = await work.agents.remit(world.agent.id)
    assert active is not None
    await past("remit", lambda _: active.id)(remit, world, held)


def rights_of(scopes: frozenset[str]) -> Act:
    async def act(remit: Remit, world: World, held: Held) -> None:
        async with remit.deps.db.work(world.tenant.id) as work:
            await work.tenants.turn_rights_on()
            for resource in held.resources(world):
                await work.users.set_rights(world.alice.id, resource, scopes)

    return act


def narrowed(*tables: str, to: frozenset[str]) -> Act:
    """Take scopes out of grants or lines, of users and of the agent itself."""

    async def act(remit: Remit, world: World, held: Held) -> None:
        for table in tables:
            remit.sql(
                f"update {table} set scopes = :scopes where tenant = :tenant",
                scopes=json.dumps(sorted(to)),
                tenant=world.tenant.id,
            )

    return act


def grant_state(state: str) -> Act:
    async def act(remit: Remit, world: World, held: Held) -> None:
        remit.sql(
            "update grants set state = :state where tenant = :tenant and id = :id",
            state=state,
            tenant=world.tenant.id,
            id=held.grant,
        )

    return act


def erased(table: str, id_: Callable[[World, Held], str]) -> Act:
    """Take a row away, as erasure for privacy will."""

    async def act(remit: Remit, world: World, held: Held) -> None:
        remit.sql(
            f"delete from {table} where tenant = :tenant and id = :id", tenant=world.tenant.id, id=id_(world, held)
        )

    return act


async def sign_user_out(remit: Remit, world: World, held: Held) -> None:
    await sign_out(world.tenant.id, held.cookie, remit.deps, HERE)


async def erase_lines(remit: Remit, world: World, held: Held) -> None:
    remit.sql("delete from line where tenant = :tenant", tenant=world.tenant.id)


async def leave_browser_idle(remit: Remit, world: World, held: Held) -> None:
    at = int(remit.clock.now().timestamp() * 1000) - 8 * 3600 * 1000
    remit.sql(
        "update login_session set last_seen = :at where tenant = :tenant and user_id = :user",
        at=at,
        tenant=world.tenant.id,
        user=world.alice.id,
    )


async def stop_key(remit: Remit, world: World, held: Held) -> None:
    async with remit.deps.db.read(world.tenant.id) as work:
        keys = await work.keys.all()
    kid = remit.deps.keyring.active_kid(keys, KeyUse.ACCESS, "ES256")
    await stop(remit, world, TargetKind.KID, kid)


async def retire_key(remit: Remit, world: World, held: Held) -> None:
    """Take the signing key out of use at once; its successor signs from now on."""
    async with remit.deps.db.work(world.tenant.id) as work:
        keys = [key for key in await work.keys.all() if key.use is KeyUse.ACCESS]
        active = next(key for key in keys if key.state is KeyState.ACTIVE)
        waiting = next(key for key in keys if key.state is KeyState.NEXT)
        await work.keys.change(Kid(active.kid), KeyState.GONE, at=remit.clock.now())
        await work.keys.change(Kid(waiting.kid), KeyState.ACTIVE, at=remit.clock.now())


async def drop_scope(remit: Remit, world: World, held: Held) -> None:
    remit.sql(
        "delete from scope where tenant = :tenant and resource_id = :resource and name = 'write:calendar'",
        tenant=world.tenant.id,
        resource=world.calendar.id,
    )


READ = frozenset({"read:calendar"})
ONLY_READ = frozenset({"write:calendar"})

CAUSES = {
    "the user is inactive": Cause(
        act=user_state(UserState.INACTIVE), undo=user_state(UserState.ACTIVE), told="the user is inactive", on=OF_USER
    ),
    "the user is stopped": undoable(
        stopped(TargetKind.USER, lambda world, _: world.alice.id), told="the user was stopped", on=OF_USER
    ),
    "the agent is retired": Cause(act=retire_agent, told="the agent is retired"),
    "the agent is staged again": undoable(
        row("agent", "state", "staged", "active", lambda world: world.agent.id), told="the agent is staged"
    ),
    "the agent is stopped": undoable(
        stopped(TargetKind.AGENT, lambda world, _: world.agent.id), told="the agent was stopped"
    ),
    "the agent has no owner": Cause(
        act=row("agent", "owner", None, None, lambda world: world.agent.id)[0], told="the agent has no owner"
    ),
    "the client is retired": undoable(
        row("client", "state", "retired", "active", lambda world: world.web.id),
        told="the client is retired",
        client=True,
    ),
    "the client is stopped": undoable(
        stopped(TargetKind.CLIENT, lambda world, _: world.web.id), told="the client was stopped", client=True
    ),
    "the tenant is suspended": undoable(
        row("tenant", "state", "suspended", "active", lambda world: world.tenant.id), told="the tenant is suspended"
    ),
    "the tenant is stopped": undoable(
        stopped(TargetKind.TENANT, lambda world, _: world.tenant.id), told="the tenant was stopped"
    ),
    "the resource is disabled": undoable(
        row("resource", "state", "disabled", "active", lambda world: world.calendar.id),
        told="the resource is disabled",
    ),
    "the resource is stopped": undoable(
        stopped(TargetKind.RESOURCE, lambda world, _: world.calendar.id), told="the resource was stopped"
    ),
    "the user's grant is stopped": Cause(
        act=stopped(TargetKind.GRANT, lambda _, held: held.grant)[0], told="the grant was stopped", on=OF_USER
    ),
    "the administrator's grant is stopped": Cause(
        act=stopped(TargetKind.GRANT, lambda world, _: world.unattended.id)[0],
        told="no administrator has approved",
        on=frozenset({"client_credentials"}),
    ),
    "the user's grant is revoked": Cause(
        act=grant_state("revoked"), undo=grant_state("active"), told="the grant was revoked", on=OF_USER
    ),
    "the user's grant is past its end": Cause(
        act=past("grants", lambda held: held.grant), told="the grant expired", on=OF_USER
    ),
    "the administrator's grant is past its end": Cause(
        act=expire_unattended,
        told="the grant expired",
        on=frozenset({"client_credentials"}),
    ),
    "the line is stopped": Cause(
        act=stopped(TargetKind.LINE, lambda _, held: held.line)[0],
        told="the line was stopped",
        on=ASKED_ABOUT,
    ),
    "the line of a refresh token is stopped": Cause(
        act=stopped(TargetKind.LINE, lambda _, held: held.line)[0],
        told="the refresh token was revoked",
        on=frozenset({"refresh", "replay"}),
    ),
    "the line is past its end": Cause(
        act=past("line", lambda held: held.line), told="the line expired", on=OF_USER - REDEEMED
    ),
    "the user signed out, and it may not act while he is away": Cause(
        act=sign_user_out, told="the login session was stopped", away="no", on=OF_USER
    ),
    "the browser was left idle, and it may not act while he is away": Cause(
        act=leave_browser_idle, told="the login session ended", away="no", on=OF_USER
    ),
    "the remit is missing": Cause(
        act=newest_remit("superseded"),
        undo=newest_remit("active"),
        told="the remit is missing",
    ),
    "the remit is past its end": Cause(act=expire_remit, told="the remit expired"),
    # A stop takes the key out of the set and lets its successor sign: what it signed is dead, what is new is not.
    "the signing key is stopped": Cause(act=stop_key, told="not an access token of this issuer", on=ASKED_ABOUT),
    "the signing key is gone": Cause(act=retire_key, told="not an access token of this issuer", on=ASKED_ABOUT),
    **{
        f"the {what} was erased, {where}": Cause(act=erased(table, id_), told=told, on=on)
        for what, table, id_ in (
            ("user", "users", lambda world, _: world.alice.id),
            ("grant", "grants", lambda _, held: held.grant),
            ("resource", "resource", lambda world, _: world.calendar.id),
        )
        for where, told, on in (
            ("and something is asked for", "what was approved no longer exists", REDEEMED | {"refresh"}),
            ("and a token is asked about", "not an access token", frozenset({"userinfo", EXCHANGED})),
        )
    },
    "the line was erased": Cause(
        act=erased("line", lambda _, held: held.line),
        told="not an access token",
        on=frozenset({"userinfo", "exchange"}),
    ),
    "every line was erased": Cause(act=erase_lines, told="what was approved no longer exists", on=REDEEMED),
    "every scope left the remit": Cause(
        act=remit_of(frozenset()),
        undo=remit_of(SCOPES),
        told="remit took",
        on=ALL - ASKED_ABOUT,
    ),
    "every scope left the user's rights": Cause(
        act=rights_of(frozenset()),
        undo=rights_of(SCOPES),
        told="user's rights took",
        on=REDEEMED | {"refresh", "replay"},
    ),
    "one scope left the remit": Cause(act=remit_of(READ), told="", lost=ONLY_READ),
    "one scope left the user's rights": Cause(act=rights_of(READ), told="", lost=ONLY_READ, on=OF_USER),
    "one scope left the grant": Cause(act=narrowed("grants", to=READ | {"openid"}), told="", lost=ONLY_READ),
    "one scope left the line": Cause(act=narrowed("line", to=READ | {"openid"}), told="", lost=ONLY_READ, on=OF_USER),
    "one scope left the resource": Cause(act=drop_scope, told="", lost=ONLY_READ),
}
