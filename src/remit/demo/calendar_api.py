"""The demo's calendar API, a process of its own: three operations and one guard. It trusts nothing but tokens.

python -m remit.demo.calendar_api ISSUER PORT     (resource id and secret come in as two lines on standard input)
"""

from __future__ import annotations

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from remit_sdk import current, guard

EVENTS = {"1": "Board meeting", "2": "Dentist", "3": "Lunch with Ada"}


async def list_events(_: Request) -> JSONResponse:
    """Tell the events; whom they are told to comes from the verified token."""
    caller = current()
    return JSONResponse({"events": EVENTS, "for": caller.user, "to": caller.agent})


async def add_event(request: Request) -> JSONResponse:
    number = str(max(map(int, EVENTS), default=0) + 1)
    EVENTS[number] = str(await request.json())
    return JSONResponse({number: EVENTS[number]}, status_code=201)


async def delete_event(request: Request) -> Response:
    EVENTS.pop(request.path_params["id"], None)
    return Response(status_code=204)


def calendar() -> Starlette:
    return Starlette(
        routes=[
            Route("/events", list_events, methods=["GET"]),
            Route("/events", add_event, methods=["POST"]),
            Route("/events/{id}", delete_event, methods=["DELETE"]),
        ]
    )


def main() -> None:
    issuer, port = sys.argv[1], int(sys.argv[2])
    credentials = (sys.stdin.readline().strip(), sys.stdin.readline().strip())
    api = guard(issuer, resource=f"http://127.0.0.1:{port}", credentials=credentials, scopes="read:calendar")
    app = api.wrap(
        calendar(),
        routes={
            "GET /events": "read:calendar",
            "POST /events": "write:calendar",
            "DELETE /events/{id}": "delete:calendar",
        },
    )
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
