"""A calendar API that trusts nothing but tokens: python docs/examples/calendar_api.py calendar.json"""

import json
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from remit_sdk import current, guard

EVENTS = {"1": "Board meeting", "2": "Dentist", "3": "Lunch with Ada"}


async def list_events(_: Request) -> JSONResponse:
    return JSONResponse({"events": EVENTS, "for": current().user})


async def delete_event(request: Request) -> Response:
    EVENTS.pop(request.path_params["id"], None)
    return Response(status_code=204)


app = Starlette(
    routes=[
        Route("/events", list_events),
        Route("/events/{id}", delete_event, methods=["DELETE"]),
    ]
)

with open(sys.argv[1]) as file:
    registered = json.load(file)

api = guard(
    "http://127.0.0.1:8700",
    resource=registered["uri"],
    credentials=(registered["client_id"], registered["client_secret"]),
)
guarded = api.wrap(app, routes={"GET /events": "read:calendar", "DELETE /events/{id}": "delete:calendar"})

uvicorn.run(guarded, host="127.0.0.1", port=9100, log_level="warning")
