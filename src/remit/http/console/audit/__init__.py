"""Audit: what happened, newest first."""
