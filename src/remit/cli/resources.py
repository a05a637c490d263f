"""`remit resources ...`."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App, Parameter

from remit.cli.credentials import ONCE, Overlap, overlap_of, write_credentials, write_rotated, write_secret
from remit.cli.door import Api
from remit.cli.exits import OK, USAGE
from remit.cli.find import find_agent, find_resource
from remit.cli.here import end
from remit.cli.lifetime import AsTenant, Seconds, told_lifetime
from remit.cli.output import Row, row_of, write_record, write_rows
from remit.cli.place import Change, Place, through
from remit.core.resources import ResourceState, Risk
from remit.http.api import credentials as proofs
from remit.http.api import resources as rest
from remit.http.api.shapes import Nothing

app = App(
    name="resources",
    help="List, create, show and change resources: the APIs that tokens are for.",
    help_epilogue="Examples:\n  remit resources list\n  remit resources create https://calendar.example.com --name "
    'Calendar --scope "read:calendar=See your events"',
)

Name = Annotated[str, Parameter(help="Its URI, name or id.")]
Scopes = Annotated[
    tuple[str, ...],
    Parameter(
        help="NAME=SENTENCE, the sentence as users read it; repeat for more. NAME+= says that it changes "
        "something, NAME!= that it deletes or spends.",
        negative="",
    ),
]

_DPOP = "Every token for it is bound to a key, by a DPoP proof."


@app.command(
    name="list", help_epilogue="Examples:\n  remit resources list --tenant acme\n  remit resources list --json"
)
def list_(*, place: Place | None = None) -> int:
    """List resources with their scopes."""
    place = place or Place()

    async def show(api: Api) -> int:
        found = [resource async for page in api.every(rest.list_resources) for resource in page.resources]
        if place.json:
            write_rows(found, json=True)
        else:
            write_rows([_shown(resource) for resource in found], json=False, columns=_COLUMNS)
        return OK

    return through(place, show)


@app.command(
    help_epilogue="Examples:\n  remit resources create https://calendar.example.com --name Calendar \\\n"
    '    --scope "read:calendar=See your events" --scope "delete:calendar!=Delete events from your calendar"'
)
def create(
    uri: Annotated[str, Parameter(help="The URI that clients and tokens name it by, to the letter.")],
    /,
    *,
    name: Annotated[str, Parameter(help="What people call it.")],
    scope: Scopes,
    token_seconds: Seconds = None,
    dpop: Annotated[bool, Parameter(negative="", show_default=False, help=_DPOP)] = False,
    details: Annotated[
        tuple[str, ...],
        Parameter(help="Type of authorization details that the API keeps to: remit_tool_call.", negative=""),
    ] = (),
    place: Change | None = None,
) -> int:
    """Register a resource. Its credentials are shown this once: with them the API introspects and reports."""
    place = place or Change()

    async def make(api: Api) -> int:
        scopes = [read_scope(told) for told in scope]
        body = rest.NewResource(
            uri=uri,
            name=name,
            scopes=scopes,
            token_seconds=token_seconds,
            dpop_bound=dpop,
            details_types=list(details),
            secret=True,
        )
        made = await api.ask(rest.create_resource, body=body)
        # As libraries of OAuth call it, beside the name that the API has for everything.
        record = {"client_id": made.id, "client_secret": made.client_secret, **row_of(made)}
        write_record(record, json=place.json, shown={"scopes": _names(made)})
        api.say(ONCE)
        return OK

    return through(place, make)


@app.command(help_epilogue="Examples:\n  remit resources show https://calendar.example.com")
def show(resource: Name, /, *, place: Place | None = None) -> int:
    """Show one resource with its scopes."""
    place = place or Place()

    async def read(api: Api) -> int:
        _write(await api.ask(rest.get_resource, await find_resource(api, resource)), json=place.json)
        return OK

    return through(place, read)


@app.command(
    help_epilogue="Examples:\n  remit resources change Calendar --rename Diary\n  remit resources change Calendar "
    '--scope "send:invitations+=Invite people in your name" --dry-run\n  remit resources change Calendar --disable'
)
def change(
    resource: Name,
    /,
    *,
    rename: Annotated[str | None, Parameter(help="Another name.")] = None,
    scope: Scopes = (),
    drop: Annotated[
        tuple[str, ...], Parameter(help="A scope that goes, from all tokens at once; repeat for more.", negative="")
    ] = (),
    disable: Annotated[bool, Parameter(negative="", show_default=False, help="Issue no tokens for it.")] = False,
    enable: Annotated[bool, Parameter(negative="", show_default=False, help="Issue tokens for it again.")] = False,
    dpop: Annotated[bool | None, Parameter(help=_DPOP)] = None,
    place: Change | None = None,
) -> int:
    """Change a resource: its name, its scopes one by one, whether there are tokens for it. What is left out stays."""
    place = place or Change()

    async def make(api: Api) -> int:
        if disable and enable:
            raise end("--disable and --enable cannot both hold", USAGE)
        # Read first: scopes are changed as a whole, on the state that was seen.
        found = await api.ask(rest.get_resource, await find_resource(api, resource))
        wanted: dict[str, Any] = {} if rename is None else {"name": rename}
        if disable or enable:
            wanted["state"] = ResourceState.DISABLED if disable else ResourceState.ACTIVE
        if dpop is not None:
            wanted["dpop_bound"] = dpop
        if scope or drop:
            wanted["scopes"] = _scopes(found, [read_scope(told) for told in scope], drop)
        _write(await api.ask(rest.change_resource, found.id, body=rest.ResourceChanges(**wanted)), json=place.json)
        return OK

    return through(place, make)


@app.command(name="add-secret", help_epilogue="Examples:\n  remit resources add-secret https://calendar.example.com")
def add_secret(resource: Name, /, *, place: Change | None = None) -> int:
    """Give a resource a further secret, shown this once; those it has stay good."""
    place = place or Change()

    async def make(api: Api) -> int:
        found = await find_resource(api, resource)
        write_secret(api, await api.ask(proofs.add_secret_of_resource, found, body=Nothing()), json=place.json)
        return OK

    return through(place, make)


@app.command(help_epilogue="Examples:\n  remit resources rotate https://calendar.example.com --overlap 2d")
def rotate(resource: Name, /, *, overlap: Overlap = None, place: Change | None = None) -> int:
    """Give a resource a new secret, shown this once; what it had ends after the overlap."""
    place = place or Change()

    async def move(api: Api) -> int:
        body = proofs.SecretRotation(overlap_seconds=overlap_of(overlap))
        found = await find_resource(api, resource)
        write_rotated(api, await api.ask(proofs.rotate_resource_secret, found, body=body), json=place.json)
        return OK

    return through(place, move)


@app.command(help_epilogue="Examples:\n  remit resources credentials https://calendar.example.com")
def credentials(resource: Name, /, *, place: Place | None = None) -> int:
    """List what a resource proves itself by: age, end and last use of each, and never the secret."""
    place = place or Place()

    async def read(api: Api) -> int:
        found = await find_resource(api, resource)
        write_credentials(await api.ask(proofs.list_resource_credentials, found), json=place.json)
        return OK

    return through(place, read)


@app.command(
    name="revoke-secret", help_epilogue="Examples:\n  remit resources revoke-secret https://calendar.example.com 01k..."
)
def revoke_secret(
    resource: Name,
    secret: Annotated[str, Parameter(help="As `remit resources credentials` names it.")],
    /,
    *,
    place: Change | None = None,
) -> int:
    """End one secret of a resource at once."""
    place = place or Change()

    async def take_back(api: Api) -> int:
        found = await find_resource(api, resource)
        write_record(await api.ask(proofs.revoke_resource_secret, found, secret, body=Nothing()), json=place.json)
        return OK

    return through(place, take_back)


@app.command(
    help_epilogue="Examples:\n  remit resources lifetime https://calendar.example.com --token-seconds 300\n"
    "  remit resources lifetime https://calendar.example.com --as-tenant"
)
def lifetime(
    resource: Name, /, *, token_seconds: Seconds = None, as_tenant: AsTenant = False, place: Change | None = None
) -> int:
    """Shorten access tokens to one resource below what the tenant gives, for those issued from now on."""
    place = place or Change()

    async def shorten(api: Api) -> int:
        body = rest.ResourceChanges(token_seconds=told_lifetime(token_seconds, as_tenant=as_tenant))
        _write(await api.ask(rest.change_resource, await find_resource(api, resource), body=body), json=place.json)
        return OK

    return through(place, shorten)


@app.command(
    name="served-by",
    help_epilogue="Examples:\n  remit resources served-by https://calendar.example.com calendar-helper\n"
    "  remit resources served-by https://calendar.example.com --nobody",
)
def served_by(
    resource: Name,
    agent: Annotated[str | None, Parameter(help="The agent: name or id.")] = None,
    /,
    *,
    nobody: Annotated[bool, Parameter(negative="", show_default=False, help="No agent answers there.")] = False,
    place: Change | None = None,
) -> int:
    """Say which agent answers at a resource: it may act on with the tokens that it is shown (token exchange)."""
    place = place or Change()

    async def name(api: Api) -> int:
        if (agent is None) != nobody:
            raise end("name the agent that answers there, or say --nobody", USAGE)
        body = rest.ResourceChanges(served_by=None if agent is None else await find_agent(api, agent))
        _write(await api.ask(rest.change_resource, await find_resource(api, resource), body=body), json=place.json)
        return OK

    return through(place, name)


def read_scope(told: str) -> rest.ScopeBody:
    """Read NAME=SENTENCE; a `+` or `!` before the equals sign says how risky it is."""
    name, equals, sentence = told.partition("=")
    if not equals:
        raise end(f'`{told}` is no scope: write NAME=SENTENCE, as in "read:calendar=See your events"', USAGE)
    risk = {"+": Risk.CHANGE, "!": Risk.DESTROY}.get(name[-1:], Risk.READ)
    if risk is not Risk.READ:
        name = name[:-1]
    return rest.ScopeBody(name=name, sentence=sentence.strip(), risk=risk, sensitive=risk is Risk.DESTROY)


def _scopes(found: rest.ResourceView, new: list[rest.ScopeBody], drop: tuple[str, ...]) -> list[rest.ScopeBody]:
    """Return the scopes there are, without those that go and with the new ones, which take the place of namesakes."""
    unknown = set(drop) - {scope.name for scope in found.scopes}
    if unknown:
        raise end(f"{found.uri} defines no scope `{min(unknown)}`", USAGE)
    gone = {*drop, *(scope.name for scope in new)}
    kept = [
        rest.ScopeBody(name=scope.name, sentence=scope.sentence, risk=scope.risk, sensitive=scope.sensitive)
        for scope in found.scopes
        if scope.name not in gone
    ]
    return [*kept, *new]


_COLUMNS = ("id", "uri", "name", "state", "scopes")


def _write(resource: rest.ResourceView, *, json: bool) -> None:
    write_record(resource, json=json, shown={"scopes": _names(resource)})


def _shown(resource: rest.ResourceView) -> Row:
    return {**row_of(resource), "scopes": _names(resource)}


def _names(resource: rest.ResourceView) -> list[str]:
    return [scope.name for scope in resource.scopes]
