"""Alert rules and dashboard ask for what the server tells, and the page says what to do at each alert."""

from __future__ import annotations

import json
import re

import pytest

from remit.telemetry.metrics import Meter, Reading
from remit.telemetry.names import METRICS
from tests.rules.tree import ROOT

ALERTS = (ROOT / "deploy" / "alerts.yml").read_text(encoding="utf-8")
DASHBOARD = json.loads((ROOT / "deploy" / "dashboard.json").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
NAMED = re.compile(r"\bremit_[a-z_]+\b")
SELECTED = re.compile(r"\b(remit_[a-z_]+)\{([a-z_]+)=")
GROUPED = re.compile(r"by \(([a-z, ]+)\) \(\w*\(?(remit_[a-z_]+)")
OF_THE_SCRAPE = frozenset({"instance", "le"})


def told():
    """Every series name that a server tells, its histograms taken apart."""
    exposition = Meter().exposition(Reading(audit_lag=0, key_ages={}, commits=0)).decode()
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", exposition, re.MULTILINE))
    parts = {f"{name}{part}" for name, kind in types.items() if kind == "histogram" for part in ("_bucket", "_count")}
    return {name for name, kind in types.items() if kind != "histogram"} | parts


EXPRESSIONS = {
    f"panel {panel['title']}, {target['refId']}": target["expr"]
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
} | {
    f"alert {name}": expression
    for name, expression in re.findall(r"- alert: (\w+)\n +expr: (.*?)\n +(?:for|labels):", ALERTS, re.DOTALL)
}


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_an_expression_names_metrics_and_labels_that_exist(expression):
    names = set(NAMED.findall(expression))
    assert names <= told()
    assert names or expression.startswith("up{")
    by = [(name, label.strip()) for labels, name in GROUPED.findall(expression) for label in labels.split(",")]
    for name, label in [*SELECTED.findall(expression), *by]:
        known = METRICS.get(name.removesuffix("_bucket").removesuffix("_count"), ("", ()))[1]
        assert label in {*known, *OF_THE_SCRAPE}, f"{name} has no label {label}"


def test_every_metric_is_on_the_dashboard():
    shown = " ".join(EXPRESSIONS.values())
    assert {name for name in METRICS if name not in shown} == set()


def test_every_alert_is_on_the_page_with_what_to_do():
    alerts = re.findall(r"- alert: (\w+)", ALERTS)
    assert len(alerts) == ALERTS.count("expr:") == ALERTS.count("severity:") == ALERTS.count("summary:")
    rows = re.findall(r"^\| `(Remit\w+)` \| [^|]+ \| [^|]+ \|$", PAGE, re.MULTILINE)
    assert rows == alerts


def test_the_bucket_that_stands_for_the_promise_exists():
    # A rule about a bucket that is not there never fires.
    exposition = Meter().exposition(Reading(audit_lag=0, key_ages={}, commits=0)).decode()
    for name, bucket in re.findall(r'(remit_\w+_bucket)\{le="([^"]+)"\}', ALERTS):
        assert f'{name}{{le="{bucket}"}}' in exposition
