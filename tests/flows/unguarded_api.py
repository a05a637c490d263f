"""The demo's calendar API with its guard taken away: the story must not survive it."""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


async def list_events(_):
    return JSONResponse({"events": {}})


async def delete_event(_):
    return Response(status_code=204)


if __name__ == "__main__":
    routes = [Route("/events", list_events), Route("/events/{id}", delete_event, methods=["DELETE"])]
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
