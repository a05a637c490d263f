"""The official MCP client, as an agent without a user: from a 401 to the tenant's token endpoint, by itself."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager

import httpx2
import pytest
from mcp import Client
from mcp.client.auth import OAuthTokenError
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.server import MCPServer
from mcp.shared.auth import OAuthToken

from remit_sdk import current, guard
from tests.flows.client import Tokens
from tests.flows.detour import Detour
from tests.sdk.host import Running

SCOPE = "read:calendar"


class Storage:
    """What the client keeps between runs."""

    tokens: OAuthToken | None = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return None

    async def set_client_info(self, client_info):
        raise AssertionError("the client registered itself although it was registered")


@pytest.fixture
def resource(acme):
    return acme["resources"]["mcp"]


@pytest.fixture
def tools(server, acme, resource):
    """The seeded MCP server; it runs on a port of its own, because its real one may be taken here."""
    mcp = MCPServer("Calendar tools")

    @mcp.tool()
    def whoami() -> str:
        """Tell who asks, as the guard has verified it."""
        caller = current()
        return json.dumps({"user": caller.user, "agent": caller.agent, "scopes": sorted(caller.scopes)})

    api = guard(
        acme["issuer"],
        resource=resource["uri"],
        credentials=(resource["client_id"], resource["client_secret"]),
        scopes=SCOPE,
    )
    app = mcp.streamable_http_app(json_response=True, stateless_http=True)
    running = Running(api.wrap(app, routes={"* /mcp": SCOPE}))
    running.start()
    yield int(running.base.rpartition(":")[2])
    running.stop()


def provider_of(acme, resource, storage):
    client = acme["clients"]["conf1"]
    return ClientCredentialsOAuthProvider(
        resource["uri"],
        storage,
        client["client_id"],
        client["client_secret"],
        issuer=acme["issuer"],
    )


def road_to(resource, port):
    return {resource["uri"].removesuffix("/mcp"): Detour(port)}


@asynccontextmanager
async def session(resource, port, provider, seen):
    async def note(request):
        seen.append(str(request.url))

    hooks = {"request": [note]}
    async with (
        httpx2.AsyncClient(auth=provider, mounts=road_to(resource, port), event_hooks=hooks, timeout=20) as http,
        Client(streamable_http_client(resource["uri"], http_client=http)) as client,
    ):
        yield client


@pytest.mark.requirement("MCP-7")
async def test_an_approved_agent_finds_the_tenant_and_calls_a_tool(server, acme, resource, tools):
    approved = server.remit(
        *("grants", "approve", acme["clients"]["conf1"]["client_id"], resource["uri"], SCOPE),
        *("--approver", "admin@example.com", "--tenant", "acme"),
    )
    assert approved.returncode == 0, approved.stderr
    seen: list[str] = []
    storage = Storage()
    async with session(resource, tools, provider_of(acme, resource, storage), seen) as client:
        result = await client.call_tool("whoami", {})

    agent = acme["agents"]["A"]["id"]
    assert json.loads(result.content[0].text) == {"user": None, "agent": agent, "scopes": [SCOPE]}
    assert storage.tokens is not None
    claims = Tokens(storage.tokens.access_token, "", "").claims
    assert (claims["iss"], claims["aud"], claims["sub"]) == (acme["issuer"], resource["uri"], agent)
    assert storage.tokens.refresh_token is None
    base = acme["issuer"].removesuffix("/t/acme")
    assert [url for url in seen if "/.well-known/" in url] == [
        "http://127.0.0.1:9500/.well-known/oauth-protected-resource/mcp",
        f"{base}/.well-known/oauth-authorization-server/t/acme",
    ]


async def test_an_agent_that_nobody_approved_is_told_why_it_gets_no_token(acme, resource, tools):
    storage = Storage()
    provider = provider_of(acme, resource, storage)
    async with httpx2.AsyncClient(auth=provider, mounts=road_to(resource, tools), timeout=20) as http:
        with pytest.raises(OAuthTokenError, match="no administrator has approved this client"):
            await http.post(resource["uri"])
    assert storage.tokens is None
