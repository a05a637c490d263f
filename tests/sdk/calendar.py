"""The API that the tests guard."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from remit_sdk import current

ROUTES = {
    "GET /events": "read:calendar",
    "POST /events": ["read:calendar", "write:calendar"],
    "DELETE /events/{id}": "delete:calendar",
    "GET /files/{path:path}": "read:calendar",
}


async def whoami(_: Request) -> Response:
    caller = current()
    return JSONResponse(
        {
            "sub": caller.sub,
            "user": caller.user,
            "agent": caller.agent,
            "client": caller.client,
            "tenant": caller.tenant,
            "scopes": sorted(caller.scopes),
            "grant": caller.grant,
            "line": caller.line,
            "purpose": caller.purpose,
            "jti": caller.jti,
            "expires_at": caller.expires_at,
        }
    )


async def health(_: Request) -> Response:
    try:
        return PlainTextResponse(current().sub)
    except LookupError:
        return PlainTextResponse("nobody")


async def echo(request: Request) -> Response:
    return Response(await request.body(), headers={"Cache-Control": "max-age=5"})


def calendar() -> Starlette:
    return Starlette(
        routes=[
            Route("/events", whoami, methods=["GET"]),
            Route("/events", echo, methods=["POST"]),
            Route("/events/{id}", whoami, methods=["DELETE"]),
            Route("/files/{path:path}", whoami),
            Route("/health", health),
            Route("/secret", whoami),
        ]
    )
