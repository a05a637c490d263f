"""Outgoing requests about URLs that strangers named."""
