"""`remit agents ...`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from cyclopts import App, Parameter

from remit.cli.exits import OK, USAGE
from remit.cli.find import find_agent, find_resource, find_user
from remit.cli.here import Here, Where, end, in_tenant, refused, say
from remit.cli.output import Row, when, write_record, write_rows
from remit.cli.spans import end_of, one_of_both
from remit.core.agents import Agent, AgentState, Remit, ScopeKey
from remit.core.oauth.verdicts import Refusal
from remit.core.resources import Resource
from remit.core.stops import TargetKind
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.lifetimes import shorten_agent
from remit.services.provisioning.agents import change_agent, create_agent, publish_remit, set_agent_state
from remit.services.together import together

app = App(
    name="agents",
    help="List, create, show, change, activate and retire agents.",
    help_epilogue='Examples:\n  remit agents list\n  remit agents create invoice-helper --purpose "match invoices" '
    "--owner alice@example.com --can invoices.read",
)

Name = Annotated[str, Parameter(help="Its name or id.")]


@app.command(name="list", help_epilogue="Examples:\n  remit agents list --tenant acme\n  remit agents list --json")
def list_(*, where: Where | None = None) -> int:
    """List agents, with those that are stopped shown as stopped."""
    where = where or Where()

    async def show(here: Here) -> int:
        async with here.deps.db.read(here.tenant.id) as work:
            stopped = await _stopped(work, here)
            people = {user.id: user.email for user in await work.users.list()}
            rows = [
                {**_told(agent, stopped), "owned_by": people.get(agent.owner) if agent.owner else None}
                for agent in await work.agents.list()
            ]
        write_rows(rows, json=where.json, columns=("id", "name", "state", "owned_by", "purpose"))
        return OK

    return in_tenant(where, show)


@app.command(
    help_epilogue='Examples:\n  remit agents create invoice-helper --purpose "match invoices" --owner alice@example.com'
    '\n  remit agents create sorter --purpose "sort tickets" --owner bob@example.com --can tickets.update --for 90d'
)
def create(
    name: Annotated[str, Parameter(help="What people call it; unique in the tenant.")],
    /,
    *,
    purpose: Annotated[str, Parameter(help="What it is for, in words that people read before they agree.")],
    owner: Annotated[str | None, Parameter(help="Who answers for it: address or id. Without one it is staged.")] = None,
    can: Annotated[tuple[str, ...], Parameter(help="A scope it may ever have; repeat for more.", negative="")] = (),
    on: Annotated[str | None, Parameter(help="Resource of the scopes, where several define them.")] = None,
    for_: Annotated[str | None, Parameter(name="--for", help="How long its remit holds, as in 90d.")] = None,
    where: Where | None = None,
) -> int:
    """Register an agent. What it `--can` is its ceiling: nobody can allow it more."""
    where = where or Where()

    async def make(here: Here) -> int:
        deps, tenant = here.deps, here.tenant.id
        until = end_of(for_, now=deps.clock.now())
        if until is not None and not can:
            raise end("--for is how long the remit holds: say with --can what is in it", USAGE)
        async with deps.db.read(tenant) as work:
            answers = None if owner is None else (await find_user(work, owner)).id
            scopes = await _ceiling(work, can, on)
        agent = await create_agent(
            tenant, deps, here.who, name=name, purpose=purpose, owner=answers, active=answers is not None
        )
        if isinstance(agent, Refusal):
            raise refused(agent)
        remit = None
        if scopes:
            remit = await publish_remit(tenant, deps, here.who, agent=agent.id, scopes=scopes, expires_at=until)
            if isinstance(remit, Refusal):
                raise refused(remit)
        write_record({**_told(agent, frozenset()), "can": sorted({key.name for key in scopes})}, json=where.json)
        if remit is None:
            say("It may do nothing yet: it has no remit (--can).")
        if agent.state is AgentState.STAGED:
            say("It is staged, because nobody owns it (--owner).")
        return OK

    return in_tenant(where, make)


@app.command(help_epilogue="Examples:\n  remit agents show invoice-helper\n  remit agents show agt_01k... --json")
def show(name: Name, /, *, where: Where | None = None) -> int:
    """Show one agent: what it may ever do, its clients, and who allowed it what."""
    where = where or Where()

    async def read(here: Here) -> int:
        async with here.deps.db.read(here.tenant.id) as work:
            agent = await find_agent(work, name)
            remit = await work.agents.remit(agent.id)
            record = {
                **_told(agent, await _stopped(work, here)),
                "remit": await _told_remit(work, remit),
                "remit_version": remit.version if remit else None,
                "remit_expires_at": when(remit.expires_at) if remit else None,
                "clients": [client.id for client in await work.clients.list(agent.id)],
                "grants": [grant.id for grant in await work.grants.list(agent=agent.id)],
            }
        write_record(record, json=where.json)
        return OK

    return in_tenant(where, read)


@app.command(help_epilogue='Examples:\n  remit agents activate invoice-helper --reason "reviewed by security"')
def activate(name: Name, /, *, reason: Annotated[str, Parameter(help="Why.")], where: Where | None = None) -> int:
    """Let a staged agent act. Somebody has to own it (`remit agents change --owner`)."""
    return _step(name, AgentState.ACTIVE, reason, where or Where())


@app.command(
    help_epilogue="Examples:\n  remit agents change invoice-helper --owner dana@example.com --sponsor amir@example.com"
    "\n  remit agents change invoice-helper --no-sponsor --dry-run"
)
def change(
    name: Name,
    /,
    *,
    rename: Annotated[str | None, Parameter(help="Another name.")] = None,
    purpose: Annotated[str | None, Parameter(help="What it is for, as people read it.")] = None,
    owner: Annotated[str | None, Parameter(help="Who answers for it: address or id.")] = None,
    sponsor: Annotated[str | None, Parameter(help="Who is accountable for it: address or id.")] = None,
    no_sponsor: Annotated[bool, Parameter(negative="", show_default=False, help="Nobody is.")] = False,
    role: Annotated[str | None, Parameter(help="What kind of agent it is.")] = None,
    model: Annotated[str | None, Parameter(help="The model behind it.")] = None,
    dry_run: Annotated[bool, Parameter(negative="", show_default=False, help="Check it and keep nothing.")] = False,
    where: Where | None = None,
) -> int:
    """Change how an agent is called, what it is for, and who answers for it. What is left out stays."""
    where = where or Where()
    words = {"name": rename, "purpose": purpose, "role": role, "model": model}

    async def make(here: Here) -> int:
        if sponsor is not None and no_sponsor:
            raise end("--sponsor and --no-sponsor cannot both hold", USAGE)
        async with here.deps.db.read(here.tenant.id) as work:
            found = await find_agent(work, name)
            told: dict[str, Any] = {what: word for what, word in words.items() if word is not None}
            for what, person in (("owner", owner), ("sponsor", sponsor)):
                if person is not None:
                    told[what] = (await find_user(work, person)).id
        if no_sponsor:
            told["sponsor"] = None
        wanted = replace(found, **told)

        async def body(_: Work, deps: Deps) -> Agent | Refusal:
            return await change_agent(here.tenant.id, deps, here.who, wanted)

        outcome = await together(here.tenant.id, here.deps, body, keep=lambda _: not dry_run)
        if isinstance(outcome, Refusal):
            raise refused(outcome)
        write_record(_told(outcome, frozenset()), json=where.json)
        if dry_run:
            say("Nothing was kept (--dry-run).")
        return OK

    return in_tenant(where, make)


@app.command(help_epilogue='Examples:\n  remit agents retire invoice-helper --reason "replaced by v2"')
def retire(name: Name, /, *, reason: Annotated[str, Parameter(help="Why.")], where: Where | None = None) -> int:
    """Retire an agent for ever. To halt it for a while, stop it."""
    return _step(name, AgentState.RETIRED, reason, where or Where())


def _step(name: str, state: AgentState, reason: str, where: Where) -> int:
    async def take(here: Here) -> int:
        async with here.deps.db.read(here.tenant.id) as work:
            agent = await find_agent(work, name)
        outcome = await set_agent_state(here.tenant.id, here.deps, here.who, agent=agent.id, state=state, reason=reason)
        if isinstance(outcome, Refusal):
            raise refused(outcome)
        write_record(_told(outcome, frozenset()), json=where.json)
        return OK

    return in_tenant(where, take)


@app.command(
    help_epilogue="Examples:\n  remit agents lifetime invoice-helper --token-seconds 120\n"
    "  remit agents lifetime invoice-helper --as-tenant"
)
def lifetime(
    name: Name,
    /,
    *,
    token_seconds: Annotated[int | None, Parameter(help="Longest life of its access tokens.")] = None,
    as_tenant: Annotated[
        bool, Parameter(negative="", show_default=False, help="Leave it to the tenant and the resource again.")
    ] = False,
    where: Where | None = None,
) -> int:
    """Shorten an agent's access tokens by a new version of its remit, which is otherwise as it was."""
    where = where or Where()

    async def change(here: Here) -> int:
        one_of_both(token_seconds, as_tenant=as_tenant)
        async with here.deps.db.read(here.tenant.id) as work:
            agent = await find_agent(work, name)
        remit = await shorten_agent(here.tenant.id, here.deps, here.who, agent=agent.id, seconds=token_seconds)
        if isinstance(remit, Refusal):
            raise refused(remit)
        told = {"agent": agent.id, "remit_version": remit.version, "token_seconds": remit.token_seconds}
        write_record(told, json=where.json)
        return OK

    return in_tenant(where, change)


async def _ceiling(work: Work, names: tuple[str, ...], on: str | None) -> frozenset[ScopeKey]:
    """Find the resource of each scope; a name that several resources define needs `--on`."""
    resources = await work.resources.list() if on is None else (await find_resource(work, on),)
    return frozenset(ScopeKey(_home(name, resources).id, name) for name in names)


def _home(name: str, resources: tuple[Resource, ...]) -> Resource:
    homes = [resource for resource in resources if name in resource.scope_names]
    if len(homes) > 1:
        uris = ", ".join(resource.uri for resource in homes)
        raise end(f"several resources define `{name}`: say which with --on: {uris}", USAGE)
    if not homes:
        known = " ".join(sorted({scope for resource in resources for scope in resource.scope_names}))
        raise refused(Refusal("not_found", f"no resource defines `{name}`; there are: {known}"))
    return homes[0]


async def _stopped(work: Work, here: Here) -> frozenset[str]:
    stops = await work.stops.list(in_force_at=here.deps.clock.now())
    return frozenset(stop.target.id for stop in stops if stop.target.kind is TargetKind.AGENT)


async def _told_remit(work: Work, remit: Remit | None) -> dict[str, list[str]]:
    if remit is None:
        return {}
    uris = {resource.id: resource.uri for resource in await work.resources.list()}
    return {
        uris.get(resource, resource): sorted(remit.on(resource)) for resource in {key.resource for key in remit.scopes}
    }


def _told(agent: Agent, stopped: frozenset[str]) -> Row:
    return {
        "id": agent.id,
        "name": agent.name,
        "state": "stopped" if agent.id in stopped else agent.state.value,
        "owner": agent.owner,
        "sponsor": agent.sponsor,
        "purpose": agent.purpose,
        "role": agent.role,
        "model": agent.model,
        "created_at": when(agent.created_at),
    }
