from __future__ import annotations

import pytest

from tests.flows.conftest import acme, running, seeded_once, server

pytest.register_assert_rewrite("tests.abuse.watched", "tests.abuse.doors", "tests.abuse.house")

__all__ = ["acme", "running", "seeded_once", "server"]
"""A seeded server in a process of its own, where a case needs one."""


@pytest.fixture
async def remit(tmp_path):
    """Open a seeded instance whose every answer is watched."""
    from tests.abuse.watched import watched

    async with watched(tmp_path) as opened:
        yield opened
