"""DPoP proofs, read: a compact signed token that brings the public key that verifies it (RFC 9449 §4.2, §4.3)."""

from __future__ import annotations

from typing import Final

from remit.core.oauth.dpop import DPOP_ALGS, Proof
from remit.core.oauth.verdicts import Refusal
from remit.crypto.compact import Compact, numeric_date, take_apart, text, type_name
from remit.crypto.jose import PRIVATE_MEMBERS, PublicKey, canonical, read_public

_TYPE: Final = "dpop+jwt"
_LONGEST_JTI: Final = 256
_LONGEST: Final = 2048


def read_proof(proof: str) -> Proof | Refusal:
    """Read a proof and check that the key in it signed it. What it says is not judged here."""
    parts = take_apart(proof)
    if parts is None:
        return _no("not three parts of base64url and JSON")
    key = _key(parts)
    if isinstance(key, Refusal):
        return key
    if not key.verifies(parts.message, parts.signature):
        return _no("the signature is not by the key in jwk")
    claims = parts.claims()
    if claims is None:
        return _no("its claims must be one JSON object with each member once")
    jti = text(claims.get("jti"), longest=_LONGEST_JTI)
    method, target = text(claims.get("htm"), longest=32), text(claims.get("htu"), longest=_LONGEST)
    issued_at = numeric_date(claims.get("iat"))
    if jti is None or method is None or target is None or issued_at is None:
        return _no(f"it needs htm, htu, iat in seconds, and jti of at most {_LONGEST_JTI} characters")
    return Proof(
        jkt=key.thumbprint(),
        jti=jti,
        method=method,
        target=target,
        issued_at=issued_at,
        ath=text(claims.get("ath")),
        nonce=claims.get("nonce"),
    )


def _key(parts: Compact) -> PublicKey | Refusal:
    header = parts.header
    if "crit" in header or "b64" in header:
        return _no("a header member that changes what is signed, or that must be understood, is not")
    if type_name(header) != _TYPE:
        return _no(f"typ must be {_TYPE}")
    alg, jwk = header.get("alg"), header.get("jwk")
    if not isinstance(alg, str) or alg not in DPOP_ALGS:
        return _no(f"alg must be one of {' '.join(DPOP_ALGS)}")
    if not isinstance(jwk, dict):
        return _no("jwk must hold the public key that signed it")
    if PRIVATE_MEMBERS & jwk.keys():
        return _no("jwk holds a private key: make a new key, and put only its public half here")
    named = jwk.get("alg", alg)
    key = read_public({**jwk, "alg": alg}) if isinstance(named, str) and canonical(named) == canonical(alg) else None
    return _no(f"jwk must be a public key for {alg}") if key is None else key


def _no(why: str) -> Refusal:
    return Refusal("invalid_dpop_proof", f"the DPoP proof cannot be used: {why}")
