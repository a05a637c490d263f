"""The official MCP client against a guarded MCP server: it finds the issuer by itself, asks the user, and works."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.server import MCPServer
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from remit_sdk import current, guard
from tests.flows.client import Browser, Tokens
from tests.sdk.host import Running

SCOPE = "read:calendar"
REDIRECT = "http://localhost:3333/callback"
TENANT = ["--tenant", "globex", "--json"]


@dataclass(slots=True)
class Storage:
    """What the client keeps between runs. The registration was made by an administrator."""

    client: OAuthClientInformationFull
    tokens: OAuthToken | None = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        raise AssertionError("the client registered itself although it was registered")


@dataclass(slots=True)
class User:
    """Carol, whom the client sends to the address of its choice."""

    browser: Browser
    sent_to: list[str] = field(default_factory=list)
    callback: str = ""

    async def open(self, url):
        self.sent_to.append(url)
        self.callback = await asyncio.to_thread(self.browser.allow, url)

    async def answer(self):
        found = parse_qs(urlsplit(self.callback).query)
        return AuthorizationCodeResult(code=found["code"][0], state=found["state"][0], iss=found["iss"][0])


def tools():
    mcp = MCPServer("Calendar tools")

    @mcp.tool()
    def events() -> str:
        """Tell who asks, as the guard has verified it."""
        caller = current()
        return json.dumps({"user": caller.user, "agent": caller.agent, "scopes": sorted(caller.scopes)})

    return mcp.streamable_http_app(json_response=True, stateless_http=True)


@pytest.fixture(scope="module")
def server(seeded_once, tmp_path_factory):
    made = seeded_once.copy(tmp_path_factory.mktemp("mcp") / "instance").start()
    yield made
    assert made.end() == 0


@pytest.fixture(scope="module")
def globex(seeded_once):
    seed = json.loads((seeded_once.folder / "seed.json").read_text("utf-8"))
    return seed["tenants"]["globex"]


@pytest.fixture(scope="module")
def mcp_server(server, globex):
    """An MCP server that an administrator has registered under its real address, with a client for it."""
    apps: list[Any] = []

    async def app(scope, receive, send):
        await apps[0](scope, receive, send)

    running = Running(app)
    uri = f"{running.base}/mcp"
    made = json_of(server, "resources", "create", uri, "--name", "Tools", "--scope", f"{SCOPE}=See your events")
    json_of(
        server,
        *("agents", "create", "mcp-helper", "--purpose", "read the calendar"),
        *("--owner", "carol@example.com", "--can", SCOPE, "--on", uri),
    )
    client = json_of(
        server,
        *("clients", "create", "mcp-client", "--agent", "mcp-helper", "--auth", "none", "--native"),
        *("--redirect", REDIRECT),
    )
    api = guard(globex["issuer"], resource=uri, credentials=(made["client_id"], made["client_secret"]), scopes=SCOPE)
    apps.append(api.wrap(tools(), routes={"* /mcp": SCOPE}))
    running.start()
    yield uri, client["client_id"]
    running.stop()


def json_of(server, *words):
    done = server.remit(*words, *TENANT)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@contextmanager
def carol():
    with Browser("carol@example.com") as browser:
        yield User(browser)


def provider_for(uri, client_id, user, issuer):
    metadata = OAuthClientMetadata.model_validate(
        {"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none", "client_name": "mcp-client"}
    )
    registered = OAuthClientInformationFull.model_validate({**metadata.model_dump(), "client_id": client_id})
    registered.issuer = issuer
    storage = Storage(registered)
    return OAuthClientProvider(uri, metadata, storage, user.open, user.answer), storage


@asynccontextmanager
async def session(uri, provider, seen):
    async def note(request):
        seen.append((request.method, str(request.url)))

    hooks = {"request": [note]}
    async with (
        httpx2.AsyncClient(auth=provider, event_hooks=hooks, timeout=20) as http,
        Client(streamable_http_client(uri, http_client=http)) as client,
    ):
        yield client


async def test_it_finds_the_issuer_asks_the_user_and_calls_a_tool(mcp_server, globex):
    uri, client_id = mcp_server
    seen: list[tuple[str, str]] = []
    with carol() as user:
        provider, storage = provider_for(uri, client_id, user, globex["issuer"])
        async with session(uri, provider, seen) as client:
            result = await client.call_tool("events", {})
    claims = Tokens(storage.tokens.access_token, "", "").claims
    # The client adds `offline_access` by itself wherever the issuer lists it.
    assert json.loads(result.content[0].text) == {
        "user": globex["users"]["carol"]["id"],
        "agent": claims["agent_id"],
        "scopes": ["offline_access", SCOPE],
    }
    assert (claims["aud"], claims["iss"], claims["tenant"]) == (uri, globex["issuer"], globex["id"])

    # It was told once where to look, and each step was answered where it looked first.
    base, origin = uri.removesuffix("/mcp"), globex["issuer"].removesuffix("/t/globex")
    discovery = [url for method, url in seen if method == "GET" and "/.well-known/" in url]
    assert discovery == [
        f"{base}/.well-known/oauth-protected-resource/mcp",
        f"{origin}/.well-known/oauth-authorization-server/t/globex",
    ]
    asked = parse_qs(urlsplit(user.sent_to[0]).query)
    assert (asked["resource"], asked["code_challenge_method"]) == ([uri], ["S256"])
    assert len(user.sent_to) == 1


@pytest.mark.requirement("MCP-5")
async def test_it_refreshes_in_the_background_and_asks_nobody(mcp_server, globex):
    uri, client_id = mcp_server
    seen: list[tuple[str, str]] = []
    with carol() as user:
        provider, storage = provider_for(uri, client_id, user, globex["issuer"])
        async with session(uri, provider, seen) as client:
            await client.call_tool("events", {})
            before = storage.tokens
            provider.context.token_expiry_time = time.time() - 1
            result = await client.call_tool("events", {})
    assert result.is_error is False
    assert storage.tokens.refresh_token != before.refresh_token
    assert storage.tokens.access_token != before.access_token
    assert len(user.sent_to) == 1
