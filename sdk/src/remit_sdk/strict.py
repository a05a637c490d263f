"""Strict readers for what arrives from outside: base64url, JSON, URLs, scope strings."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Final
from urllib.parse import urlsplit

import msgspec

MAX_DEPTH: Final = 32
LARGEST_INTEGER: Final = 2**53
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
# RFC 6749 §3.3
_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+", re.ASCII)


def read_base64url(text: str) -> bytes | None:
    """Decode base64url in its one canonical spelling (RFC 7515 §2), or return None."""
    if _BASE64URL.fullmatch(text) is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
    # Unused bits of the last character would give one token two spellings.
    return raw if write_base64url(raw) == text else None


def write_base64url(raw: bytes) -> str:
    """Encode without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        # Two parsers would read two different tokens.
        msg = "repeated member"
        raise ValueError(msg)
    return members


def read_object(raw: bytes) -> dict[str, object] | None:
    """Read one JSON object without repeated members, constants or deep nesting, or return None."""
    try:
        # What json lets pass: NaN, numbers beyond all numbers, half of a surrogate pair, which nothing can write again.
        msgspec.json.decode(raw)
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_members)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return None
    if not isinstance(value, dict) or _deeper_than(value, MAX_DEPTH):
        return None
    return value


def _deeper_than(value: object, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        insides = (item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list))
        level = [inner for inside in insides for inner in inside if isinstance(inner, dict | list)]
        if not level:
            return False
    return True


def read_date(value: object) -> float | None:
    """Read a NumericDate: a JSON number, never a string or a boolean (RFC 7519 §2)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # A comparison with NaN is false, so NaN falls out here too.
    return float(value) if 0 < value < LARGEST_INTEGER else None


def read_scopes(text: str) -> frozenset[str] | None:
    """Split a scope string at single spaces (RFC 6749 §3.3), or return None."""
    if not text:
        return frozenset()
    names = text.split(" ")
    if any(_SCOPE.fullmatch(name) is None for name in names):
        return None
    return frozenset(names)


def write_scopes(scopes: frozenset[str]) -> str:
    """Join scopes in one stable order."""
    return " ".join(sorted(scopes))


def web_origin(url: str) -> str | None:
    """Return the origin of an https URL, or of a plain http one on loopback; None for all else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        return None
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        return None
    name = f"[{host}]" if ":" in host else host
    usual = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{name}" + (f":{port}" if port not in {None, usual} else "")


def well_known(url: str, document: str) -> str:
    """Insert a well-known document's path between host and path (RFC 8414 §3, RFC 9728 §3)."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/") if parts.path == "/" else parts.path
    return f"{parts.scheme}://{parts.netloc}/.well-known/{document}{path}"
