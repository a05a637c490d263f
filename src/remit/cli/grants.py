"""`remit grants ...`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from remit.cli.exits import OK
from remit.cli.find import find_agent, find_client, find_resource, find_user
from remit.cli.here import Here, Where, in_tenant, refused, say
from remit.cli.output import Row, when, write_record, write_rows
from remit.cli.spans import end_of
from remit.core.grants import Grant
from remit.core.oauth.verdicts import Refusal
from remit.core.stops import Target, TargetKind
from remit.services.provisioning.grants import approve_agent
from remit.services.stops import place_stop

app = App(
    name="grants",
    help="List, approve and revoke grants.",
    help_epilogue="Examples:\n  remit grants list --user alice@example.com\n  remit grants approve batch "
    "https://tickets.example.com tickets.update\n  remit grants revoke grt_01k... --reason 'not needed'",
)


@app.command(
    name="list",
    help_epilogue="Examples:\n  remit grants list\n  remit grants list --agent invoice-helper --all --json",
)
def list_(
    *,
    user: Annotated[str | None, Parameter(help="Only those of this user.")] = None,
    agent: Annotated[str | None, Parameter(help="Only those to this agent.")] = None,
    all_: Annotated[bool, Parameter(name="--all", negative="", show_default=False, help="Also revoked ones.")] = False,
    where: Where | None = None,
) -> int:
    """List who allowed which agent what, newest first."""
    where = where or Where()

    async def show(here: Here) -> int:
        async with here.deps.db.read(here.tenant.id) as work:
            of_user = None if user is None else (await find_user(work, user)).id
            of_agent = None if agent is None else (await find_agent(work, agent)).id
            found = await work.grants.list(user=of_user, agent=of_agent, active=not all_)
            people = {user.id: user.email for user in await work.users.list()}
            agents = {agent.id: agent.name for agent in await work.agents.list()}
            uris = {resource.id: resource.uri for resource in await work.resources.list()}
        rows = [
            {
                **_told(grant),
                "from": people.get(grant.user) if grant.user else "an administrator",
                "to": agents.get(grant.agent),
                "on": uris.get(grant.resource),
            }
            for grant in found
        ]
        write_rows(rows, json=where.json, columns=("id", "from", "to", "on", "scopes", "state", "expires_at"))
        return OK

    return in_tenant(where, show)


@app.command(
    help_epilogue="Examples:\n  remit grants approve batch https://tickets.example.com tickets.update"
    "\n  remit grants approve batch https://tickets.example.com tickets.update --for 90d --approver admin@example.com"
)
def approve(
    client: Annotated[str, Parameter(help="The client that acts for its agent itself: name or id.")],
    resource: Annotated[str, Parameter(help="URI, name or id of the resource.")],
    scopes: Annotated[tuple[str, ...], Parameter(help="The scopes to approve.")],
    /,
    *,
    approver: Annotated[str | None, Parameter(help="The administrator who says yes: address or id.")] = None,
    for_: Annotated[str | None, Parameter(name="--for", help="How long, as in 90d. Left out: until revoked.")] = None,
    where: Where | None = None,
) -> int:
    """Let a client use client_credentials, within its agent's remit. Takes the place of an approval before it."""
    where = where or Where()

    async def give(here: Here) -> int:
        until = end_of(for_, now=here.deps.clock.now())
        async with here.deps.db.read(here.tenant.id) as work:
            found = await find_client(work, client)
            target = await find_resource(work, resource)
            yes = None if approver is None else (await find_user(work, approver)).id
        outcome = await approve_agent(
            here.tenant.id,
            here.deps,
            here.who,
            client=found.id,
            resource=target.id,
            scopes=frozenset(scopes),
            approver=yes,
            expires_at=until,
        )
        if isinstance(outcome, Refusal):
            raise refused(outcome)
        write_record(_told(outcome.grant), json=where.json)
        if outcome.removed:
            say(f"Not approved, because the agent's remit does not reach so far: {' '.join(sorted(outcome.removed))}")
        return OK

    return in_tenant(where, give)


@app.command(help_epilogue="Examples:\n  remit grants revoke grt_01k... --reason 'no longer needed'")
def revoke(
    grant: Annotated[str, Parameter(help="Its id.")],
    /,
    *,
    reason: Annotated[str, Parameter(help="Why.")],
    where: Where | None = None,
) -> int:
    """Revoke a grant for ever, with all that was issued under it."""
    where = where or Where()

    async def end_it(here: Here) -> int:
        target = Target(TargetKind.GRANT, grant)
        outcome = await place_stop(here.tenant.id, target, here.deps, here.who, reason=reason)
        if isinstance(outcome, Refusal):
            raise refused(outcome)
        write_record({"grant": grant, "stop": outcome.id, "epoch": outcome.epoch}, json=where.json)
        say("Revoked. Running servers refuse its tokens within a second.")
        return OK

    return in_tenant(where, end_it)


def _told(grant: Grant) -> Row:
    return {
        "id": grant.id,
        "user": grant.user,
        "agent": grant.agent,
        "client": grant.client,
        "resource": grant.resource,
        "scopes": sorted(grant.scopes),
        "purpose": grant.purpose,
        "approver": grant.approver,
        "state": grant.state.value,
        "created_at": when(grant.created_at),
        "expires_at": when(grant.expires_at),
    }
