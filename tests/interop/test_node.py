"""Clients in JavaScript: two that speak MCP and register themselves, two that speak OAuth and are registered."""

from __future__ import annotations

import json
import sys

import pytest

from tests.interop.served import HERE, MODULES, NODE, free_port, running, stranger

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
    seen = run(name, server, MCP=server.mcp)
    assert seen == {name: server.issuer if value == "ISSUER" else value for name, value in SEEN[name].items()}


@pytest.mark.requirement("DPOP-6", "DPOP-7", "DPOP-9", "DPOP-10", "DPOP-13", "DPOP-15", "DPOP-16", "PAR-1")
def test_a_client_in_javascript_binds_its_tokens_to_a_key(server, tmp_path):
    calendar, port = server.seed["tenants"]["acme"]["resources"]["R1"], free_port()
    words = [server.issuer, calendar["uri"], calendar["client_id"], calendar["client_secret"], str(port)]
    with running([sys.executable, "-m", "tests.interop.guarded_api", *words], port, tmp_path / "api.log"):
        seen = run("oauth4webapi, DPoP", server, API=f"http://127.0.0.1:{port}/events?day=today")
    assert seen == {
        "token_type": "dpop",
        "email": "alice@example.com",
        # The guard asks for its own nonce first, and the library answers that by itself.
        "nonce": True,
        "user": server.seed["tenants"]["acme"]["users"]["alice"]["id"],
        "bound": True,
        "told": "DPoP",
        "rotated": True,
        "as_bearer": {"server": 401, "api": 401},
        "again": {"server": "invalid_dpop_proof", "api": "invalid_dpop_proof"},
    }


def run(name, server, **more):
    client = server.seed["tenants"]["acme"]["clients"]["conf1"]
    said = stranger(
        [NODE, HERE / "node" / "clients.mjs", name],
        ISSUER=server.issuer,
        CLIENT_ID=client["client_id"],
        CLIENT_SECRET=client["client_secret"],
        BROWSE=json.dumps([sys.executable, "-m", "tests.interop.browse"]),
        **more,
    )
    return json.loads(said.splitlines()[-1])
