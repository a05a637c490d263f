import pytest

from tests.kit.instance import instance


@pytest.fixture
async def remit(tmp_path):
    async with instance(tmp_path) as opened:
        yield opened
