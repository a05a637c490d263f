"""Read the challenge of a resource server (RFC 9110 §11.6.1, RFC 6750 §3)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_ITEM: Final = re.compile(
    r"\s*(?:(?P<scheme>[\w!#$%&'*+.^`|~-]+)(?:\s+|$))?"
    r'(?:(?P<name>[\w!#$%&\'*+.^`|~-]+)\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s",]*)))?\s*(?:,|$)',
    re.ASCII,
)


def told_challenge(values: Sequence[str]) -> dict[str, str] | None:
    """Return the challenge that says what was wrong, by whichever scheme of ours; without one, any of them, or None."""
    found = [challenge_by(scheme, values) for scheme in ("dpop", "bearer")]
    known = [challenge for challenge in found if challenge is not None]
    return next((challenge for challenge in known if "error" in challenge), known[-1] if known else None)


def challenge_by(wanted: str, values: Sequence[str]) -> dict[str, str] | None:
    """Return the parameters of the first challenge of a scheme, or None when there is none."""
    for value in values:
        found: dict[str, str] | None = None
        at = 0
        while at < len(value) and (item := _ITEM.match(value, at)) is not None and item.end() > at:
            at = item.end()
            if item["scheme"] is not None:
                if found is not None:
                    break
                found = {} if item["scheme"].lower() == wanted else None
            if found is not None and item["name"] is not None:
                text = item["quoted"] if item["quoted"] is not None else item["bare"]
                found.setdefault(item["name"].lower(), re.sub(r"\\(.)", r"\1", text))
        if found is not None:
            return found
    return None
