"""An agent behind a web application with many users: python docs/examples/web_agent.py web.json"""

import json
import secrets
import sys

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from remit_sdk import ConsentRequired, MemoryStore, RemitAuth

with open(sys.argv[1]) as file:
    client = json.load(file)

STORE = MemoryStore()
AGENTS: dict[str, RemitAuth] = {}
ASKED: dict[str, ConsentRequired] = {}


def agent_of(visitor: str) -> RemitAuth:
    """Everybody gets credentials of their own: `line` keeps them apart in the store."""
    if visitor not in AGENTS:
        AGENTS[visitor] = RemitAuth(
            "http://127.0.0.1:8700",
            client_id=client["client_id"],
            client_secret=client["client_secret"],
            resource="http://127.0.0.1:9100",
            scopes="read:calendar",
            redirect_uri="http://127.0.0.1:9500/callback",
            store=STORE,
            line=visitor,
        )
    return AGENTS[visitor]


async def home(request: Request) -> Response:
    visitor = request.cookies.get("visitor") or secrets.token_urlsafe()
    try:
        async with httpx2.AsyncClient(auth=agent_of(visitor)) as calendar:
            answer = await calendar.get("http://127.0.0.1:9100/events")
    except ConsentRequired as consent:
        ASKED[visitor] = consent
        response = RedirectResponse(consent.url)
        response.set_cookie("visitor", visitor, httponly=True, samesite="lax")
        return response
    return PlainTextResponse(", ".join(answer.json()["events"].values()))


def callback(request: Request) -> Response:
    ASKED.pop(request.cookies["visitor"]).finish(str(request.url))
    return RedirectResponse("/")


app = Starlette(routes=[Route("/", home), Route("/callback", callback)])
uvicorn.run(app, host="127.0.0.1", port=9500, log_level="warning")
