"""A pytest plugin that makes a skip a failure: `.ci/run` brings all that a test may need, so none may stand aside."""

from __future__ import annotations

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, but nothing may be skipped here: {report.longrepr}"
    return report
