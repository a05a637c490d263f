"""The caller's trace, from the `traceparent` header (W3C Trace Context, level 1)."""

from __future__ import annotations

import re
from typing import Final

from starlette.types import Scope

_TRACEPARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


def trace_of(scope: Scope) -> str | None:
    """Return the trace id that a request names; None where it names none, or not as the standard says."""
    sent = [value for name, value in scope["headers"] if name == b"traceparent"]
    return parse_traceparent(sent[0].decode("latin-1")) if len(sent) == 1 else None


def parse_traceparent(header: str) -> str | None:
    """Read the trace id. What is not valid is as if it had not been sent (§3.2)."""
    found = _TRACEPARENT.fullmatch(header)
    if found is None:
        return None
    version, trace, parent, _, more = found.groups()
    # Later versions may append fields; this one has exactly four (§3.2.4).
    if version == "ff" or (version == "00" and more) or not trace.strip("0") or not parent.strip("0"):
        return None
    return trace
