"""Guards for APIs and MCP servers, and sign-in for agents."""
