"""What callers see of a broken machine: 503 while the store is away, 500 with the request's id for a bug of ours."""

from __future__ import annotations

import httpx
import pytest
import structlog.testing
from starlette.routing import Route

from remit.app import Application
from remit.core.errors import StoreUnavailable
from remit.http._kit.render import Pages
from remit.http.context import Context
from remit.http.routing import TenantRouter
from remit.wire.call import Plain
from tests.kit.world import BASE

BREAKAGES = {
    "the store cannot answer": (StoreUnavailable("locked by 4711"), 503, "temporarily_unavailable"),
    "a bug of ours": (ZeroDivisionError("in line 4711"), 500, "internal"),
}


async def test_whoever_goes_in_the_middle_of_his_request_is_no_bug_of_ours(remit):
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/t/acme/oauth/token",
        "query_string": b"",
        "headers": [(b"content-type", b"application/x-www-form-urlencoded")],
    }
    told = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        told.append(message)

    with structlog.testing.capture_logs() as logged:
        await remit.app(scope, receive, send)
    assert told == []
    assert [(line["event"], line["status"]) for line in logged] == [("request.answered", 0)]


@pytest.mark.requirement("REV-6", "PD-2")
@pytest.mark.parametrize("path", ["broken", "plain"])
@pytest.mark.parametrize(("error", "status", "code"), list(BREAKAGES.values()), ids=list(BREAKAGES))
async def test_a_breakage_inside_an_endpoint_is_told_without_its_inside(remit, error, status, code, path):
    async def break_down(_):
        raise error

    context = Context(deps=remit.deps, pages=Pages(), hub=remit.hub)
    app = TenantRouter(Application(routes=[Route("/broken", break_down)]), context, {"/plain": Plain(break_down)})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE) as http:
        answer = await http.get(f"/t/acme/{path}")
    assert answer.status_code == status
    assert code in answer.text
    assert "4711" not in answer.text
    assert answer.headers["x-request-id"].startswith("req_")
    assert ("retry-after" in answer.headers) == (status == 503)
