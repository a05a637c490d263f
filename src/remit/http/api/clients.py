"""REST v1: clients, as agents speak OAuth."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from remit.core.clients import AuthMethod, Client, ClientState, GrantType, Logout
from remit.core.names import AgentId, ClientId, ResourceId
from remit.core.oauth.verdicts import Refusal
from remit.core.registration import ClientDraft
from remit.http.api.operation import Call, NoQuery, Operation, Shape, Thing, View
from remit.http.api.shapes import Because, DetailsTypes, DpopBound, Id, Name, NamedQuery, Scopes, cut, found, given
from remit.services.provisioning import clients as provisioning
from remit.services.provisioning.changes import change_client as change
from remit.services.provisioning.changes import retire_client as retire
from remit.services.provisioning.credentials import NO_CLIENT
from remit.services.provisioning.expected import expect_client as expect

Redirects: TypeAlias = Annotated[list[Annotated[str, Meta(max_length=2000)]], Meta(max_length=20)]
Told: TypeAlias = Annotated[
    str, Meta(max_length=2000, description="Where the client is told of sign-outs (OIDC Back-Channel Logout).")
]
Grants: TypeAlias = Annotated[list[GrantType], Meta(min_length=1, max_length=len(GrantType))]
Jwks: TypeAlias = Annotated[dict[str, Any], Meta(description="A JSON Web Key Set with public keys alone.")]


class ClientView(Thing):
    """A client. What proves it is told where it is made, and never shown."""

    id: str
    agent: str
    name: str
    auth_method: AuthMethod
    application_type: str
    redirect_uris: list[str]
    grant_types: list[GrantType]
    default_resource: str | None
    default_scopes: list[str]
    id_token_alg: str
    require_pushed: bool
    require_signed: bool
    dpop_bound: bool
    details_types: list[str]
    post_logout_redirect_uris: list[str]
    backchannel_logout_uri: str | None
    backchannel_logout_session_required: bool
    self_registered: bool
    document: str | None
    """The URL that describes the client and is its client id."""
    home: str | None
    version: int
    state: ClientState
    created_at: datetime


class ClientPage(View):
    clients: list[ClientView]
    next: str | None


class ClientQuery(NamedQuery):
    """Clients of an agent, or of all, or the one of this name."""

    agent: Id | None = None


class NewClient(Shape):
    """A client of an agent."""

    agent: Id
    name: Name
    auth_method: AuthMethod = AuthMethod.SECRET_BASIC
    grant_types: Grants = msgspec.field(default_factory=lambda: [GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN])
    redirect_uris: Redirects = msgspec.field(default_factory=list)
    application_type: Annotated[str, Meta(pattern="^(web|native)$")] = "web"
    default_resource: Id | None = None
    default_scopes: Scopes = msgspec.field(default_factory=list)
    jwks: Jwks | None = None
    id_token_alg: Annotated[str, Meta(pattern="^(RS256|ES256)$")] = "RS256"
    require_pushed: Annotated[bool, Meta(description="It must push its authorization requests.")] = False
    require_signed: Annotated[bool, Meta(description="It must sign its authorization requests.")] = False
    dpop_bound: DpopBound = False
    details_types: DetailsTypes = msgspec.field(default_factory=list)
    post_logout_redirect_uris: Redirects = msgspec.field(default_factory=list)
    backchannel_logout_uri: Told | None = None
    backchannel_logout_session_required: bool = False


class ExpectedClient(Shape):
    """A client that describes itself at a URL, for an agent that an administrator chose."""

    agent: Id
    document: Annotated[str, Meta(max_length=512, description="The URL of its metadata document: its client id.")]


class MadeClient(ClientView):
    """The client, and the secret it proves itself by where it has one: told this once."""

    client_secret: str | None


class ClientChanges(Shape):
    """What shall be different. Its agent and its way to prove itself stay."""

    name: Name | UnsetType = UNSET
    redirect_uris: Redirects | UnsetType = UNSET
    grant_types: Grants | UnsetType = UNSET
    default_resource: Id | UnsetType | None = UNSET
    default_scopes: Scopes | UnsetType = UNSET
    id_token_alg: Annotated[str, Meta(pattern="^(RS256|ES256)$")] | UnsetType = UNSET
    require_pushed: bool | UnsetType = UNSET
    require_signed: bool | UnsetType = UNSET
    dpop_bound: DpopBound | UnsetType = UNSET
    details_types: DetailsTypes | UnsetType = UNSET
    post_logout_redirect_uris: Redirects | UnsetType = UNSET
    backchannel_logout_uri: Told | UnsetType | None = UNSET
    backchannel_logout_session_required: bool | UnsetType = UNSET


async def list_clients(call: Call[ClientQuery, None]) -> ClientPage:
    query = call.query
    agent = None if query.agent is None else AgentId(query.agent)
    if query.name is not None:
        named = found(await call.work.clients.by_name(query.name))
        return ClientPage(clients=[_view(client) for client in named if agent in (None, client.agent)], next=None)
    rows = await call.work.clients.page(agent=agent, after=query.cursor, limit=query.limit + 1)
    page, last = cut(rows, query.limit)
    return ClientPage(clients=[_view(client) for client in page], next=last.id if last else None)


async def get_client(call: Call[NoQuery, Any]) -> ClientView | Refusal:
    client = await call.work.clients.get(ClientId(call.path["client"]))
    return NO_CLIENT if client is None else _view(client)


async def create_client(call: Call[NoQuery, NewClient]) -> MadeClient | Refusal:
    body = call.body
    draft = ClientDraft(
        agent=AgentId(body.agent),
        name=body.name,
        auth_method=body.auth_method,
        grant_types=frozenset(body.grant_types),
        redirect_uris=tuple(body.redirect_uris),
        application_type=body.application_type,
        default_resource=None if body.default_resource is None else ResourceId(body.default_resource),
        default_scopes=frozenset(body.default_scopes),
        jwks=None if body.jwks is None else msgspec.json.encode(body.jwks).decode(),
        id_token_alg=body.id_token_alg,
        require_pushed=body.require_pushed,
        require_signed=body.require_signed,
        dpop_bound=body.dpop_bound,
        details_types=frozenset(body.details_types),
        logout=Logout(
            redirect_uris=tuple(body.post_logout_redirect_uris),
            backchannel_uri=body.backchannel_logout_uri,
            backchannel_session=body.backchannel_logout_session_required,
        ),
    )
    made = await provisioning.create_client(call.tenant.id, call.deps, call.who, draft)
    if isinstance(made, Refusal):
        return made
    told = None if made.secret is None else made.secret.reveal()
    return MadeClient(**msgspec.structs.asdict(_view(made.client)), client_secret=told)


async def expect_client(call: Call[NoQuery, ExpectedClient]) -> ClientView | Refusal:
    agent, document = AgentId(call.body.agent), call.body.document
    made = await expect(call.tenant.id, call.deps, call.who, agent=agent, document=document)
    return made if isinstance(made, Refusal) else _view(made)


_KINDS: Final = {
    "redirect_uris": tuple,
    "grant_types": frozenset,
    "default_scopes": frozenset,
    "details_types": frozenset,
    "post_logout_redirect_uris": tuple,
}
_OF_LOGOUT: Final = {
    "post_logout_redirect_uris": "redirect_uris",
    "backchannel_logout_uri": "backchannel_uri",
    "backchannel_logout_session_required": "backchannel_session",
}


async def change_client(call: Call[NoQuery, ClientChanges]) -> ClientView | Refusal:
    client = await call.work.clients.get(ClientId(call.path["client"]))
    if client is None:
        return NO_CLIENT
    wanted = given(call.body)
    for name, kind in _KINDS.items():
        if name in wanted:
            wanted[name] = kind(wanted[name])
    logout = {field: wanted.pop(name) for name, field in _OF_LOGOUT.items() if name in wanted}
    wanted["logout"] = replace(client.logout, **logout)
    made = await change(call.tenant.id, call.deps, call.who, replace(client, **wanted))
    return made if isinstance(made, Refusal) else _view(made)


async def retire_client(call: Call[NoQuery, Because]) -> ClientView | Refusal:
    client = ClientId(call.path["client"])
    made = await retire(call.tenant.id, call.deps, call.who, client=client, reason=call.body.reason)
    return made if isinstance(made, Refusal) else _view(made)


def _view(client: Client) -> ClientView:
    return ClientView(
        id=client.id,
        agent=client.agent,
        name=client.name,
        auth_method=client.auth_method,
        application_type=client.application_type,
        redirect_uris=list(client.redirect_uris),
        grant_types=sorted(client.grant_types),
        default_resource=client.default_resource,
        default_scopes=sorted(client.default_scopes),
        id_token_alg=client.id_token_alg,
        require_pushed=client.require_pushed,
        require_signed=client.require_signed,
        dpop_bound=client.dpop_bound,
        details_types=sorted(client.details_types),
        post_logout_redirect_uris=list(client.logout.redirect_uris),
        backchannel_logout_uri=client.logout.backchannel_uri,
        backchannel_logout_session_required=client.logout.backchannel_session,
        self_registered=client.self_registered,
        document=client.document,
        home=client.home,
        version=client.version,
        state=client.state,
        created_at=client.created_at,
    )


_ALL: Final = "/api/v1/clients"
_ONE: Final = "/api/v1/clients/{client}"

OPERATIONS: Final = (
    Operation("GET", _ALL, "clients:read", list_clients, "List clients", ClientPage, query=ClientQuery),
    Operation(
        "POST",
        _ALL,
        "clients:write",
        create_client,
        "Register a client",
        MadeClient,
        body=NewClient,
        created=True,
        secret="client_secret",
    ),
    Operation(
        "POST",
        f"{_ALL}/expected",
        "clients:write",
        expect_client,
        "Expect a client that a document describes",
        ClientView,
        body=ExpectedClient,
        created=True,
    ),
    Operation("GET", _ONE, "clients:read", get_client, "Show a client", ClientView),
    Operation(
        "PATCH",
        _ONE,
        "clients:write",
        change_client,
        "Change a client",
        ClientView,
        body=ClientChanges,
        current=get_client,
    ),
    Operation(
        "POST", f"{_ONE}/retire", "clients:write", retire_client, "Retire a client for ever", ClientView, body=Because
    ),
)
