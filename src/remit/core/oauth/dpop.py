"""Demonstrating proof of possession (RFC 9449): what a proof must say, and what it proves.

Reading a proof and checking its signature is `remit.crypto.dpop`; using one up is `remit.services.possession`.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from remit.core.oauth import uris
from remit.core.oauth.verdicts import Refusal

DPOP_ALGS: Final = ("ES256", "EdDSA", "Ed25519", "PS256")
"""What a proof may be signed with. New keys are made for it, so nobody needs RS256 for old times' sake."""

WINDOW: Final = timedelta(seconds=60)
"""How far the clock of whoever made a proof may be from ours, either way (DPOP-5)."""

NONCE_STEP: Final = 150
"""Seconds after which there is a new nonce; the one before it stays good, so each lives for twice that at least."""

_SKEW: Final = timedelta(seconds=10)
"""How far two nodes may be apart: so much longer a used proof is remembered."""

_PORTS: Final[Mapping[str, int]] = {"https": 443, "http": 80}
_ENCODED: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]")
# SHA-256 in base64url: 43 characters, of which the last holds four bits and two that are zero.
_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")

USED: Final = Refusal("invalid_dpop_proof", "this DPoP proof was used before: make a new one for every request")
NEEDED: Final = Refusal(
    "invalid_dpop_proof", "tokens of this client, its agent or this resource are bound to a key: send a DPoP proof"
)
OTHER_KEY: Final = Refusal("invalid_grant", "this was bound to another DPoP key: send a proof by that key")
NO_NONCE: Final = Refusal("use_dpop_nonce", "make the DPoP proof again, with the nonce of this answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A proof whose signature holds, as it was said. Nothing in it is judged yet."""

    jkt: str
    """SHA-256 thumbprint of the key that signed it (RFC 7638)."""
    jti: str
    method: str
    target: str
    issued_at: float
    ath: str | None
    nonce: object
    """Whatever stands there; None where nothing does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a proof must be about: this very request, and the access token in it where there is one."""

    method: str
    target: str
    """The request's address as clients know it, in its normal spelling."""
    token: str | None = None
    nonces: Mapping[str, datetime] | None = None
    """The nonces that are good now, each with its end. None where none are asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """Whoever sent this request holds the key `jkt`, unless `once` was used before. It must be kept until `until`."""

    jkt: str
    once: str
    until: datetime


def judge_proof(proof: Proof, expected: Expected, *, now: datetime) -> Proven | Refusal:
    """Say whether a proof is one for this request, now (RFC 9449 §4.3)."""
    if proof.method != expected.method:
        return _no(f"htm must be {expected.method}, as the request's method is spelled")
    target = normal(proof.target)
    if target is None or target != expected.target:
        return _no("htu must be the address of this request, without query and fragment")
    if expected.token is not None and proof.ath != digest(expected.token):
        return _no("ath must be the base64url SHA-256 of the access token in this request")
    if expected.nonces is None:
        said = datetime.fromtimestamp(proof.issued_at, UTC)
        if not now - WINDOW <= said <= now + WINDOW:
            return _no(f"iat is more than {int(WINDOW.total_seconds())} s from now: set the clock, make a new proof")
        end = said + WINDOW
    else:
        good = expected.nonces.get(proof.nonce) if isinstance(proof.nonce, str) else None
        if good is None:
            return NO_NONCE
        # RFC 9449 §11.1: the nonce tells when the proof was made, whatever clock its maker has.
        end = good
    once = digest(f"{proof.jkt}\n{proof.method}\n{target}\n{proof.jti}")
    return Proven(jkt=proof.jkt, once=once, until=end + _SKEW)


def normal(url: str) -> str | None:
    """Return the one spelling of an address without query and fragment (RFC 3986 §6.2.2, §6.2.3); None for no URL."""
    parts = uris.read(re.split(r"[?#]", url, maxsplit=1)[0])
    if isinstance(parts, uris.Flaw) or parts.host is None:
        return None
    scheme, host = parts.scheme.lower(), parts.host.lower()
    if scheme not in _PORTS:
        return None
    port = "" if parts.port in (None, _PORTS[scheme]) else f":{parts.port}"
    path = _without_dots(_ENCODED.sub(_decoded, parts.path or "/"))
    return f"{scheme}://{host}{port}{path}"


def _decoded(found: re.Match[str]) -> str:
    letter = chr(int(found[0][1:], 16))
    return letter if _UNRESERVED.fullmatch(letter) else found[0].upper()


def _without_dots(path: str) -> str:
    """Remove dot segments (RFC 3986 §5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)


def digest(text: str) -> str:
    """Return base64url(SHA-256(text)): what `ath` says of a token (RFC 9449 §4.2)."""
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def steps(now: datetime) -> Mapping[int, datetime]:
    """Return the steps whose nonces are good now, the present one first, each with its end.

    One behind and one ahead: whoever got a nonce has time to use it, and a node may be a little behind its siblings.
    """
    step = int(now.timestamp()) // NONCE_STEP
    return {at: datetime.fromtimestamp((at + 2) * NONCE_STEP, UTC) for at in (step, step - 1, step + 1)}


def flaw_of_jkt(said: str | None) -> Refusal | None:
    """Refuse a `dpop_jkt` that no key could have."""
    if said is None or _THUMBPRINT.fullmatch(said):
        return None
    return Refusal("invalid_request", "dpop_jkt must be the base64url SHA-256 thumbprint of a public key")


def judge_jkt(said: str | None, proven: Proven | None) -> str | Refusal | None:
    """Return the key that an authorization code will be bound to: `dpop_jkt`, the key of a proof, or both as one.

    RFC 9449 §10, §10.1.
    """
    if (flaw := flaw_of_jkt(said)) is not None:
        return flaw
    if proven is None:
        return said
    if said is not None and said != proven.jkt:
        return _no("dpop_jkt is not the thumbprint of the key that signed the DPoP proof")
    return proven.jkt


def _no(hint: str) -> Refusal:
    return Refusal("invalid_dpop_proof", hint)
