"""What a client signed with a key that it registered: whose signature holds, before anybody looks at what it says."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from remit.crypto.compact import Compact, read_object, take_apart, type_name
from remit.crypto.jose import ALGORITHMS, PRIVATE_MEMBERS, PublicKey, canonical, read_public

_MOST_KEYS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """Claims under a signature that holds, and the kid of the key that made it; empty where the key has none."""

    claims: dict[str, object] = field(repr=False)
    key: str


def read_signed(token: str, jwks: str, *, types: Collection[str]) -> Signed | str:
    """Return the claims of a token that one of the client's keys signed, or say why not, for the audit log alone.

    `types` are the values of `typ` that this kind of token may have, in lower case; "" stands for none.
    """
    parts = take_apart(token)
    if parts is None:
        return "not three parts of base64url and JSON within 16 kB"
    if (why := _judge_header(parts, types)) is not None:
        return why
    keys = _fitting(parts, _registered(jwks))
    if not keys:
        return "no registered key has this kid and algorithm"
    signer = next((key for key in keys if key.verifies(parts.message, parts.signature)), None)
    if signer is None:
        return "the signature is not by a registered key"
    claims = parts.claims()
    if claims is None:
        return "the claims are not one JSON object with each member once"
    return Signed(claims=claims, key=signer.kid or "")


def flaw_of_jwks(jwks: str) -> str | None:
    """Say what keeps a key set from being registered: each key in it must verify, and none may be private."""
    document = read_object(jwks.encode("utf-8", "replace"))
    members = None if document is None else document.get("keys")
    if not isinstance(members, list) or not members:
        return 'must be a JSON Web Key Set: {"keys": [...]} with at least one key'
    if len(members) > _MOST_KEYS:
        return f"has more than {_MOST_KEYS} keys"
    if any(isinstance(jwk, dict) and PRIVATE_MEMBERS & jwk.keys() for jwk in members):
        return "holds a private key: leave it with the client and register the public half"
    keys = [read_public(jwk) for jwk in members]
    if any(key is None for key in keys):
        return f"holds a key that signs nothing here: use one of {', '.join(ALGORITHMS)}, with use sig"
    kids = [key.kid for key in keys if key is not None and key.kid is not None]
    return "names two keys alike: each kid once" if len(set(kids)) != len(kids) else None


def kids_of(jwks: str) -> tuple[str, ...]:
    """Return the kid of each key in a registered key set; empty where a key has none."""
    return tuple(key.kid or "" for key in _registered(jwks))


def _judge_header(parts: Compact, types: Collection[str]) -> str | None:
    if "crit" in parts.header or "b64" in parts.header:
        return "a header that changes what is signed, or that must be understood, is not"
    if type_name(parts.header) not in types:
        return "typ is of another kind of token"
    if parts.header.get("alg") not in [*ALGORITHMS]:  # a list: alg may be of a type that has no hash
        return "alg is not one of ours"
    if not isinstance(parts.header.get("kid", ""), str):
        return "kid is not a string"
    return None


@lru_cache(maxsize=1024)
def _registered(jwks: str) -> tuple[PublicKey, ...]:
    """Read a client's key set. It is kept by its text, so a changed set counts from the next token on (CA-10)."""
    document = read_object(jwks.encode("utf-8", "replace")) or {}
    members = document.get("keys")
    found = [read_public(jwk) for jwk in members[:_MOST_KEYS]] if isinstance(members, list) else []
    return tuple(key for key in found if key is not None)


def _fitting(parts: Compact, keys: tuple[PublicKey, ...]) -> list[PublicKey]:
    """Return the keys that may have signed this: of its kid where it names one, of its algorithm always (CA-7)."""
    alg, kid = canonical(str(parts.header["alg"])), parts.header.get("kid")
    fitting = [key for key in keys if canonical(key.alg) == alg]
    return fitting if kid is None else [key for key in fitting if key.kid == kid]
