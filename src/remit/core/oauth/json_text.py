"""JSON inside a parameter, read in one way only: what two readers could take differently is refused (RFC 8259 §4)."""

from __future__ import annotations

import json
from collections.abc import Sequence


def read_json(text: str) -> object:
    """Read a text whose objects name each member once and whose numbers are whole.

    Raises:
        ValueError: it is not such a text.
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_float=_refuse, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("too deep") from error


def _once(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands twice")
    return found


def _refuse(said: str) -> object:
    raise ValueError(said)
