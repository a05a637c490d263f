"""Agents: every agent of the tenant in one table."""
