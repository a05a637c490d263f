"""Proof key for code exchange (RFC 7636), S256 only."""

from __future__ import annotations

import hashlib
import secrets

from remit_sdk.strict import write_base64url


def make_verifier() -> str:
    """Return a fresh code verifier of 256 random bits (RFC 7636 §4.1)."""
    return secrets.token_urlsafe(32)


def challenge_of(verifier: str) -> str:
    """Return the S256 code challenge (RFC 7636 §4.2)."""
    return write_base64url(hashlib.sha256(verifier.encode("ascii")).digest())
