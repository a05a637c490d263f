"""MCP clients in Python, as their authors ship them: `python -m tests.interop.mcp_clients sdk|fastmcp URL`.

Each walks from a 401 through discovery, registration, consent and token to a tool's answer, and prints what it saw.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from importlib.metadata import version
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.interop.browse import browse


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


class Memory:
    """Where the SDK keeps what it got."""

    def __init__(self) -> None:
        self.client: Any = None
        self.tokens: list[Any] = []

    async def get_tokens(self) -> Any:
        return self.tokens[-1] if self.tokens else None

    async def set_tokens(self, tokens: Any) -> None:
        self.tokens.append(tokens)

    async def get_client_info(self) -> Any:
        return self.client

    async def set_client_info(self, client_info: Any) -> None:
        self.client = client_info


async def sdk(url: str) -> dict[str, Any]:
    import httpx2
    from mcp.client.auth import OAuthClientProvider
    from mcp.client.session import ClientSession
    from mcp.client.streamable_http import streamable_http_client
    from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

    redirect = "http://localhost:18766/callback"
    memory, seen = Memory(), {"url": "", "answer": ""}

    async def go(address: str) -> None:
        seen["url"] = address
        seen["answer"] = await browse(address, redirect)

    async def come_back() -> AuthorizationCodeResult:
        answer = query_of(seen["answer"])
        return AuthorizationCodeResult(code=answer["code"], state=answer.get("state"), iss=answer.get("iss"))

    metadata = OAuthClientMetadata.model_validate(
        {
            "client_name": "Calendar notes",
            "redirect_uris": [redirect],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
        }
    )
    auth = OAuthClientProvider(url, metadata, memory, go, come_back)
    async with (
        httpx2.AsyncClient(auth=auth, timeout=30) as http,
        streamable_http_client(url, http_client=http) as (reads, writes, *_),
        ClientSession(reads, writes) as session,
    ):
        await session.initialize()
        answer = await session.call_tool("list_events", {})
        # The SDK refreshes by the clock, so its clock says that the token is over.
        auth.context.token_expiry_time = time.time() - 10
        tools = [tool.name for tool in (await session.list_tools()).tools]
    return {
        "version": version("mcp"),
        "tools": tools,
        "answered": "board meeting" in str(answer.content),
        "asked": query_of(seen["url"]),
        "method": memory.client.token_endpoint_auth_method,
        "secret": bool(memory.client.client_secret),
        "refresh_tokens": len({tokens.refresh_token for tokens in memory.tokens}),
        "expires_in": memory.tokens[0].expires_in,
    }


async def knock(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect as soon as somebody listens: the client does so only after it has opened the browser."""
    while True:
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)


async def fastmcp(url: str) -> dict[str, Any]:
    from fastmcp import Client
    from fastmcp.client.auth import OAuth

    seen = {"url": ""}
    tasks = set()

    class WithoutBrowser(OAuth):
        async def redirect_handler(self, authorization_url: str) -> None:
            seen["url"] = authorization_url
            address = query_of(authorization_url)["redirect_uri"]
            tasks.add(asyncio.create_task(deliver(authorization_url, address)))

    async def deliver(address: str, redirect: str) -> None:
        parts = urlsplit(await browse(address, redirect))
        reader, writer = await knock(parts.port or 80)
        head = f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        await reader.read()
        writer.close()

    auth = WithoutBrowser(client_name="Calendar notes")
    async with Client(url, auth=auth) as client:
        answer = await client.call_tool("list_events", {})
        first, registered = auth.context.current_tokens, auth.context.client_info
        auth.context.token_expiry_time = time.time() - 10
        tools = [tool.name for tool in await client.list_tools()]
    second = auth.context.current_tokens
    assert first is not None
    assert second is not None
    assert registered is not None
    return {
        "version": version("fastmcp"),
        "tools": tools,
        "answered": "board meeting" in str(answer.content),
        "asked": query_of(seen["url"]),
        "method": registered.token_endpoint_auth_method,
        "secret": bool(registered.client_secret),
        "refresh_tokens": len({first.refresh_token, second.refresh_token}),
        "expires_in": first.expires_in,
    }


if __name__ == "__main__":
    clients = {"sdk": sdk, "fastmcp": fastmcp}
    print(json.dumps(asyncio.run(asyncio.wait_for(clients[sys.argv[1]](sys.argv[2]), 60))))
