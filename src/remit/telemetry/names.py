"""Every log event and field: an operator's search, alert or dashboard names them, so they change like an API."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class LogEvent(StrEnum):
    """What happened, as `thing.past`."""

    REQUEST_ANSWERED = "request.answered"
    REQUEST_FAILED = "request.failed"
    STORE_UNAVAILABLE = "store.unavailable"
    WORKER_FAILED = "worker.failed"
    SERVER_STARTED = "server.started"
    PROBES_OFF = "probes.off"
    LIBRARY = "library.message"


FIELDS: Final[dict[str, str]] = {
    "at": "time in UTC",
    "level": "severity",
    "event": "name from LogEvent",
    "request": "request id, as the answer carries it too",
    "trace": "trace id, where the caller sent a valid traceparent",
    "tenant": "slug of the tenant",
    "method": "HTTP method",
    "route": "template that the path matched; never the path itself",
    "status": "HTTP status; 0 when the caller had gone",
    "ms": "milliseconds until the answer was sent",
    "port": "port that the server listens on, or could not have",
    "logger": "library that wrote a message",
    "message": "its text",
    "exception": "traceback",
}
"""Fields and their meaning; the docs list them."""


class Metric(StrEnum):
    """Every metric, as dashboards name it. None names an agent, client, user or tenant: the audit log does."""

    TOKEN_ISSUED = "remit_token_issued_total"
    TOKEN_REFUSED = "remit_token_refused_total"
    INTROSPECTION_SECONDS = "remit_introspection_seconds"
    DECISIONS = "remit_decisions_total"
    REVOCATION_PROPAGATION_SECONDS = "remit_revocation_propagation_seconds"
    AUDIT_LAG_EVENTS = "remit_audit_lag_events"
    SIGNING_KEY_AGE_SECONDS = "remit_signing_key_age_seconds"
    HTTP_REQUESTS = "remit_http_requests_total"
    STORE_COMMITS = "remit_store_commits_total"


METRICS: Final[dict[Metric, tuple[str, tuple[str, ...]]]] = {
    Metric.TOKEN_ISSUED: ("Token responses, by grant type.", ("grant",)),
    Metric.TOKEN_REFUSED: ("Refused token requests, by grant type and OAuth error code.", ("grant", "code")),
    Metric.INTROSPECTION_SECONDS: ("How long an introspection took.", ()),
    Metric.DECISIONS: ("Decisions that guards reported, by decision and reason.", ("decision", "reason")),
    Metric.REVOCATION_PROPAGATION_SECONDS: (
        "From the moment of a stop until it was handed to the socket of an open feed. The network comes on top.",
        (),
    ),
    Metric.AUDIT_LAG_EVENTS: ("Events that no signed checkpoint covers yet, over all tenants.", ()),
    Metric.SIGNING_KEY_AGE_SECONDS: ("Age of the oldest active signing key, by what it signs.", ("use",)),
    Metric.HTTP_REQUESTS: ("Answered requests, by route template and status.", ("route", "status")),
    Metric.STORE_COMMITS: ("Transactions that this process committed.", ()),
}
"""What each metric means, and its labels; the docs list them."""

DECISION_REASONS: Final = frozenset(
    {
        "allowed",
        "expired",
        "insufficient_scope",
        "insufficient_user_authentication",
        "invalid_dpop_proof",
        "invalid_request",
        "invalid_token",
        "no_credentials",
        "stopped",
        "unavailable",
        "unknown_route",
        "use_dpop_nonce",
        "wrong_audience",
    }
)
"""What a guard gives as its reason. Anything else counts as `other`: an API's words must not make new series."""
