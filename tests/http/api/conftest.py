from __future__ import annotations

import pytest

from tests.http.api.world import api_of


@pytest.fixture
async def api(remit):
    """The API of acme for a program that may do everything."""
    return await api_of(remit, remit.acme)
