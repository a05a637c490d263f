"""Remit decides who may do what."""
