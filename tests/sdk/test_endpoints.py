"""The guard for single endpoints of Starlette and FastAPI."""

# No `from __future__ import annotations`: FastAPI could not find the local `api` in a text.

from typing import Annotated

import httpx2
import pytest
from fastapi import Depends, FastAPI, Form
from fastapi import Response as FastResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from remit_sdk import Caller, current, guard
from tests.sdk.issuer import CREDENTIALS, RESOURCE


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def nobody():
    try:
        return current().sub
    except LookupError:
        return "nobody"


def starlette_app(api):
    @api.protect("read:calendar")
    async def events(request: Request) -> JSONResponse:
        return JSONResponse({"sub": current().sub})

    @api.protect("delete:calendar")
    async def delete(request: Request) -> JSONResponse:
        return JSONResponse({})

    @api.protect("read:calendar")
    async def form(request: Request) -> JSONResponse:
        return JSONResponse({"body": (await request.body()).decode()})

    async def health(request: Request) -> PlainTextResponse:
        return PlainTextResponse(nobody())

    app = Starlette(
        routes=[
            Route("/events", events),
            Route("/events/{id}", delete, methods=["DELETE"]),
            Route("/form", form, methods=["POST"]),
            Route("/health", health),
        ]
    )
    api.install(app)
    return app


def fastapi_app(api):
    app = FastAPI()

    @app.get("/events")
    async def events(caller: Annotated[Caller, Depends(api.require("read:calendar"))]) -> dict[str, str]:
        assert caller == current()
        return {"sub": caller.sub}

    @app.delete("/events/{id}", dependencies=[Depends(api.require("delete:calendar"))])
    def delete(id: str) -> dict[str, str]:
        return {"sub": current().sub}

    @app.post("/form", dependencies=[Depends(api.require("read:calendar"))])
    async def form(a: Annotated[str, Form()]) -> dict[str, str]:
        return {"body": f"a={a}"}

    @app.get("/health")
    async def health() -> FastResponse:
        return FastResponse(nobody())

    api.install(app)
    return app


def decorated_fastapi_app(api):
    app = FastAPI()

    @app.get("/events")
    @api.protect("read:calendar")
    async def events(limit: int = 5) -> FastResponse:
        assert limit == 5
        return JSONResponse({"sub": current().sub})

    @app.delete("/events/{id}")
    @api.protect("delete:calendar")
    async def delete(id: str, request: Request) -> FastResponse:
        return JSONResponse({"sub": current().sub, "id": id, "path": request.url.path})

    @app.post("/form")
    @api.protect("read:calendar")
    async def form(a: Annotated[str, Form()]) -> FastResponse:
        return JSONResponse({"body": f"a={a}"})

    @app.get("/health")
    async def health() -> FastResponse:
        return FastResponse(nobody())

    api.install(app)
    return app


APPS = {
    "Starlette, decorated": starlette_app,
    "FastAPI, by dependency": fastapi_app,
    "FastAPI, decorated": decorated_fastapi_app,
}


@pytest.fixture(params=list(APPS.values()), ids=list(APPS))
async def client(request, issuer, clock):
    api = guard(issuer.base, resource=RESOURCE, credentials=CREDENTIALS, clock=clock)
    app = request.param(api)
    transport = httpx2.ASGITransport(app=app)
    async with app.router.lifespan_context(app):
        await api.ready()
        async with httpx2.AsyncClient(transport=transport, base_url=RESOURCE) as client:
            yield client


async def test_a_good_token_reaches_the_endpoint(client, issuer):
    answer = await client.get("/events", headers=bearer(issuer.token()))
    assert (answer.status_code, answer.json()) == (200, {"sub": "usr_alice"})
    assert answer.headers["cache-control"] == "private"


async def test_the_caller_is_gone_after_the_request(client, issuer):
    await client.get("/events", headers=bearer(issuer.token()))
    assert (await client.get("/health")).text == "nobody"
    assert nobody() == "nobody"


async def test_no_credentials(client):
    answer = await client.get("/events")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer scope="read:calendar", resource_metadata="')
    assert answer.headers["cache-control"] == "no-store"


async def test_too_little_scope(client, issuer):
    answer = await client.delete("/events/7", headers=bearer(issuer.token()))
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert 'scope="delete:calendar"' in answer.headers["www-authenticate"]
    assert (await client.delete("/events/7", headers=bearer(issuer.token(scope="delete:calendar")))).status_code == 200


async def test_a_token_in_the_form(client, issuer):
    token = issuer.token()
    assert (await client.post("/form", headers=bearer(token), data={"a": "1"})).json() == {"body": "a=1"}
    answer = await client.post("/form", headers=bearer(token), data={"a": "1", "access_token": token})
    assert answer.status_code == 400


async def test_decisions_are_reported(client, issuer, clock):
    await client.get("/events", headers=bearer(issuer.token()))
    await client.get("/events")
    await clock.until(lambda: len(issuer.decisions) == 2)
    assert [decision["decision"] for decision in issuer.decisions] == ["permit", "deny"]


async def test_the_metadata_is_served(client):
    answer = await client.get("/.well-known/oauth-protected-resource")
    assert answer.json()["resource"] == RESOURCE


def test_an_endpoint_that_is_not_async_is_refused_at_once(issuer):
    api = guard(issuer.base, resource=RESOURCE, credentials=CREDENTIALS)
    with pytest.raises(TypeError):
        api.protect("a")(lambda request: None)
