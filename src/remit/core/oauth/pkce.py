"""Proof key for code exchange: the code belongs to whoever began the request (RFC 7636)."""

import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from hmac import compare_digest

from remit.core.oauth.verdicts import Refusal

METHOD = "S256"
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # an unpadded SHA-256 digest (§4.2)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # §4.1


def challenge_of(verifier: str) -> str:
    """Compute the S256 challenge of a verifier (§4.2)."""
    return urlsafe_b64encode(sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode()


def check_challenge(challenge: str | None, method: str | None) -> Refusal | None:
    """Refuse an authorization request that does not bind its code (§4.4.1); a value left empty counts as absent."""
    if not challenge:
        return Refusal(
            "invalid_request",
            "send code_challenge and code_challenge_method=S256: every client uses PKCE here (RFC 7636)",
        )
    if not method:
        # Absent would mean plain (§4.3), and plain hands the verifier to whoever sees the request.
        return Refusal("invalid_request", "send code_challenge_method=S256: without it the method would be plain")
    if method != METHOD:
        return Refusal("invalid_request", "send code_challenge_method=S256: no other method is accepted")
    if not _CHALLENGE.fullmatch(challenge):
        return Refusal(
            "invalid_request",
            "send code_challenge as base64url of the SHA-256 of the verifier, without padding: 43 characters",
        )
    return None


def verify(challenge: str | None, verifier: str | None) -> Refusal | None:
    """Refuse a redemption whose verifier does not belong to the code's challenge (§4.6)."""
    if not challenge:
        if not verifier:
            return None
        # A verifier for an unbound code means that somebody took the challenge out on the way (RFC 9700 §4.8.2).
        return Refusal("invalid_request", "leave out code_verifier: this code was requested without a code_challenge")
    if not verifier:
        return Refusal(
            "invalid_grant", "send code_verifier: this code was requested with a code_challenge (PKCE, RFC 7636)"
        )
    if not _VERIFIER.fullmatch(verifier):
        return Refusal(
            "invalid_grant", "send code_verifier as 43 to 128 characters out of letters, digits and -._~ (RFC 7636)"
        )
    if not compare_digest(challenge_of(verifier), challenge):
        return Refusal("invalid_grant", "send the code_verifier that this code_challenge was made from")
    return None
