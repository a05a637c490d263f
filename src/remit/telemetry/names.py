"""Every log event and field: an operator's search, alert or dashboard names them, so they change like an API."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class LogEvent(StrEnum):
    """What happened, as `thing.past`."""

    REQUEST_FAILED = "request.failed"
    STORE_UNAVAILABLE = "store.unavailable"
    WORKER_FAILED = "worker.failed"
    LIBRARY = "library.message"


FIELDS: Final[dict[str, str]] = {
    "at": "time in UTC",
    "level": "severity",
    "event": "name from LogEvent",
    "request": "request id, as the answer carries it too",
    "path": "path of the request, without its query",
    "logger": "library that wrote a message",
    "message": "its text",
    "exception": "traceback",
}
"""Fields and their meaning; the docs list them."""
