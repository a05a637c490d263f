"""Every log event and field: an operator's search, alert or dashboard names them, so they change like an API."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class LogEvent(StrEnum):
    """What happened, as `thing.past`."""

    SERVER_STARTED = "server.started"
    SERVER_STOPPING = "server.stopping"
    SERVER_STOPPED = "server.stopped"
    REQUEST_FAILED = "request.failed"
    REQUEST_REFUSED = "request.refused"
    STORE_UNAVAILABLE = "store.unavailable"
    CHECKPOINT_WRITTEN = "checkpoint.written"
    CHECKPOINT_FAILED = "checkpoint.failed"
    JOB_FAILED = "job.failed"
    FEED_OPENED = "feed.opened"
    FEED_CLOSED = "feed.closed"
    LIBRARY = "library.message"


FIELDS: Final[dict[str, str]] = {
    "at": "time in UTC",
    "level": "severity",
    "event": "name from LogEvent",
    "request": "request id, as answered in the `request-id` header",
    "tenant": "slug of the tenant",
    "method": "HTTP method",
    "path": "path of the request, without its query",
    "status": "HTTP status of the answer",
    "took_ms": "milliseconds from the first byte in to the last byte out",
    "error": "OAuth error code or class of the failure",
    "reason": "what the audit event says beside the error",
    "client": "id of the client",
    "agent": "id of the agent",
    "user": "id of the user",
    "grant": "id of the grant",
    "line": "id of the line",
    "jti": "id of the access token; never the token",
    "peer": "address at the other end",
    "logger": "library that wrote a message",
    "message": "its text",
    "exception": "traceback",
}
"""Fields and their meaning; the docs list them."""
