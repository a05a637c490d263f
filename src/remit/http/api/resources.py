"""REST v1: resources and the scopes they define."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, UnsetType

from remit.core.names import ResourceId
from remit.core.oauth.verdicts import Refusal
from remit.core.resources import Resource, ResourceState, Risk, Scope
from remit.http.api.operation import Call, NoQuery, Operation, Shape, Thing, View
from remit.http.api.shapes import Name, PageQuery, Seconds, Text, cut, given
from remit.services.provisioning import resources as provisioning
from remit.services.provisioning.changes import change_resource as change
from remit.services.provisioning.credentials import NO_RESOURCE


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
    """An API that tokens are for. `built_in` is the tenant's own API, which nobody changes."""

    id: str
    uri: str
    name: str
    state: ResourceState
    token_seconds: int | None
    scopes: list[ScopeView]
    built_in: bool


class ResourcePage(View):
    resources: list[ResourceView]
    next: str | None


ScopeList = Annotated[list[ScopeBody], Meta(min_length=1, max_length=200)]


class NewResource(Shape):
    uri: Annotated[str, Meta(min_length=1, max_length=2000)]
    name: Name
    scopes: ScopeList
    token_seconds: Seconds | None = None


class ResourceChanges(Shape):
    """What shall be different. `scopes` takes the place of all there are; one that goes is in no token from now on."""

    name: Name | UnsetType = UNSET
    state: ResourceState | UnsetType = UNSET
    token_seconds: Seconds | UnsetType | None = UNSET
    scopes: ScopeList | UnsetType = UNSET


async def list_resources(call: Call[PageQuery, None]) -> ResourcePage:
    found = await call.work.resources.page(after=call.query.cursor, limit=call.query.limit + 1)
    page, last = cut(found, call.query.limit)
    return ResourcePage(resources=[_view(call, resource) for resource in page], next=last.id if last else None)


async def get_resource(call: Call[NoQuery, None]) -> ResourceView | Refusal:
    found = await call.work.resources.get(ResourceId(call.path["resource"]))
    return NO_RESOURCE if found is None else _view(call, found)


async def create_resource(call: Call[NoQuery, NewResource]) -> ResourceView | Refusal:
    body = call.body
    made = await provisioning.create_resource(
        call.tenant.id,
        call.deps,
        call.who,
        uri=body.uri,
        name=body.name,
        scopes=_scopes(body.scopes),
        token_seconds=body.token_seconds,
    )
    return made if isinstance(made, Refusal) else _view(call, made)


async def change_resource(call: Call[NoQuery, ResourceChanges]) -> ResourceView | Refusal:
    found = await call.work.resources.get(ResourceId(call.path["resource"]))
    if found is None:
        return NO_RESOURCE
    wanted = given(call.body)
    if call.body.scopes is not UNSET:
        wanted["scopes"] = _scopes(call.body.scopes)
    made = await change(call.tenant.id, call.deps, call.who, replace(found, **wanted))
    return made if isinstance(made, Refusal) else _view(call, made)


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
        scopes=[
            ScopeView(name=scope.name, sentence=scope.sentence, risk=scope.risk, sensitive=scope.sensitive)
            for scope in resource.scopes
        ],
        built_in=resource.uri == call.tenant.api,
    )


_ALL: Final = "/api/v1/resources"
_ONE: Final = "/api/v1/resources/{resource}"

OPERATIONS: Final = (
    Operation("GET", _ALL, "resources:read", list_resources, "List resources", ResourcePage, query=PageQuery),
    Operation(
        "POST",
        _ALL,
        "resources:write",
        create_resource,
        "Register a resource",
        ResourceView,
        body=NewResource,
        created=True,
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
