"""What files say about a tenant. Things are named as people name them: by URI, name and address, never by id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from remit.core.clients import AuthMethod, GrantType
from remit.core.oauth.verdicts import Refusal
from remit.core.registration import check_uri
from remit.core.resources import ResourceState, Risk

VERSION = 1
"""Raised when a file that was right would mean something else, and for nothing else."""

OWN_API = "api"
"""What files call the tenant's own API, whose URI is another one in every tenant."""

Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]


class Described(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Something a file describes, wholly: what is left out has its default. A typing error is refused."""


class ScopeState(Described):
    name: str
    sentence: str
    risk: Risk = Risk.READ
    sensitive: bool = False


class ResourceDescribed(Described):
    uri: str
    name: str
    scopes: list[ScopeState]
    state: ResourceState = ResourceState.ACTIVE
    token_seconds: int | None = None
    dpop_bound: bool = False
    details_types: list[str] = msgspec.field(default_factory=list)


class RemitDescribed(Described):
    """An agent's ceiling: scopes by the URI of their resource."""

    scopes: dict[str, list[str]]
    expires_at: Moment | None = None
    token_seconds: int | None = None
    dpop_bound: bool = False


class AgentDescribed(Described):
    """An agent. `owner` and `sponsor` are addresses; `serves` are the URIs of the resources that it answers at.

    Without `state` or `remit` these stay as they are.
    """

    name: str
    purpose: str
    owner: str | None = None
    sponsor: str | None = None
    role: str = ""
    model: str = ""
    serves: list[str] = msgspec.field(default_factory=list)
    state: Literal["staged", "active"] | None = None
    remit: RemitDescribed | None = None


class ClientDescribed(Described):
    """A client of an agent. `default_resource` is a URI; `jwks` are its public keys, for private_key_jwt."""

    name: str
    agent: str
    auth_method: AuthMethod = AuthMethod.SECRET_BASIC
    grant_types: list[GrantType] = msgspec.field(
        default_factory=lambda: [GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN]
    )
    redirect_uris: list[str] = msgspec.field(default_factory=list)
    application_type: str = "web"
    default_resource: str | None = None
    default_scopes: list[str] = msgspec.field(default_factory=list)
    id_token_alg: str = "RS256"
    require_pushed: bool = False
    require_signed: bool = False
    dpop_bound: bool = False
    details_types: list[str] = msgspec.field(default_factory=list)
    post_logout_redirect_uris: list[str] = msgspec.field(default_factory=list)
    backchannel_logout_uri: str | None = None
    backchannel_logout_session_required: bool = False
    jwks: dict[str, Any] | None = None


class State(Described, omit_defaults=False):
    """Everything that is described, of one tenant."""

    version: int = VERSION
    resources: list[ResourceDescribed] = msgspec.field(default_factory=list)
    agents: list[AgentDescribed] = msgspec.field(default_factory=list)
    clients: list[ClientDescribed] = msgspec.field(default_factory=list)


def merge(states: Sequence[State]) -> State | Refusal:
    """Put several files together, in the one spelling that is compared. Refuses what is described twice."""
    for state in states:
        if state.version != VERSION:
            return _no(f"these files are of version {state.version}, and this Remit reads version {VERSION}")
    resources: list[ResourceDescribed] = []
    for found in (found for state in states for found in state.resources):
        uri = check_uri(found.uri)
        if isinstance(uri, Refusal):
            return _no(f"resource {found.uri}: {uri.hint}")
        resources.append(msgspec.structs.replace(found, uri=uri, details_types=sorted(set(found.details_types))))
    agents = [_agent(found) for state in states for found in state.agents]
    clients = [_client(found) for state in states for found in state.clients]
    for kind, names in (
        ("resource", [found.uri for found in resources]),
        ("agent", [found.name for found in agents]),
        ("client", [found.name for found in clients]),
    ):
        if (twice := _twice(names)) is not None:
            return _no(f"the {kind} `{twice}` is described twice")
    if (twice := _twice(uri for found in agents for uri in found.serves)) is not None:
        return _no(f"two agents serve the resource `{twice}`: one answers there")
    return State(
        resources=sorted(resources, key=lambda found: found.uri),
        agents=sorted(agents, key=lambda found: found.name),
        clients=sorted(clients, key=lambda found: found.name),
    )


def _agent(agent: AgentDescribed) -> AgentDescribed:
    remit = None if agent.remit is None else _remit(agent.remit)
    return msgspec.structs.replace(agent, remit=remit, serves=sorted({_spelled(uri) for uri in agent.serves}))


def _remit(remit: RemitDescribed) -> RemitDescribed:
    """Write a remit as it is read back: sorted, without resources of which it allows nothing, in milliseconds."""
    scopes = {_spelled(uri): sorted(set(names)) for uri, names in remit.scopes.items() if names}
    end = remit.expires_at
    if end is not None and 1 < end.year < 9999:
        end = end.astimezone(UTC).replace(microsecond=end.microsecond // 1000 * 1000)
    return msgspec.structs.replace(remit, scopes=dict(sorted(scopes.items())), expires_at=end)


def _client(client: ClientDescribed) -> ClientDescribed:
    resource = client.default_resource
    return msgspec.structs.replace(
        client,
        grant_types=sorted(set(client.grant_types)),
        default_resource=None if resource is None else _spelled(resource),
        default_scopes=sorted(set(client.default_scopes)),
        details_types=sorted(set(client.details_types)),
    )


def _spelled(uri: str) -> str:
    """Return the one spelling of a URI; what has none is left for whoever looks it up to refuse."""
    spelled = check_uri(uri)
    return uri if isinstance(spelled, Refusal) else spelled


def _twice(names: Iterable[str]) -> str | None:
    return next((name for name, count in Counter(names).items() if count > 1), None)


def _no(hint: str) -> Refusal:
    return Refusal("invalid_request", hint)
