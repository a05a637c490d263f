"""`remit agents ...`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from cyclopts import App, Parameter

from remit.cli.door import Api
from remit.cli.exits import OK, USAGE
from remit.cli.find import find_agent, find_user, names_of, scopes_by_resource
from remit.cli.here import end
from remit.cli.lifetime import AsTenant, Seconds, told_lifetime
from remit.cli.output import row_of, write_record, write_rows
from remit.cli.place import Change, Place, through
from remit.cli.spans import end_of
from remit.core.agents import AgentState
from remit.http.api import agents as rest
from remit.http.api import clients, grants
from remit.http.api.shapes import Because, NumberedQuery

app = App(
    name="agents",
    help="List, create, show, change, allow, activate and retire agents.",
    help_epilogue='Examples:\n  remit agents list\n  remit agents create invoice-helper --purpose "match invoices" '
    "--owner alice@example.com --can invoices.read",
)

Name = Annotated[str, Parameter(help="Its name or id.")]
Can = Annotated[tuple[str, ...], Parameter(help="A scope it may ever have; repeat for more.", negative="")]
On = Annotated[str | None, Parameter(help="Resource of the scopes, where several define them.")]
For = Annotated[str | None, Parameter(name="--for", help="How long its remit holds, as in 90d.")]


@app.command(name="list", help_epilogue="Examples:\n  remit agents list --tenant acme\n  remit agents list --json")
def list_(*, place: Place | None = None) -> int:
    """List agents, with those that are stopped shown as stopped."""
    place = place or Place()

    async def show(api: Api) -> int:
        found = [agent async for page in api.every(rest.list_agents) for agent in page.agents]
        if place.json:
            write_rows(found, json=True)
        else:
            people = await names_of(api, users={agent.owner for agent in found})
            rows = [{**row_of(agent), "owned_by": people.get(agent.owner or "", agent.owner)} for agent in found]
            write_rows(rows, json=False, columns=("id", "name", "state", "owned_by", "purpose"))
        return OK

    return through(place, show)


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
    can: Can = (),
    on: On = None,
    for_: For = None,
    place: Change | None = None,
) -> int:
    """Register an agent. What it `--can` is its ceiling: nobody can allow it more."""
    place = place or Change()

    async def make(api: Api) -> int:
        until = end_of(for_, now=datetime.now(UTC))
        if until is not None and not can:
            raise end("--for is how long the remit holds: say with --can what is in it", USAGE)
        answers = None if owner is None else await find_user(api, owner)
        remit = rest.NewRemit(scopes=await scopes_by_resource(api, can, on), expires_at=until) if can else None
        body = rest.NewAgent(name=name, purpose=purpose, owner=answers, active=answers is not None, remit=remit)
        agent = await api.ask(rest.create_agent, body=body)
        write_record(agent, json=place.json)
        if remit is None:
            api.say("It may do nothing yet: it has no remit (`remit agents allow`).")
        if agent.state == AgentState.STAGED:
            api.say("It is staged, because nobody owns it (--owner).")
        return OK

    return through(place, make)


@app.command(help_epilogue="Examples:\n  remit agents show invoice-helper\n  remit agents show agt_01k... --json")
def show(name: Name, /, *, place: Place | None = None) -> int:
    """Show one agent: what it may ever do, its clients, and who allowed it what."""
    place = place or Place()

    async def read(api: Api) -> int:
        agent = await api.ask(rest.get_agent, await find_agent(api, name))
        newest = (await api.ask(rest.list_remits, agent.id, query=NumberedQuery(limit=1))).remits
        remit = newest[0] if newest else None
        held = remit.scopes if remit else {}
        names = await names_of(api, resources=set(held))
        own, given = clients.ClientQuery(agent=agent.id), grants.GrantQuery(agent=agent.id)
        record = {
            **row_of(agent),
            "remit": {names.get(resource, resource): scopes for resource, scopes in held.items()},
            "remit_version": remit.version if remit else None,
            "remit_expires_at": remit.expires_at if remit else None,
            "token_seconds": remit.token_seconds if remit else None,
            "dpop_bound": remit.dpop_bound if remit else False,
            "clients": [one.id async for page in api.every(clients.list_clients, query=own) for one in page.clients],
            "grants": [one.id async for page in api.every(grants.list_grants, query=given) for one in page.grants],
        }
        write_record(record, json=place.json)
        return OK

    return through(place, read)


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
    place: Change | None = None,
) -> int:
    """Change how an agent is called, what it is for, and who answers for it. What is left out stays."""
    place = place or Change()
    words = {"name": rename, "purpose": purpose, "role": role, "model": model}

    async def make(api: Api) -> int:
        if sponsor is not None and no_sponsor:
            raise end("--sponsor and --no-sponsor cannot both hold", USAGE)
        agent = await find_agent(api, name)
        wanted: dict[str, Any] = {what: word for what, word in words.items() if word is not None}
        for what, person in (("owner", owner), ("sponsor", sponsor)):
            if person is not None:
                wanted[what] = await find_user(api, person)
        if no_sponsor:
            wanted["sponsor"] = None
        write_record(await api.ask(rest.change_agent, agent, body=rest.AgentChanges(**wanted)), json=place.json)
        return OK

    return through(place, make)


@app.command(
    help_epilogue="Examples:\n  remit agents allow invoice-helper --can invoices.read --can invoices.match"
    "\n  remit agents allow invoice-helper --can read:calendar --on https://calendar.example.com --for 90d --dry-run"
)
def allow(
    name: Name,
    /,
    *,
    can: Can,
    on: On = None,
    for_: For = None,
    token_seconds: Seconds = None,
    dpop: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="It gets tokens only with a DPoP proof, bound to its key."),
    ] = False,
    place: Change | None = None,
) -> int:
    """Say anew what an agent may ever do: all of it. It holds from the next decision on, also for tokens there are."""
    place = place or Change()

    async def make(api: Api) -> int:
        agent, until = await find_agent(api, name), end_of(for_, now=datetime.now(UTC))
        scopes = await scopes_by_resource(api, can, on)
        body = rest.NewRemit(scopes=scopes, expires_at=until, token_seconds=token_seconds, dpop_bound=dpop)
        write_record(await api.ask(rest.publish_remit, agent, body=body), json=place.json)
        return OK

    return through(place, make)


@app.command(
    help_epilogue="Examples:\n  remit agents remits invoice-helper\n  remit agents remits invoice-helper --json"
)
def remits(name: Name, /, *, place: Place | None = None) -> int:
    """List every version of what an agent may ever do, newest first; the first one holds."""
    place = place or Place()

    async def read(api: Api) -> int:
        agent = await find_agent(api, name)
        found = [remit async for page in api.every(rest.list_remits, agent) for remit in page.remits]
        write_rows(
            found, json=place.json, columns=("version", "scopes", "expires_at", "token_seconds", "dpop_bound", "id")
        )
        return OK

    return through(place, read)


@app.command(help_epilogue='Examples:\n  remit agents activate invoice-helper --reason "reviewed by security"')
def activate(name: Name, /, *, reason: Annotated[str, Parameter(help="Why.")], place: Change | None = None) -> int:
    """Let a staged agent act. Somebody has to own it (`remit agents change --owner`)."""
    place = place or Change()

    async def step(api: Api) -> int:
        agent = await find_agent(api, name)
        write_record(await api.ask(rest.activate_agent, agent, body=Because(reason=reason)), json=place.json)
        return OK

    return through(place, step)


@app.command(help_epilogue='Examples:\n  remit agents retire invoice-helper --reason "replaced by v2"')
def retire(name: Name, /, *, reason: Annotated[str, Parameter(help="Why.")], place: Change | None = None) -> int:
    """Retire an agent for ever. To halt it for a while, stop it."""
    place = place or Change()

    async def step(api: Api) -> int:
        agent = await find_agent(api, name)
        write_record(await api.ask(rest.retire_agent, agent, body=Because(reason=reason)), json=place.json)
        return OK

    return through(place, step)


@app.command(
    help_epilogue="Examples:\n  remit agents lifetime invoice-helper --token-seconds 120\n"
    "  remit agents lifetime invoice-helper --as-tenant"
)
def lifetime(
    name: Name, /, *, token_seconds: Seconds = None, as_tenant: AsTenant = False, place: Change | None = None
) -> int:
    """Shorten an agent's access tokens by a new version of its remit, which is otherwise as it was."""
    place = place or Change()

    async def shorten(api: Api) -> int:
        seconds = told_lifetime(token_seconds, as_tenant=as_tenant)
        agent = await find_agent(api, name)
        write_record(
            await api.ask(rest.shorten_remit, agent, body=rest.Lifetime(token_seconds=seconds)), json=place.json
        )
        return OK

    return through(place, shorten)
