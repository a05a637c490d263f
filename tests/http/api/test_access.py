"""Who may call, what is told to others, and what stands in the log about it."""

from __future__ import annotations

import pytest

from remit.core.permissions import API_SCOPES, held_by
from remit.core.users import Role
from remit.http.api.table import OPERATIONS
from tests.http.api.world import EVERYTHING, api_of
from tests.kit.flows import get_tokens


def at(operation):
    return operation.path.removeprefix("/api/v1").format_map({name: f"{name}_0" for name in operation.parameters})


async def refusals(remit, world):
    return [event for event in await remit.events(world) if event["type"] == "api.refused"]


NEEDS = [(operation, permission) for operation in OPERATIONS for permission in operation.permissions]


@pytest.mark.requirement("API-3")
@pytest.mark.parametrize(("operation", "permission"), NEEDS, ids=[f"{row.name} {needed}" for row, needed in NEEDS])
async def test_every_operation_asks_for_its_permissions(remit, operation, permission):
    api = await api_of(remit, remit.acme, EVERYTHING - {permission})
    answer = await api.ask(operation.method, at(operation), {})
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    assert f'scope="{" ".join(operation.permissions)}"' in answer.headers["www-authenticate"]
    (event,) = await refusals(remit, remit.acme)
    assert event["what"] == {
        "operation": operation.name,
        "code": "insufficient_scope",
        "reason": f"this needs {permission}",
    }
    assert event["who"]["actor"] == event["who"]["client"]


def test_every_permission_is_a_scope_of_the_api():
    assert {permission for _, permission in NEEDS} <= {scope.name for scope in API_SCOPES}


def test_an_operation_that_changes_something_needs_more_than_reading():
    assert [row.name for row in OPERATIONS if row.changes != row.permission.endswith(":write")] == []


ROLES = {
    "an administrator may everything": (Role.ADMIN, EVERYTHING),
    "an auditor reads, and keeps his own in order": (
        Role.AUDITOR,
        {name for name in EVERYTHING if name.endswith(":read")} | {"own:write"},
    ),
    "a user has his own": (Role.USER, {"own:read", "own:write"}),
}


@pytest.mark.parametrize(("role", "allowed"), ROLES.values(), ids=ROLES)
def test_a_role_limits_what_a_person_may(role, allowed):
    assert held_by(role) == allowed


@pytest.mark.requirement("BR-2", "BR-9")
async def test_nobody_is_told_what_to_bring_and_counted(remit):
    for _ in range(2):
        await remit.http.get(f"{remit.acme.issuer}/api/v1/agents")
    answer = await remit.http.get(f"{remit.acme.issuer}/api/v1/agents")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert "resource_metadata=" in answer.headers["www-authenticate"]
    (event,) = await refusals(remit, remit.acme)
    assert (event["who"]["actor_kind"], event["what"]["code"]) == ("unknown", "unauthorized")


@pytest.mark.requirement("API-3", "BCP-11")
async def test_a_token_for_another_api_is_none(remit):
    token = (await get_tokens(remit, remit.acme, remit.acme.web))["access_token"]
    answer = await remit.http.get(f"{remit.acme.issuer}/api/v1/agents", headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    (event,) = await refusals(remit, remit.acme)
    assert event["what"]["reason"] == "the token is for another resource"


@pytest.mark.requirement("BCP-18")
async def test_a_token_of_another_tenant_is_none(remit, api):
    answer = await remit.http.get(
        f"{remit.globex.issuer}/api/v1/agents", headers={"authorization": f"Bearer {api.token}"}
    )
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


@pytest.mark.requirement("BCP-18")
async def test_a_thing_of_another_tenant_is_not_there(remit, api):
    answer = await api.get(f"/agents/{remit.globex.agent.id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    (event,) = await refusals(remit, remit.acme)
    assert (event["what"]["operation"], event["what"]["code"]) == ("GET /api/v1/agents/{agent}", "not_found")
    assert await refusals(remit, remit.globex) == []


@pytest.mark.requirement("AUD-2")
async def test_a_refused_change_leaves_its_event(remit, api):
    await api.post("/agents", {"name": "planner", "purpose": "p"})
    (event,) = await refusals(remit, remit.acme)
    assert (event["what"]["operation"], event["what"]["code"]) == ("POST /api/v1/agents", "conflict")


@pytest.mark.requirement("PD-1", "PD-2")
async def test_a_problem_says_where_it_is_explained(remit, api):
    answer = await api.get("/agents/agt_nothing")
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert told["type"] == told["doc_url"]
    page, _, anchor = told["doc_url"].partition("#")
    assert (anchor, f'id="{anchor}"' in (await remit.http.get(page)).text) == ("not_found", True)
    assert told["request_id"] == answer.headers["x-request-id"]


async def test_a_wrong_method_is_told_the_right_ones(remit):
    answer = await remit.http.delete(f"{remit.acme.issuer}/api/v1/agents")
    assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (405, {"GET", "HEAD", "POST"})


@pytest.mark.parametrize("operation", OPERATIONS, ids=[operation.name for operation in OPERATIONS])
async def test_every_path_names_its_methods(remit, operation):
    answer = await remit.http.options(f"{remit.acme.issuer}/api/v1{at(operation)}")
    allowed = set(answer.headers["allow"].split(", "))
    mine = {row.method for row in OPERATIONS if row.path == operation.path}
    assert (answer.status_code, allowed - {"HEAD"}) == (405, mine)


BODIES = {
    "no JSON": (b"agents", "application/json", 400),
    "not an object": (b"[]", "application/json", 400),
    "nothing": (b"", "application/json", 400),
    "a form": (b"name=x", "application/x-www-form-urlencoded", 415),
    "half of a pair": (b'{"name": "\\ud800", "purpose": "p"}', "application/json", 400),
    "a zero": (b'{"name": "a\\u0000b", "purpose": "p"}', "application/json", 400),
    "more than 64 KiB": (b" " * (64 * 1024 + 1), "application/json", 413),
    "brackets without an end": (b"[" * 60_000, "application/json", 400),
}


@pytest.mark.requirement("PD-1")
@pytest.mark.parametrize(("body", "media", "status"), BODIES.values(), ids=BODIES)
async def test_another_body_is_refused(remit, api, body, media, status):
    headers = {"authorization": f"Bearer {api.token}", "content-type": media}
    answer = await remit.http.post(f"{api.base}/api/v1/agents", content=body, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


QUERIES = ["limit=0", "limit=201", "limit=x", "colour=red", "cursor=" + "x" * 65, "limit=1&limit=2", "dry_run=true"]


@pytest.mark.parametrize("query", QUERIES)
async def test_another_query_is_refused(api, query):
    assert (await api.get(f"/agents?{query}")).status_code == 400


async def test_a_dry_run_is_true_or_false(api):
    answer = await api.post("/agents?dry_run=yes", {"name": "n", "purpose": "p"})
    assert (answer.status_code, answer.json()["detail"]) == (400, "dry_run is true or false")


async def test_an_id_that_no_database_keeps_is_refused(api):
    assert (await api.get("/agents/agt_%00")).status_code == 400
