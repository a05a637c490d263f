from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.abuse.watched")


@pytest.fixture
async def remit(tmp_path):
    """Open a seeded instance whose every answer is watched."""
    from tests.abuse.watched import watched

    async with watched(tmp_path) as opened:
        yield opened
