"""An MCP server that knows Remit as any authorization server: `python -m tests.interop.mcp_server ISSUER PORT`."""

from __future__ import annotations

import sys

from fastmcp import FastMCP
from fastmcp.server.auth import RemoteAuthProvider
from fastmcp.server.auth.providers.jwt import JWTVerifier
from pydantic import AnyHttpUrl

SCOPES = ["read:calendar"]


def main(issuer: str, port: int) -> None:
    base = f"http://127.0.0.1:{port}"
    verifier = JWTVerifier(
        jwks_uri=f"{issuer}/oauth/jwks",
        issuer=issuer,
        audience=f"{base}/mcp",
        required_scopes=SCOPES,
        algorithm="ES256",
    )
    provider = RemoteAuthProvider(
        token_verifier=verifier, authorization_servers=[AnyHttpUrl(issuer)], base_url=base, resource_base_url=base
    )
    server = FastMCP("Calendar tools", auth=provider)

    @server.tool
    def list_events() -> list[str]:
        """Read the events in the calendar."""
        return ["board meeting"]

    server.run(transport="http", host="127.0.0.1", port=port, show_banner=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
