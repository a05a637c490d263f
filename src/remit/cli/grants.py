"""`remit grants ...`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any

from cyclopts import App, Parameter

from remit.cli.confirming import confirm
from remit.cli.door import Api
from remit.cli.exits import OK
from remit.cli.find import find_agent, find_client, find_resource, find_user, names_of
from remit.cli.output import row_of, write_record, write_rows
from remit.cli.place import Change, Place, through
from remit.cli.spans import days_of, end_of
from remit.core.grants import GrantState
from remit.http.api import grants as rest
from remit.http.api import many_grants as many
from remit.http.api.shapes import Because

app = App(
    name="grants",
    help="List, show, approve, narrow and revoke grants.",
    help_epilogue="Examples:\n  remit grants list --user alice@example.com\n  remit grants approve batch "
    "https://tickets.example.com tickets.update\n  remit grants revoke grt_01k... --reason 'not needed'",
)

Id = Annotated[str, Parameter(help="Its id.")]
Why = Annotated[str, Parameter(help="Why.")]


@app.command(
    name="list",
    help_epilogue="Examples:\n  remit grants list\n  remit grants list --agent invoice-helper --all --json",
)
def list_(
    *,
    user: Annotated[str | None, Parameter(help="Only those of this user.")] = None,
    agent: Annotated[str | None, Parameter(help="Only those to this agent.")] = None,
    client: Annotated[str | None, Parameter(help="Only those to this client.")] = None,
    resource: Annotated[str | None, Parameter(help="Only those for this resource.")] = None,
    all_: Annotated[bool, Parameter(name="--all", negative="", show_default=False, help="Also revoked ones.")] = False,
    place: Place | None = None,
) -> int:
    """List who allowed which agent what, newest first."""
    place = place or Place()

    async def show(api: Api) -> int:
        query = rest.GrantQuery(
            user=None if user is None else await find_user(api, user),
            agent=None if agent is None else await find_agent(api, agent),
            client=None if client is None else await find_client(api, client),
            resource=None if resource is None else await find_resource(api, resource),
            state=None if all_ else GrantState.ACTIVE,
        )
        found = [grant async for page in api.every(rest.list_grants, query=query) for grant in page.grants]
        if place.json:
            write_rows(found, json=True)
            return OK
        names = await names_of(
            api,
            users={grant.user for grant in found},
            agents={grant.agent for grant in found},
            resources={grant.resource for grant in found},
        )
        rows = [
            {
                **row_of(grant),
                "from": names.get(grant.user, grant.user) if grant.user else "an administrator",
                "to": names.get(grant.agent, grant.agent),
                "on": names.get(grant.resource, grant.resource),
            }
            for grant in found
        ]
        write_rows(rows, json=False, columns=("id", "from", "to", "on", "scopes", "standing", "expires_at"))
        return OK

    return through(place, show)


@app.command(help_epilogue="Examples:\n  remit grants show grt_01k...")
def show(grant: Id, /, *, place: Place | None = None) -> int:
    """Show one grant, and whether anything stops it now."""
    place = place or Place()

    async def read(api: Api) -> int:
        write_record(await api.ask(rest.get_grant, grant), json=place.json)
        return OK

    return through(place, read)


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
    approver: Annotated[
        str | None,
        Parameter(help="The administrator who says yes: address or id. On a server it is whoever is signed in."),
    ] = None,
    for_: Annotated[str | None, Parameter(name="--for", help="How long, as in 90d. Left out: until revoked.")] = None,
    place: Change | None = None,
) -> int:
    """Let a client use client_credentials, within its agent's remit. Takes the place of an approval before it."""
    place = place or Change()

    async def give(api: Api) -> int:
        body = rest.NewGrant(
            client=await find_client(api, client),
            resource=await find_resource(api, resource),
            scopes=list(scopes),
            expires_at=end_of(for_, now=datetime.now(UTC)),
        )
        if approver is not None:
            await api.door.speak_for(await find_user(api, approver))
        made = await api.ask(rest.approve_grant, body=body)
        write_record(made, json=place.json)
        if made.removed:
            api.say(f"Not approved, because the agent's remit does not reach so far: {' '.join(made.removed)}")
        return OK

    return through(place, give)


@app.command(help_epilogue="Examples:\n  remit grants narrow grt_01k... read:calendar --reason 'writes nothing'")
def narrow(
    grant: Id,
    keep: Annotated[tuple[str, ...], Parameter(help="The scopes that stay.")],
    /,
    *,
    reason: Why,
    place: Change | None = None,
) -> int:
    """Leave an agent less than it was allowed."""
    place = place or Change()

    async def cut(api: Api) -> int:
        body = rest.Narrowing(keep=list(keep), reason=reason)
        write_record(await api.ask(rest.narrow_grant, grant, body=body), json=place.json)
        return OK

    return through(place, cut)


@app.command(help_epilogue="Examples:\n  remit grants revoke grt_01k... --reason 'no longer needed'")
def revoke(grant: Id, /, *, reason: Why, place: Change | None = None) -> int:
    """Revoke a grant for ever, with all that was issued under it."""
    place = place or Change()

    async def end_it(api: Api) -> int:
        write_record(await api.ask(rest.revoke_grant, grant, body=Because(reason=reason)), json=place.json)
        api.say("Revoked. Running servers refuse its tokens within a second.")
        return OK

    return through(place, end_it)


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which grants: those that all of this is true of."""

    user: Annotated[str | None, Parameter(help="Those of this user.")] = None
    agent: Annotated[str | None, Parameter(help="Those to this agent.")] = None
    client: Annotated[str | None, Parameter(help="Those to this client.")] = None
    resource: Annotated[str | None, Parameter(help="Those for this resource.")] = None
    scope: Annotated[str | None, Parameter(help="Those that hold this scope.")] = None
    unused: Annotated[str | None, Parameter(help="Older than this, and not used for as long, as in 90d.")] = None

    async def fields(self, api: Api) -> dict[str, Any]:
        return {
            "user": None if self.user is None else await find_user(api, self.user),
            "agent": None if self.agent is None else await find_agent(api, self.agent),
            "client": None if self.client is None else await find_client(api, self.client),
            "resource": None if self.resource is None else await find_resource(api, self.resource),
            "scope": self.scope,
            "unused_days": None if self.unused is None else days_of(self.unused),
        }


Yes = Annotated[bool, Parameter(negative="", show_default=False, help="Do it without being asked.")]


@app.command(
    name="revoke-all",
    help_epilogue="Examples:\n  remit grants revoke-all --agent crawler --unused 90d --reason unused --dry-run"
    "\n  remit grants revoke-all --user alice@example.com --reason 'has left' --yes",
)
def revoke_all(*, sought: Sought | None = None, reason: Why, yes: Yes = False, place: Change | None = None) -> int:
    """Revoke all grants that are found, at most 500 at a time, all of them or none. It is final."""
    place, sought = place or Change(), sought or Sought()

    async def end_them(api: Api) -> int:
        body = many.ManyGrants(reason=reason, **await sought.fields(api))
        if not (yes or api.dry):
            seen = await replace(api, dry=True).ask(many.revoke_many, body=body)
            confirm(f"This revokes {len(seen.revoked)} grants for ever.", str(len(seen.revoked)))
            body.mark = seen.mark
        done = await api.ask(many.revoke_many, body=body)
        write_record(done, json=place.json)
        api.say(f"Revoked {len(done.revoked)}. Running servers refuse their tokens within a second.{_rest(done.more)}")
        return OK

    return through(place, end_them)


@app.command(
    help_epilogue="Examples:\n  remit grants trim --agent invoice-helper --reason 'least privilege' --dry-run"
    "\n  remit grants trim --resource https://tickets.example.com --days 14 --reason 'least privilege' --yes",
)
def trim(
    *,
    sought: Sought | None = None,
    days: Annotated[int, Parameter(help="What was used in so many days stays, and so does what is younger.")] = 7,
    reason: Why,
    yes: Yes = False,
    place: Change | None = None,
) -> int:
    """Narrow all grants that are found to the scopes that were used, as guards reported."""
    place, sought = place or Change(), sought or Sought()

    async def cut(api: Api) -> int:
        body = many.ManyTrims(reason=reason, days=days, **await sought.fields(api))
        if not (yes or api.dry):
            seen = await replace(api, dry=True).ask(many.trim_many, body=body)
            write_rows(seen.trimmed, json=False)
            confirm(f"This trims {len(seen.trimmed)} grants.", str(len(seen.trimmed)))
            body.mark = seen.mark
        done = await api.ask(many.trim_many, body=body)
        write_rows(done.trimmed, json=False) if not place.json else write_record(done, json=True)
        api.say(f"Trimmed {len(done.trimmed)}.{_rest(done.more)}")
        return OK

    return through(place, cut)


def _rest(more: bool) -> str:
    return " There are more: type the same again." if more else ""


@app.command(help_epilogue="Examples:\n  remit grants lines grt_01k...")
def lines(grant: Id, /, *, place: Place | None = None) -> int:
    """List every approval of a grant, newest first."""
    place = place or Place()

    async def read(api: Api) -> int:
        found = [line async for page in api.every(rest.list_lines, grant) for line in page.lines]
        columns = ("id", "scopes", "while_away", "state", "created_at", "expires_at")
        write_rows(found, json=place.json, columns=columns)
        return OK

    return through(place, read)


@app.command(
    name="revoke-line", help_epilogue="Examples:\n  remit grants revoke-line lin_01k... --reason 'the laptop was lost'"
)
def revoke_line(line: Id, /, *, reason: Why, place: Change | None = None) -> int:
    """End one approval of a grant with its refresh token and access tokens; the others stay."""
    place = place or Change()

    async def end_it(api: Api) -> int:
        write_record(await api.ask(rest.revoke_line, line, body=Because(reason=reason)), json=place.json)
        return OK

    return through(place, end_it)


@app.command(help_epilogue="Examples:\n  remit grants usage grt_01k...")
def usage(grant: Id, /, *, place: Place | None = None) -> int:
    """Show how often each scope of a grant was used, as guards reported."""
    place = place or Place()

    async def read(api: Api) -> int:
        write_rows((await api.ask(rest.list_usage, grant)).usage, json=place.json)
        return OK

    return through(place, read)
