"""MCP clients in Python reach a protected tool by themselves, and stay when the token is over."""

from __future__ import annotations

import pytest

from tests.interop.served import python

CLIENTS = {
    # What each registers as, and whether it is given a secret.
    "sdk": ("client_secret_basic", True),
    "fastmcp": ("none", False),
}


@pytest.mark.requirement("MCP-1", "MCP-4", "MCP-5", "MCP-6", "MCP-8", "PRM-6")
@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_finds_registers_asks_calls_and_refreshes(server, name):
    method, secret = CLIENTS[name]
    seen = python("tests.interop.mcp_clients", name, server.mcp)
    assert seen["tools"] == ["list_events"]
    assert seen["answered"]
    assert (seen["method"], seen["secret"]) == (method, secret)
    assert seen["asked"]["resource"] == server.mcp
    assert set(seen["asked"]["scope"].split()) == {"read:calendar", "offline_access"}
    assert seen["refresh_tokens"] == 2
    assert 0 < seen["expires_in"] <= 1800
