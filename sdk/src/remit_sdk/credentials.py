"""Find the one bearer token of a request, and refuse every ambiguous way to send it (RFC 6750 §2)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

_SCHEME: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?: +(.*))?", re.DOTALL)
# RFC 6750 §2.1 b64token
_TOKEN: Final = re.compile(rb"[A-Za-z0-9._~+/-]+=*")
_NAME: Final = "access_token"  # the forbidden parameter
FORM: Final = b"application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed:
    """Credentials that cannot be read in exactly one way."""

    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A token that came by the scheme DPoP, with the proofs beside it (RFC 9449 §7.1)."""

    token: str
    proofs: tuple[str, ...] = ()


def read_credentials(headers: Iterable[tuple[bytes, bytes]], query: bytes) -> str | Bound | Malformed | None:
    """Return the bearer token or the bound one, None when there are no such credentials, or why not."""
    headers = list(headers)
    if names_token(query):
        return Malformed(hint="send the token in the Authorization header, never in the query")
    values = [value for name, value in headers if name.lower() == b"authorization"]
    if len(values) > 1:
        return Malformed(hint="send one Authorization header")
    if not values:
        return None
    found = _SCHEME.fullmatch(values[0].strip(b" \t"))
    if found is None:
        return Malformed(hint="the Authorization header is malformed")
    scheme, rest = found.groups()
    if scheme.lower() not in {b"bearer", b"dpop"}:
        # Another scheme says nothing about us: the answer tells which one we take.
        return None
    if rest is None or _TOKEN.fullmatch(rest) is None:
        return Malformed(hint="send `Bearer` or `DPoP` and one token")
    token: bytes = rest
    if scheme.lower() == b"dpop":
        proofs = tuple(value.decode("latin-1") for name, value in headers if name.lower() == b"dpop")
        return Bound(token=token.decode("ascii"), proofs=proofs)
    return token.decode("ascii")


def names_token(encoded: bytes) -> bool:
    """Say whether a query or form carries `access_token`."""
    if b"access" not in encoded.lower() and b"%" not in encoded:
        return False
    pairs = parse_qsl(encoded.decode("latin-1"), keep_blank_values=True)
    return any(name == _NAME for name, _ in pairs)
