"""`remit clients ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from remit.cli.credentials import Overlap, overlap_of, told, write_credentials, write_rotated
from remit.cli.exits import OK, USAGE
from remit.cli.find import find_agent, find_client, find_resource
from remit.cli.here import Here, Where, end, in_tenant, refused, say
from remit.cli.output import Row, when, write_record, write_rows
from remit.core.clients import AuthMethod, Client, GrantType
from remit.core.oauth.verdicts import Refusal
from remit.core.registration import ClientDraft
from remit.services.provisioning.clients import NewClient, add_client_secret, create_client
from remit.services.provisioning.credentials import (
    credentials_in,
    revoke_client_credential,
    rotate_client_keys,
    rotate_client_secret,
)
from remit.services.provisioning.expected import expect_client

app = App(
    name="clients",
    help="List and create the OAuth clients of agents, and change their credentials.",
    help_epilogue="Examples:\n  remit clients list\n  remit clients create invoice-helper-web --agent invoice-helper "
    "--redirect https://app.example.com/callback",
)

app.command(
    "remit.cli.login_client:for_login",
    name="for-login",
    help="Make the client that `remit login` signs in with.",
    help_epilogue="Examples:\n  remit clients for-login --owner dana@example.com --tenant acme",
)

_LARGEST_JWKS = 64 * 1024


@app.command(name="list", help_epilogue="Examples:\n  remit clients list\n  remit clients list --agent invoice-helper")
def list_(
    *,
    agent: Annotated[str | None, Parameter(help="Only those of this agent.")] = None,
    where: Where | None = None,
) -> int:
    """List clients."""
    where = where or Where()

    async def show(here: Here) -> int:
        async with here.deps.db.read(here.tenant.id) as work:
            of = None if agent is None else (await find_agent(work, agent)).id
            rows = [_told(client) for client in await work.clients.list(of)]
        write_rows(rows, json=where.json, columns=("id", "name", "agent", "auth_method", "grant_types", "state"))
        return OK

    return in_tenant(where, show)


@app.command(
    help_epilogue="Examples:\n  remit clients create web --agent invoice-helper --redirect https://app.example.com/cb"
    "\n  remit clients create desktop --agent invoice-helper --auth none --native --redirect http://127.0.0.1/callback"
    "\n  remit clients create batch --agent sorter --grant client_credentials --resource https://tickets.example.com "
    "--scope tickets.update"
)
def create(
    name: Annotated[str, Parameter(help="What people call it; unique in the tenant.")],
    /,
    *,
    agent: Annotated[str, Parameter(help="The agent that speaks through it: name or id.")],
    auth: Annotated[AuthMethod, Parameter(help="How it proves itself.")] = AuthMethod.SECRET_BASIC,
    grant: Annotated[
        tuple[GrantType, ...], Parameter(help="Grant type; repeat for more. [default: code and refresh]", negative="")
    ] = (),
    redirect: Annotated[tuple[str, ...], Parameter(help="Redirect URI; repeat for more.", negative="")] = (),
    native: Annotated[
        bool, Parameter(negative="", show_default=False, help="It runs on the user's own device.")
    ] = False,
    resource: Annotated[str | None, Parameter(help="Default resource: URI, name or id.")] = None,
    scope: Annotated[tuple[str, ...], Parameter(help="Default scope; repeat for more.", negative="")] = (),
    jwks: Annotated[Path | None, Parameter(help="File of its public keys, for private_key_jwt.")] = None,
    require_pushed: Annotated[
        bool, Parameter(negative="", show_default=False, help="It must push its authorization requests.")
    ] = False,
    require_signed: Annotated[
        bool, Parameter(negative="", show_default=False, help="It must sign its authorization requests.")
    ] = False,
    where: Where | None = None,
) -> int:
    """Register a client. Its secret, if it has one, is shown this once."""
    where = where or Where()

    async def make(here: Here) -> int:
        async with here.deps.db.read(here.tenant.id) as work:
            draft = ClientDraft(
                agent=(await find_agent(work, agent)).id,
                name=name,
                auth_method=auth,
                grant_types=frozenset(grant) or _USUAL,
                redirect_uris=redirect,
                application_type="native" if native else "web",
                default_resource=None if resource is None else (await find_resource(work, resource)).id,
                default_scopes=frozenset(scope),
                jwks=None if jwks is None else _read(jwks),
                require_pushed=require_pushed,
                require_signed=require_signed,
            )
        made = await create_client(here.tenant.id, here.deps, here.who, draft)
        if isinstance(made, Refusal):
            raise refused(made)
        write_record(_told_new(made), json=where.json)
        if made.secret is not None:
            say("The secret is not kept anywhere and cannot be shown again.")
        return OK

    return in_tenant(where, make)


@app.command(name="add-secret", help_epilogue="Examples:\n  remit clients add-secret web")
def add_secret(client: Annotated[str, Parameter(help="Its name or id.")], /, *, where: Where | None = None) -> int:
    """Give a client a further secret, shown this once; those it has stay good."""
    where = where or Where()

    async def make(here: Here) -> int:
        async with here.deps.db.read(here.tenant.id) as work:
            found = await find_client(work, client)
        secret = await add_client_secret(here.tenant.id, here.deps, here.who, client=found.id)
        if isinstance(secret, Refusal):
            raise refused(secret)
        write_record({"client_id": found.id, "client_secret": secret.reveal()}, json=where.json)
        return OK

    return in_tenant(where, make)


@app.command(
    help_epilogue="Examples:\n  remit clients rotate web\n  remit clients rotate web --overlap 4h\n"
    "  remit clients rotate batch --jwks new-keys.json --overlap none"
)
def rotate(
    client: Annotated[str, Parameter(help="Its name or id.")],
    /,
    *,
    overlap: Overlap = None,
    jwks: Annotated[Path | None, Parameter(help="File of its new public keys, for private_key_jwt.")] = None,
    where: Where | None = None,
) -> int:
    """Give a client a new secret, shown this once, or new keys; what it had ends after the overlap."""
    where = where or Where()

    async def change(here: Here) -> int:
        span, keys = overlap_of(overlap), None if jwks is None else _read(jwks)
        async with here.deps.db.read(here.tenant.id) as work:
            found = await find_client(work, client)
        tenant, deps, who = here.tenant.id, here.deps, here.who
        if keys is None:
            outcome = await rotate_client_secret(tenant, deps, who, client=found.id, overlap=span)
        else:
            outcome = await rotate_client_keys(tenant, deps, who, client=found.id, jwks=keys, overlap=span)
        if isinstance(outcome, Refusal):
            raise refused(outcome)
        write_rotated(outcome, found.id, json=where.json)
        return OK

    return in_tenant(where, change)


@app.command(help_epilogue="Examples:\n  remit clients credentials web\n  remit clients credentials web --json")
def credentials(client: Annotated[str, Parameter(help="Its name or id.")], /, *, where: Where | None = None) -> int:
    """List what a client proves itself by: age, end and last use of each, and never the secret."""
    where = where or Where()

    async def show(here: Here) -> int:
        async with here.deps.db.read(here.tenant.id) as work:
            found = await credentials_in(work, await find_client(work, client), here.deps)
        write_credentials(found, json=where.json)
        return OK

    return in_tenant(where, show)


@app.command(
    name="revoke-secret",
    help_epilogue="Examples:\n  remit clients revoke-secret web 01k...\n  remit clients revoke-secret batch old-keys",
)
def revoke_secret(
    client: Annotated[str, Parameter(help="Its name or id.")],
    credential: Annotated[str, Parameter(help="As `remit clients credentials` names it, or `old-keys`.")],
    /,
    *,
    where: Where | None = None,
) -> int:
    """End one secret, or the keys before the last rotation, at once. Tokens it got live on until they expire."""
    where = where or Where()

    async def take_back(here: Here) -> int:
        async with here.deps.db.read(here.tenant.id) as work:
            found = await find_client(work, client)
        outcome = await revoke_client_credential(
            here.tenant.id, here.deps, here.who, client=found.id, credential=credential
        )
        if isinstance(outcome, Refusal):
            raise refused(outcome)
        write_record(told(outcome), json=where.json)
        return OK

    return in_tenant(where, take_back)


_USUAL = frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN})


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            found = file.read(_LARGEST_JWKS + 1)
    except OSError as error:
        raise end(f"{path} cannot be read: {error.strerror}", USAGE) from None
    except ValueError:
        raise end(f"{path} is not UTF-8 text", USAGE) from None
    if len(found) > _LARGEST_JWKS:
        raise end(f"{path} is too long for a key set", USAGE)
    return found


@app.command(help_epilogue="Examples:\n  remit clients expect https://app.example/client.json --agent invoice-helper")
def expect(
    document: Annotated[str, Parameter(help="The URL of its metadata document, which is its client id.")],
    /,
    *,
    agent: Annotated[str, Parameter(help="The agent that speaks through it: name or id.")],
    where: Where | None = None,
) -> int:
    """Expect a client that a document describes: it is the agent's, and no stranger when it first asks."""
    where = where or Where()

    async def make(here: Here) -> int:
        async with here.deps.db.read(here.tenant.id) as work:
            owner = (await find_agent(work, agent)).id
        made = await expect_client(here.tenant.id, here.deps, here.who, agent=owner, document=document)
        if isinstance(made, Refusal):
            raise refused(made)
        write_record(_told(made), json=where.json)
        return OK

    return in_tenant(where, make)


def _told_new(made: NewClient) -> Row:
    told = {"client_id": made.client.id, **_told(made.client)}
    del told["id"]
    return told if made.secret is None else {**told, "client_secret": made.secret.reveal()}


def _told(client: Client) -> dict[str, object]:
    return {
        "id": client.id,
        "name": client.name,
        "agent": client.agent,
        "auth_method": client.auth_method.value,
        "grant_types": sorted(item.value for item in client.grant_types),
        "redirect_uris": list(client.redirect_uris),
        "default_resource": client.default_resource,
        "default_scopes": sorted(client.default_scopes),
        "self_registered": client.self_registered,
        "document": client.document,
        "state": client.state.value,
        "created_at": when(client.created_at),
    }
