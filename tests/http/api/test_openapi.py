"""The document says what is served, to the last route and status."""

from __future__ import annotations

import re

import pytest
from starlette.routing import Route

from remit.app import routes
from remit.http.api.openapi import refusals
from remit.http.api.table import OPERATIONS
from remit.wire.problems import KINDS
from tests.http.api.world import EVERYTHING


@pytest.fixture
async def document(remit):
    return (await remit.http.get(f"{remit.acme.issuer}/api/v1/openapi.json")).json()


def served() -> set[tuple[str, str]]:
    """Every route of the application below the API, with its method."""
    return {
        (method, route.path)
        for route in routes()
        if isinstance(route, Route) and route.path.startswith("/api/")
        for method in route.methods or ()
        if method != "HEAD"
    }


async def test_every_route_is_in_it_and_nothing_else(document):
    told = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert told == served()
    assert len(told) > len(OPERATIONS)


async def test_every_operation_has_a_name_of_its_own(document):
    names = [one["operationId"] for item in document["paths"].values() for one in item.values()]
    assert len(set(names)) == len(names)


async def test_every_reference_leads_somewhere(document):
    wanted = re.findall(r"'\$ref': '([^']+)'", str(document))
    assert len(wanted) > 100
    assert set(wanted) - {f"#/components/schemas/{name}" for name in document["components"]["schemas"]} == set()
    assert document["openapi"] == "3.1.0"


async def test_every_permission_is_a_scope_of_the_scheme(remit, document):
    flows = document["components"]["securitySchemes"]["remit"]["flows"]
    assert {frozenset(flow["scopes"]) for flow in flows.values()} == {EVERYTHING}
    asked = {
        scope
        for item in document["paths"].values()
        for one in item.values()
        for need in one["security"]
        for scope in need["remit"]
    }
    assert asked <= EVERYTHING
    assert document["servers"] == [{"url": remit.acme.issuer}]


def test_every_kind_of_problem_is_told_by_some_operation():
    told = {kind for operation in OPERATIONS for kind in refusals(operation)}
    assert set(KINDS) - told == {"too_many"}
