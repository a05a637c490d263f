"""`remit clients ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from remit.cli.credentials import (
    ONCE,
    Overlap,
    overlap_of,
    read_file,
    write_credentials,
    write_rotated,
    write_secret,
)
from remit.cli.door import Api
from remit.cli.exits import OK, USAGE
from remit.cli.find import find_agent, find_client, find_resource
from remit.cli.here import end
from remit.cli.machine import on_this_machine
from remit.cli.output import row_of, write_record, write_rows
from remit.cli.place import Change, Place, through
from remit.core.clients import AuthMethod, GrantType
from remit.http.api import clients as rest
from remit.http.api import credentials as proofs
from remit.http.api.shapes import Because, Nothing

app = App(
    name="clients",
    help="List, create, show, change and retire the OAuth clients of agents, and change their credentials.",
    help_epilogue="Examples:\n  remit clients list\n  remit clients create invoice-helper-web --agent invoice-helper "
    "--redirect https://app.example.com/callback",
)

app.command(
    "remit.cli.login_client:for_login",
    name="for-login",
    help="Make the client that `remit login` signs in with.",
    help_epilogue=on_this_machine(
        "clients for-login", "Examples:\n  remit clients for-login --owner dana@example.com --tenant acme"
    ),
)

Name = Annotated[str, Parameter(help="Its name or id.")]
Redirects = Annotated[tuple[str, ...], Parameter(help="Redirect URI; repeat for more.", negative="")]
Grants = Annotated[
    tuple[GrantType, ...], Parameter(help="Grant type; repeat for more. [default: code and refresh]", negative="")
]

PostLogout = Annotated[
    tuple[str, ...], Parameter(help="Where people may be sent after they signed out; repeat for more.", negative="")
]

_DPOP = "It gets tokens only with a DPoP proof, bound to its key."
_USUAL = (GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN)
_LARGEST_JWKS = 48 * 1024


@app.command(name="list", help_epilogue="Examples:\n  remit clients list\n  remit clients list --agent invoice-helper")
def list_(
    *,
    agent: Annotated[str | None, Parameter(help="Only those of this agent.")] = None,
    place: Place | None = None,
) -> int:
    """List clients."""
    place = place or Place()

    async def show(api: Api) -> int:
        query = rest.ClientQuery(agent=None if agent is None else await find_agent(api, agent))
        found = [client async for page in api.every(rest.list_clients, query=query) for client in page.clients]
        write_rows(found, json=place.json, columns=("id", "name", "agent", "auth_method", "grant_types", "state"))
        return OK

    return through(place, show)


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
    grant: Grants = (),
    redirect: Redirects = (),
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
    dpop: Annotated[bool, Parameter(negative="", show_default=False, help=_DPOP)] = False,
    details: Annotated[
        tuple[str, ...],
        Parameter(help="Type of authorization details it may ask for: remit_tool_call.", negative=""),
    ] = (),
    post_logout: PostLogout = (),
    backchannel: Annotated[str | None, Parameter(help="URL at which it is told of sign-outs.")] = None,
    place: Change | None = None,
) -> int:
    """Register a client. Its secret, if it has one, is shown this once."""
    place = place or Change()

    async def make(api: Api) -> int:
        keys = None if jwks is None else _keys(jwks)
        body = rest.NewClient(
            agent=await find_agent(api, agent),
            name=name,
            auth_method=auth,
            redirect_uris=list(redirect),
            application_type="native" if native else "web",
            default_resource=None if resource is None else await find_resource(api, resource),
            default_scopes=list(scope),
            jwks=keys,
            grant_types=list(grant) or list(_USUAL),
            require_pushed=require_pushed,
            require_signed=require_signed,
            dpop_bound=dpop,
            details_types=list(details),
            post_logout_redirect_uris=list(post_logout),
            backchannel_logout_uri=backchannel,
            backchannel_logout_session_required=backchannel is not None,
        )
        made = await api.ask(rest.create_client, body=body)
        # As libraries of OAuth call it, beside the name that the API has for everything.
        write_record({"client_id": made.id, **row_of(made)}, json=place.json)
        if made.client_secret is not None:
            api.say(ONCE)
        return OK

    return through(place, make)


@app.command(help_epilogue="Examples:\n  remit clients expect https://app.example/client.json --agent invoice-helper")
def expect(
    document: Annotated[str, Parameter(help="The URL of its metadata document, which is its client id.")],
    /,
    *,
    agent: Annotated[str, Parameter(help="The agent that speaks through it: name or id.")],
    place: Change | None = None,
) -> int:
    """Expect a client that a document describes: it is the agent's, and no stranger when it first asks."""
    place = place or Change()

    async def make(api: Api) -> int:
        body = rest.ExpectedClient(agent=await find_agent(api, agent), document=document)
        write_record(await api.ask(rest.expect_client, body=body), json=place.json)
        return OK

    return through(place, make)


@app.command(help_epilogue="Examples:\n  remit clients show web\n  remit clients show cli_01k... --json")
def show(client: Name, /, *, place: Place | None = None) -> int:
    """Show one client."""
    place = place or Place()

    async def read(api: Api) -> int:
        write_record(await api.ask(rest.get_client, await find_client(api, client)), json=place.json)
        return OK

    return through(place, read)


@app.command(
    help_epilogue="Examples:\n  remit clients change web --redirect https://app.example.com/cb --redirect "
    "https://new.example.com/cb\n  remit clients change batch --resource Tickets --scope tickets.update --dry-run"
)
def change(
    client: Name,
    /,
    *,
    rename: Annotated[str | None, Parameter(help="Another name.")] = None,
    grant: Grants = (),
    redirect: Redirects = (),
    resource: Annotated[str | None, Parameter(help="Default resource: URI, name or id.")] = None,
    scope: Annotated[tuple[str, ...], Parameter(help="Default scope; repeat for more.", negative="")] = (),
    id_token_alg: Annotated[str | None, Parameter(help="RS256 or ES256: what signs its ID tokens.")] = None,
    require_pushed: Annotated[bool | None, Parameter(help="It must push its authorization requests.")] = None,
    require_signed: Annotated[bool | None, Parameter(help="It must sign its authorization requests.")] = None,
    post_logout: PostLogout = (),
    backchannel: Annotated[str | None, Parameter(help="URL at which it is told of sign-outs.")] = None,
    dpop: Annotated[bool | None, Parameter(help=_DPOP)] = None,
    place: Change | None = None,
) -> int:
    """Change a client. A list takes the place of all there are; what is left out stays."""
    place = place or Change()

    async def make(api: Api) -> int:
        wanted: dict[str, Any] = {
            "name": rename,
            "grant_types": list(grant),
            "redirect_uris": list(redirect),
            "default_resource": None if resource is None else await find_resource(api, resource),
            "default_scopes": list(scope),
            "id_token_alg": id_token_alg,
            "require_pushed": require_pushed,
            "require_signed": require_signed,
            "dpop_bound": dpop,
            "post_logout_redirect_uris": list(post_logout),
            "backchannel_logout_uri": backchannel,
            "backchannel_logout_session_required": None if backchannel is None else True,
        }
        body = rest.ClientChanges(**{what: value for what, value in wanted.items() if value not in (None, [])})
        write_record(await api.ask(rest.change_client, await find_client(api, client), body=body), json=place.json)
        return OK

    return through(place, make)


@app.command(help_epilogue='Examples:\n  remit clients retire web --reason "the app is gone"')
def retire(client: Name, /, *, reason: Annotated[str, Parameter(help="Why.")], place: Change | None = None) -> int:
    """Retire a client for ever. To halt it for a while, stop it."""
    place = place or Change()

    async def step(api: Api) -> int:
        found = await find_client(api, client)
        write_record(await api.ask(rest.retire_client, found, body=Because(reason=reason)), json=place.json)
        return OK

    return through(place, step)


@app.command(name="add-secret", help_epilogue="Examples:\n  remit clients add-secret web")
def add_secret(client: Name, /, *, place: Change | None = None) -> int:
    """Give a client a further secret, shown this once; those it has stay good."""
    place = place or Change()

    async def make(api: Api) -> int:
        found = await find_client(api, client)
        write_secret(api, await api.ask(proofs.add_secret_of_client, found, body=Nothing()), json=place.json)
        return OK

    return through(place, make)


@app.command(
    help_epilogue="Examples:\n  remit clients rotate web\n  remit clients rotate web --overlap 4h\n"
    "  remit clients rotate batch --jwks new-keys.json --overlap none"
)
def rotate(
    client: Name,
    /,
    *,
    overlap: Overlap = None,
    jwks: Annotated[Path | None, Parameter(help="File of its new public keys, for private_key_jwt.")] = None,
    place: Change | None = None,
) -> int:
    """Give a client a new secret, shown this once, or new keys; what it had ends after the overlap."""
    place = place or Change()

    async def move(api: Api) -> int:
        seconds, keys = overlap_of(overlap), None if jwks is None else _keys(jwks)
        found = await find_client(api, client)
        if keys is None:
            secret = proofs.SecretRotation(overlap_seconds=seconds)
            write_rotated(api, await api.ask(proofs.rotate_client_secret, found, body=secret), json=place.json)
        else:
            body = proofs.NewKeys(jwks=keys, overlap_seconds=seconds)
            write_rotated(api, await api.ask(proofs.rotate_client_keys, found, body=body), json=place.json)
        return OK

    return through(place, move)


@app.command(help_epilogue="Examples:\n  remit clients credentials web\n  remit clients credentials web --json")
def credentials(client: Name, /, *, place: Place | None = None) -> int:
    """List what a client proves itself by: age, end and last use of each, and never the secret."""
    place = place or Place()

    async def read(api: Api) -> int:
        found = await find_client(api, client)
        write_credentials(await api.ask(proofs.list_client_credentials, found), json=place.json)
        return OK

    return through(place, read)


@app.command(
    name="revoke-secret",
    help_epilogue="Examples:\n  remit clients revoke-secret web 01k...\n  remit clients revoke-secret batch old-keys",
)
def revoke_secret(
    client: Name,
    credential: Annotated[str, Parameter(help="As `remit clients credentials` names it, or `old-keys`.")],
    /,
    *,
    place: Change | None = None,
) -> int:
    """End one secret, or the keys before the last rotation, at once. Tokens it got live on until they expire."""
    place = place or Change()

    async def take_back(api: Api) -> int:
        found = await find_client(api, client)
        write_record(await api.ask(proofs.revoke_client_credential, found, credential, body=Nothing()), json=place.json)
        return OK

    return through(place, take_back)


def _keys(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(read_file(path, "a key set", longest=_LARGEST_JWKS), type=dict[str, Any])
    except msgspec.MsgspecError:
        raise end(f"{path} must be a JSON Web Key Set", USAGE) from None
