"""Credentials of one agent's clients."""
