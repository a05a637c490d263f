"""Pages that are made from the code are as the code would make them today."""

from __future__ import annotations

import ast
import json

import pytest

from remit.cli.config import page
from remit.core.explanations import EXPLANATIONS, errors_page
from remit.telemetry.names import FIELDS, METRICS, LogEvent
from remit.wire.problems import KINDS
from remit_sdk.challenge import Refusal, render
from remit_sdk.verify import Reason
from tests.rules.tree import ROOT, SERVER, below, calls, last_name, tree_of

DOCS = ROOT / "docs"


def codes() -> set[str]:
    """Every error code that the server can answer with: literals of refusals and challenges, and kinds of problems."""
    found = set(KINDS)
    for path in below(SERVER):
        if path.is_relative_to(SERVER / "demo"):
            continue
        for call in calls(tree_of(path)):
            if (
                last_name(call.func) in {"Refusal", "challenge"}
                and call.args
                and isinstance(call.args[0], ast.Constant)
            ):
                found.add(str(call.args[0].value))
    return found


def test_the_configuration_page_is_current():
    # `remit config docs > docs/configuration.md`
    assert (DOCS / "configuration.md").read_text(encoding="utf-8") == page()


def test_the_errors_page_is_current():
    assert (DOCS / "errors.md").read_text(encoding="utf-8") == errors_page()


@pytest.mark.requirement("PD-2")
def test_every_error_code_is_explained():
    # Whoever meets a code looks it up; there must be something to find.
    assert len(codes()) > 15
    assert codes() - EXPLANATIONS.keys() == set()


def test_every_error_of_the_guard_is_explained():
    # The guard points to the page of the issuer; the anchor must be there.
    for reason in Reason:
        answer = render(
            Refusal(reason=reason, hint="x"), metadata_url="https://api.example/m", docs="https://id.example/docs"
        )
        told = json.loads(answer.body)
        assert told["error_uri"] == f"https://id.example/docs#{told['error']}"
        assert told["error"] in EXPLANATIONS


def test_every_metric_and_log_event_is_on_the_operations_page():
    shown = (DOCS / "operations.md").read_text(encoding="utf-8")
    assert {name for name in (*METRICS, *LogEvent, *FIELDS) if f"`{name}`" not in shown} == set()
