"""The protocol rules of OAuth: pure functions that return a verdict."""
