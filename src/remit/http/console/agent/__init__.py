"""Agent: one agent in full."""
