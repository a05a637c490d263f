"""A ticket API in FastAPI, guarded endpoint by endpoint: python docs/examples/tickets_fastapi.py tickets.json"""

import json
import sys
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI

from remit_sdk import Caller, guard

TICKETS = {"1": "open", "2": "open"}

with open(sys.argv[1]) as file:
    registered = json.load(file)

api = guard(
    "http://127.0.0.1:8700",
    resource=registered["uri"],
    credentials=(registered["client_id"], registered["client_secret"]),
    scopes="tickets.read",
    name="Tickets",
)

app = FastAPI(title="Tickets")
api.install(app)


@app.get("/tickets")
async def tickets(caller: Annotated[Caller, Depends(api.require("tickets.read"))]) -> dict[str, object]:
    return {"tickets": TICKETS, "asked by": caller.agent, "for": caller.user or "itself"}


@app.post("/tickets/{number}/close")
@api.protect("tickets.update")
async def close(number: str) -> dict[str, str]:
    TICKETS[number] = "closed"
    return {number: TICKETS[number]}


uvicorn.run(app, host="127.0.0.1", port=9100, log_level="warning")
