"""Clients in JavaScript: two that speak MCP and register themselves, two that speak OAuth and are registered."""

from __future__ import annotations

import json
import sys

import pytest

from tests.interop.served import HERE, MODULES, NODE, stranger

pytestmark = pytest.mark.skipif(not MODULES.exists(), reason="`make test` installs the clients in tests/interop/node")

SEEN: dict[str, dict[str, object]] = {
    "@modelcontextprotocol/sdk": {
        "tools": ["list_events"],
        "answered": True,
        # It asks for no offline_access, and gets a refresh token because it registered that grant type.
        "scope": "read:calendar",
        "refresh_tokens": 2,
    },
    "mcp-remote": {
        "tools": ["list_events"],
        "scope": "read:calendar offline_access",
        "redirect_host": "localhost",
    },
    "@modelcontextprotocol/inspector": {
        "tools": ["list_events"],
        "scope": "read:calendar offline_access",
    },
    "openid-client": {
        "iss": "ISSUER",
        "email": "alice@example.com",
        "active": True,
        "itself": "read:calendar",
    },
    "oauth4webapi": {
        "token_type": "bearer",
        "before": True,
        # A code that came twice ends what the first one gave (RFC 6749 §4.1.2).
        "after": False,
        "itself": "read:calendar",
        "registered": "client_secret_basic",
    },
}


@pytest.mark.requirement("MCP-1", "MCP-5", "MCP-6", "MCP-8")
@pytest.mark.parametrize("name", SEEN)
def test_a_client_in_javascript(server, name):
    client = server.seed["tenants"]["acme"]["clients"]["conf1"]
    said = stranger(
        [NODE, HERE / "node" / "clients.mjs", name],
        ISSUER=server.issuer,
        MCP=server.mcp,
        CLIENT_ID=client["client_id"],
        CLIENT_SECRET=client["client_secret"],
        BROWSE=json.dumps([sys.executable, "-m", "tests.interop.browse"]),
    )
    seen = json.loads(said.splitlines()[-1])
    assert seen == {name: server.issuer if value == "ISSUER" else value for name, value in SEEN[name].items()}
