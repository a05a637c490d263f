"""JSON of strangers, read in exactly one way: what two readers could take differently is refused (RFC 8259 §4)."""

from __future__ import annotations

import json
from typing import Final

import msgspec

MAX_DEPTH: Final = 32
"""Objects and arrays inside each other that a document may hold, itself counted."""


def read_object(raw: bytes) -> dict[str, object] | None:
    """Read one JSON object, each member given once, in UTF-8, not deeper than MAX_DEPTH."""
    try:
        msgspec.json.decode(raw)  # refuses NaN, lone surrogates and wrong UTF-8, which json lets pass
        value = json.loads(raw.decode(), object_pairs_hook=_each_once)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return None
    return value if isinstance(value, dict) and not _deeper_than(value, MAX_DEPTH) else None


def _deeper_than(value: object, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        insides = (item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list))
        level = [inner for inside in insides for inner in inside if isinstance(inner, dict | list)]
        if not level:
            return False
    return True


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is given twice")
    return found
