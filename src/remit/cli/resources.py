"""`remit resources ...`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from remit.cli.credentials import Overlap, overlap_of, told, write_credentials, write_rotated
from remit.cli.exits import OK, USAGE
from remit.cli.find import find_resource
from remit.cli.here import Here, Where, end, in_tenant, refused, say
from remit.cli.output import Row, write_record, write_rows
from remit.cli.spans import one_of_both
from remit.core.oauth.verdicts import Refusal
from remit.core.resources import Resource, Risk, Scope
from remit.services.lifetimes import shorten_resource
from remit.services.provisioning.credentials import (
    resource_credentials_of,
    revoke_resource_secret,
    rotate_resource_secret,
)
from remit.services.provisioning.resources import add_resource_secret, create_resource

app = App(
    name="resources",
    help="List and create resources: the APIs that tokens are for.",
    help_epilogue="Examples:\n  remit resources list\n  remit resources create https://calendar.example.com --name "
    'Calendar --scope "read:calendar=See your events"',
)


@app.command(
    name="list", help_epilogue="Examples:\n  remit resources list --tenant acme\n  remit resources list --json"
)
def list_(*, where: Where | None = None) -> int:
    """List resources with their scopes."""
    where = where or Where()

    async def show(here: Here) -> int:
        async with here.deps.db.read(here.tenant.id) as work:
            found = await work.resources.list()
        if where.json:
            write_rows([{**_told(resource), "scopes": _told_scopes(resource)} for resource in found], json=True)
        else:
            write_rows([_told(resource) for resource in found], json=False)
        return OK

    return in_tenant(where, show)


@app.command(
    help_epilogue="Examples:\n  remit resources create https://calendar.example.com --name Calendar \\\n"
    '    --scope "read:calendar=See your events" --scope "delete:calendar!=Delete events from your calendar"'
)
def create(
    uri: Annotated[str, Parameter(help="The URI that clients and tokens name it by, to the letter.")],
    /,
    *,
    name: Annotated[str, Parameter(help="What people call it.")],
    scope: Annotated[
        tuple[str, ...],
        Parameter(
            help="NAME=SENTENCE, the sentence as users read it; repeat for more. NAME+= says that it changes "
            "something, NAME!= that it deletes or spends.",
            negative="",
        ),
    ],
    token_seconds: Annotated[int | None, Parameter(help="Shorter life for access tokens to it.")] = None,
    where: Where | None = None,
) -> int:
    """Register a resource. Its credentials are shown this once: with them the API introspects and reports."""
    where = where or Where()

    async def make(here: Here) -> int:
        deps, tenant = here.deps, here.tenant.id
        scopes = [read_scope(text) for text in scope]
        resource = await create_resource(
            tenant, deps, here.who, uri=uri, name=name, scopes=scopes, token_seconds=token_seconds
        )
        if isinstance(resource, Refusal):
            raise refused(resource)
        secret = await add_resource_secret(tenant, deps, here.who, resource=resource.id)
        if isinstance(secret, Refusal):
            raise refused(secret)
        told = {"client_id": resource.id, "client_secret": secret.reveal(), **_told(resource)}
        write_record(told, json=where.json)
        say("The secret is not kept anywhere and cannot be shown again.")
        return OK

    return in_tenant(where, make)


@app.command(name="add-secret", help_epilogue="Examples:\n  remit resources add-secret https://calendar.example.com")
def add_secret(
    resource: Annotated[str, Parameter(help="Its URI, name or id.")], /, *, where: Where | None = None
) -> int:
    """Give a resource a further secret, shown this once; those it has stay good."""
    where = where or Where()

    async def make(here: Here) -> int:
        async with here.deps.db.read(here.tenant.id) as work:
            found = await find_resource(work, resource)
        secret = await add_resource_secret(here.tenant.id, here.deps, here.who, resource=found.id)
        if isinstance(secret, Refusal):
            raise refused(secret)
        write_record({"client_id": found.id, "client_secret": secret.reveal()}, json=where.json)
        return OK

    return in_tenant(where, make)


@app.command(help_epilogue="Examples:\n  remit resources rotate https://calendar.example.com --overlap 2d")
def rotate(
    resource: Annotated[str, Parameter(help="Its URI, name or id.")],
    /,
    *,
    overlap: Overlap = None,
    where: Where | None = None,
) -> int:
    """Give a resource a new secret, shown this once; what it had ends after the overlap."""
    where = where or Where()

    async def change(here: Here) -> int:
        span = overlap_of(overlap)
        async with here.deps.db.read(here.tenant.id) as work:
            found = await find_resource(work, resource)
        outcome = await rotate_resource_secret(here.tenant.id, here.deps, here.who, resource=found.id, overlap=span)
        if isinstance(outcome, Refusal):
            raise refused(outcome)
        write_rotated(outcome, found.id, json=where.json)
        return OK

    return in_tenant(where, change)


@app.command(help_epilogue="Examples:\n  remit resources credentials https://calendar.example.com")
def credentials(
    resource: Annotated[str, Parameter(help="Its URI, name or id.")], /, *, where: Where | None = None
) -> int:
    """List what a resource proves itself by: age, end and last use of each, and never the secret."""
    where = where or Where()

    async def show(here: Here) -> int:
        async with here.deps.db.read(here.tenant.id) as work:
            found = await find_resource(work, resource)
        outcome = await resource_credentials_of(here.tenant.id, here.deps, found.id)
        if isinstance(outcome, Refusal):
            raise refused(outcome)
        write_credentials(outcome, json=where.json)
        return OK

    return in_tenant(where, show)


@app.command(
    name="revoke-secret", help_epilogue="Examples:\n  remit resources revoke-secret https://calendar.example.com 01k..."
)
def revoke_secret(
    resource: Annotated[str, Parameter(help="Its URI, name or id.")],
    secret: Annotated[str, Parameter(help="As `remit resources credentials` names it.")],
    /,
    *,
    where: Where | None = None,
) -> int:
    """End one secret of a resource at once."""
    where = where or Where()

    async def take_back(here: Here) -> int:
        async with here.deps.db.read(here.tenant.id) as work:
            found = await find_resource(work, resource)
        outcome = await revoke_resource_secret(here.tenant.id, here.deps, here.who, resource=found.id, secret=secret)
        if isinstance(outcome, Refusal):
            raise refused(outcome)
        write_record(told(outcome), json=where.json)
        return OK

    return in_tenant(where, take_back)


@app.command(
    help_epilogue="Examples:\n  remit resources lifetime https://calendar.example.com --token-seconds 300\n"
    "  remit resources lifetime https://calendar.example.com --as-tenant"
)
def lifetime(
    resource: Annotated[str, Parameter(help="Its URI, name or id.")],
    /,
    *,
    token_seconds: Annotated[int | None, Parameter(help="Longest life of access tokens to it.")] = None,
    as_tenant: Annotated[
        bool, Parameter(negative="", show_default=False, help="Leave it to the tenant again.")
    ] = False,
    where: Where | None = None,
) -> int:
    """Shorten access tokens to one resource below what the tenant gives, for those issued from now on."""
    where = where or Where()

    async def change(here: Here) -> int:
        one_of_both(token_seconds, as_tenant=as_tenant)
        async with here.deps.db.read(here.tenant.id) as work:
            found = await find_resource(work, resource)
        outcome = await shorten_resource(here.tenant.id, here.deps, here.who, resource=found.id, seconds=token_seconds)
        if isinstance(outcome, Refusal):
            raise refused(outcome)
        write_record({**_told(outcome), "token_seconds": outcome.token_seconds}, json=where.json)
        return OK

    return in_tenant(where, change)


def read_scope(text: str) -> Scope:
    """Read NAME=SENTENCE; a `+` or `!` before the equals sign says how risky it is."""
    name, equals, sentence = text.partition("=")
    if not equals:
        raise end(f'`{text}` is no scope: write NAME=SENTENCE, as in "read:calendar=See your events"', USAGE)
    risk = {"+": Risk.CHANGE, "!": Risk.DESTROY}.get(name[-1:], Risk.READ)
    if risk is not Risk.READ:
        name = name[:-1]
    return Scope(name=name, sentence=sentence.strip(), risk=risk, sensitive=risk is Risk.DESTROY)


def _told(resource: Resource) -> Row:
    return {
        "id": resource.id,
        "uri": resource.uri,
        "name": resource.name,
        "state": resource.state.value,
        "scopes": [scope.name for scope in resource.scopes],
    }


def _told_scopes(resource: Resource) -> list[dict[str, object]]:
    return [
        {"name": scope.name, "sentence": scope.sentence, "risk": scope.risk.value, "sensitive": scope.sensitive}
        for scope in resource.scopes
    ]
