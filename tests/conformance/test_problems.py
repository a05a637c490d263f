"""Errors of the management API are problem documents that tell what happened and nothing of the machinery (PD)."""

from __future__ import annotations

import pytest

from tests.http.api.world import api_of

REFUSED = {
    "an unknown id": ("GET", "/agents/agt_nobody", None, 404),
    "an unknown path": ("GET", "/nothing", None, 404),
    "another method": ("PUT", "/agents", {}, 405),
    "a body that is not right": ("POST", "/agents", {"name": 1}, 400),
    "a name that is taken": ("POST", "/agents", {"name": "planner", "purpose": "p"}, 409),
    "a query that is not right": ("GET", "/agents?limit=x", None, 400),
}


@pytest.mark.requirement("PD-1", "PD-2")
@pytest.mark.parametrize(("method", "path", "body", "status"), REFUSED.values(), ids=REFUSED)
async def test_a_problem_holds_what_the_rfc_names(remit, method, path, body, status):
    """RFC 9457 §3.1."""
    api = await api_of(remit, remit.acme)
    answer = await api.ask(method, path, body)
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, told["status"]) == (status, status)
    assert told["type"].startswith(f"{remit.acme.issuer}/docs#")
    assert told["title"]
    assert told["detail"]
    for inside in ("Traceback", ".py", "Error(", "msgspec", "sqlite"):
        assert inside not in answer.text
