"""REST v1: resources and the scopes they define."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType, structs

from remit.core.names import AgentId, ResourceId
from remit.core.oauth.verdicts import Refusal
from remit.core.resources import Resource, ResourceState, Risk, Scope
from remit.http.api.operation import Call, NoQuery, Operation, Shape, Thing, View
from remit.http.api.shapes import DetailsTypes, DpopBound, Id, Name, Named, NamedQuery, Seconds, Text, cut, found, given
from remit.services.provisioning import resources as provisioning
from remit.services.provisioning.changes import change_resource as change
from remit.services.provisioning.credentials import NO_RESOURCE
from remit.services.provisioning.resources import add_resource_secret


class ScopeBody(Shape):
    """A scope: its name, and the sentence that people read before they agree."""

    name: Name
    sentence: Text
    risk: Risk = Risk.READ
    sensitive: bool = False


class ScopeView(View):
    name: str
    sentence: str
    risk: Risk
    sensitive: bool


class ResourceView(Thing):
    """An API that tokens are for. `built_in` is the tenant's own API, which nobody changes.

    `served_by` is the agent that answers there: it may act on with the tokens that it is shown (token exchange).
    """

    id: str
    uri: str
    name: str
    state: ResourceState
    token_seconds: int | None
    dpop_bound: bool
    served_by: str | None
    scopes: list[ScopeView]
    details_types: list[str]
    built_in: bool


class ResourcePage(View):
    resources: list[ResourceView]
    next: str | None


class ResourceQuery(NamedQuery):
    """Part of the resources, or those with this URI or of this name."""

    uri: Named | None = None


ScopeList = Annotated[list[ScopeBody], Meta(min_length=1, max_length=200)]


class NewResource(Shape):
    uri: Annotated[str, Meta(min_length=1, max_length=2000)]
    name: Name
    scopes: ScopeList
    token_seconds: Seconds | None = None
    dpop_bound: DpopBound = False
    details_types: DetailsTypes = msgspec.field(default_factory=list)
    served_by: Id | None = None
    secret: Annotated[bool, Meta(description="Give it a secret at once, with which the API proves itself.")] = False


class MadeResource(ResourceView):
    """The resource, and the secret it proves itself by if one was asked for: told this once."""

    client_secret: str | None


class ResourceChanges(Shape):
    """What shall be different. `scopes` takes the place of all there are; one that goes is in no token from now on."""

    name: Name | UnsetType = UNSET
    state: ResourceState | UnsetType = UNSET
    token_seconds: Seconds | UnsetType | None = UNSET
    dpop_bound: DpopBound | UnsetType = UNSET
    served_by: Id | UnsetType | None = UNSET
    scopes: ScopeList | UnsetType = UNSET
    details_types: DetailsTypes | UnsetType = UNSET


async def list_resources(call: Call[ResourceQuery, None]) -> ResourcePage:
    query = call.query
    if query.uri is not None or query.name is not None:
        named = await _named(call, query)
        return ResourcePage(resources=[_view(call, resource) for resource in named], next=None)
    rows = await call.work.resources.page(after=query.cursor, limit=query.limit + 1)
    page, last = cut(rows, query.limit)
    return ResourcePage(resources=[_view(call, resource) for resource in page], next=last.id if last else None)


async def get_resource(call: Call[NoQuery, None]) -> ResourceView | Refusal:
    resource = await call.work.resources.get(ResourceId(call.path["resource"]))
    return NO_RESOURCE if resource is None else _view(call, resource)


async def create_resource(call: Call[NoQuery, NewResource]) -> MadeResource | Refusal:
    body = call.body
    made = await provisioning.create_resource(
        call.tenant.id,
        call.deps,
        call.who,
        uri=body.uri,
        name=body.name,
        scopes=_scopes(body.scopes),
        token_seconds=body.token_seconds,
        dpop_bound=body.dpop_bound,
        details_types=frozenset(body.details_types),
        served_by=None if body.served_by is None else AgentId(body.served_by),
    )
    if isinstance(made, Refusal):
        return made
    told = None
    if body.secret:
        secret = await add_resource_secret(call.tenant.id, call.deps, call.who, resource=made.id)
        if isinstance(secret, Refusal):
            return secret
        told = secret.reveal()
    return MadeResource(**structs.asdict(_view(call, made)), client_secret=told)


async def change_resource(call: Call[NoQuery, ResourceChanges]) -> ResourceView | Refusal:
    resource = await call.work.resources.get(ResourceId(call.path["resource"]))
    if resource is None:
        return NO_RESOURCE
    wanted = given(call.body)
    if call.body.scopes is not UNSET:
        wanted["scopes"] = _scopes(call.body.scopes)
    if call.body.details_types is not UNSET:
        wanted["details_types"] = frozenset(call.body.details_types)
    made = await change(call.tenant.id, call.deps, call.who, replace(resource, **wanted))
    return made if isinstance(made, Refusal) else _view(call, made)


async def _named(call: Call[Any, Any], query: ResourceQuery) -> list[Resource]:
    """Look up by URI or by name. Several may share a name, and there are few resources: a tenant has its APIs."""
    if query.uri is not None:
        exact = found(await call.work.resources.by_uri(query.uri))
        return [resource for resource in exact if query.name in (None, resource.name)]
    return [resource for resource in await call.work.resources.list() if resource.name == query.name]


def _scopes(bodies: Sequence[ScopeBody]) -> tuple[Scope, ...]:
    return tuple(
        Scope(name=body.name, sentence=body.sentence, risk=body.risk, sensitive=body.sensitive) for body in bodies
    )


def _view(call: Call[Any, Any], resource: Resource) -> ResourceView:
    return ResourceView(
        id=resource.id,
        uri=resource.uri,
        name=resource.name,
        state=resource.state,
        token_seconds=resource.token_seconds,
        dpop_bound=resource.dpop_bound,
        served_by=resource.served_by,
        scopes=[
            ScopeView(name=scope.name, sentence=scope.sentence, risk=scope.risk, sensitive=scope.sensitive)
            for scope in resource.scopes
        ],
        details_types=sorted(resource.details_types),
        built_in=resource.uri == call.tenant.api,
    )


_ALL: Final = "/api/v1/resources"
_ONE: Final = "/api/v1/resources/{resource}"

OPERATIONS: Final = (
    Operation("GET", _ALL, "resources:read", list_resources, "List resources", ResourcePage, query=ResourceQuery),
    Operation(
        "POST",
        _ALL,
        "resources:write",
        create_resource,
        "Register a resource",
        MadeResource,
        body=NewResource,
        created=True,
        secret="client_secret",
    ),
    Operation("GET", _ONE, "resources:read", get_resource, "Show a resource", ResourceView),
    Operation(
        "PATCH",
        _ONE,
        "resources:write",
        change_resource,
        "Change a resource or its scopes",
        ResourceView,
        body=ResourceChanges,
        current=get_resource,
    ),
)
