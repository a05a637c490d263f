"""Databases: one file an aggregate, every statement inside one tenant."""
