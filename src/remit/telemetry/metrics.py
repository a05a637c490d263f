"""Counting. One `Meter` belongs to one application: there is no registry that everybody shares.

The only module that knows the metrics library. Labels come from closed sets (grant types, codes, route templates),
so a stranger cannot make this grow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from remit.telemetry.names import DECISION_REASONS, METRICS, Metric

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
OTHER: Final = "other"

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What is not counted as it happens but looked up when somebody asks."""

    audit_lag: int
    key_ages: Mapping[str, float]
    commits: int


class Meter:
    """The counters of one running application."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._issued = self._counter(Metric.TOKEN_ISSUED)
        self._refused = self._counter(Metric.TOKEN_REFUSED)
        self._decisions = self._counter(Metric.DECISIONS)
        self._requests = self._counter(Metric.HTTP_REQUESTS)
        self._commits = self._counter(Metric.STORE_COMMITS)
        self._introspection = self._histogram(Metric.INTROSPECTION_SECONDS)
        self._propagation = self._histogram(Metric.REVOCATION_PROPAGATION_SECONDS)
        self._lag = self._gauge(Metric.AUDIT_LAG_EVENTS)
        self._key_age = self._gauge(Metric.SIGNING_KEY_AGE_SECONDS)
        self._counted_commits = 0
        self._answers: dict[tuple[str, int], Counter] = {}
        self._issues: dict[str, Counter] = {}

    def issued(self, grant: str) -> None:
        counter = self._issues.get(grant)
        if counter is None:
            counter = self._issues[grant] = self._issued.labels(grant=grant)
        counter.inc()

    def refused(self, grant: str, code: str) -> None:
        self._refused.labels(grant=grant, code=code).inc()

    def decided(self, *, permitted: bool, reason: str) -> None:
        """Count a reported decision. A guard gives no reason for what it allowed."""
        reason = reason or ("allowed" if permitted else OTHER)
        known = reason if reason in DECISION_REASONS else OTHER
        self._decisions.labels(decision="permit" if permitted else "deny", reason=known).inc()

    def introspected(self, seconds: float) -> None:
        self._introspection.observe(seconds)

    def propagated(self, seconds: float) -> None:
        self._propagation.observe(max(0.0, seconds))

    def answered(self, route: str, status: int) -> None:
        # Looking a counter up by its labels costs more than counting, and this is done for every request.
        counter = self._answers.get((route, status))
        if counter is None:
            counter = self._answers[route, status] = self._requests.labels(route=route, status=str(status))
        counter.inc()

    def exposition(self, reading: Reading) -> bytes:
        """Return everything in the text format, with what was looked up just now."""
        self._commits.inc(max(0, reading.commits - self._counted_commits))
        self._counted_commits = reading.commits
        self._lag.set(reading.audit_lag)
        for use, seconds in reading.key_ages.items():
            self._key_age.labels(use=use).set(seconds)
        return generate_latest(self._registry)

    def _counter(self, name: Metric) -> Counter:
        text, labels = METRICS[name]
        return Counter(name, text, labels, registry=self._registry)

    def _gauge(self, name: Metric) -> Gauge:
        text, labels = METRICS[name]
        return Gauge(name, text, labels, registry=self._registry)

    def _histogram(self, name: Metric) -> Histogram:
        text, labels = METRICS[name]
        return Histogram(name, text, labels, registry=self._registry, buckets=_BUCKETS)
