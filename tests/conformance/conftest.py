from __future__ import annotations

import pytest

from tests.kit.instance import instance


@pytest.fixture
async def remit(tmp_path):
    """Open a seeded instance of `tests.kit`."""
    async with instance(tmp_path) as opened:
        yield opened
