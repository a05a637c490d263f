"""Activity of one agent."""
