"""An agent that calls tools of an MCP server for itself: python docs/examples/mcp_agent.py CLIENT"""

import asyncio
import json
import sys

import httpx2
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.types import TextContent

from remit_sdk import RemitAuth

URL = "http://127.0.0.1:9200/mcp"

with open(sys.argv[1]) as file:
    client = json.load(file)

auth = RemitAuth(
    "http://127.0.0.1:8700",
    client_id=client["client_id"],
    client_secret=client["client_secret"],
    grant_type="client_credentials",
    resource=URL,
    scopes="tools.read",
)


async def main() -> None:
    async with (
        httpx2.AsyncClient(auth=auth) as http,
        streamable_http_client(URL, http_client=http) as (reads, writes, *_),
        ClientSession(reads, writes) as session,
    ):
        await session.initialize()
        for name, arguments in (("list_tickets", {}), ("close_ticket", {"number": "1"})):
            answer = await session.call_tool(name, arguments)
            print(f"{name}:", *(part.text for part in answer.content if isinstance(part, TextContent)))


asyncio.run(main())
