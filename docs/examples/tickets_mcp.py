"""The same tickets as tools of an MCP server: python docs/examples/tickets_mcp.py tools.json"""

import json
import sys

import uvicorn
from fastmcp import FastMCP
from fastmcp.exceptions import ToolError

from remit_sdk import current, guard

TICKETS = {"1": "open", "2": "open"}
server = FastMCP("Tickets")


@server.tool
def list_tickets() -> dict[str, str]:
    """List the tickets and whether they are open."""
    return TICKETS


@server.tool
def close_ticket(number: str) -> str:
    """Close a ticket."""
    if "tools.update" not in current().scopes:
        raise ToolError("this needs the scope tools.update")
    TICKETS[number] = "closed"
    return TICKETS[number]


with open(sys.argv[1]) as file:
    registered = json.load(file)

api = guard(
    "http://127.0.0.1:8700",
    resource=registered["uri"],
    credentials=(registered["client_id"], registered["client_secret"]),
    scopes="tools.read",
    name="Ticket tools",
)
app = api.wrap(server.http_app(path="/mcp", stateless_http=True), routes={"* /mcp": "tools.read"})

uvicorn.run(app, host="127.0.0.1", port=9200, log_level="warning")
