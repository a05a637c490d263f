"""Signed out."""
