from __future__ import annotations

import asyncio

import pytest

pytest.register_assert_rewrite("tests.http.world")


@pytest.fixture(scope="session")
def world_template(tmp_path_factory):
    from tests.http.world import make_world

    folder = tmp_path_factory.mktemp("world")
    asyncio.run(make_world(folder))
    return folder


@pytest.fixture
async def world(world_template, tmp_path):
    from tests.http.world import open_world

    async with open_world(world_template, tmp_path / "world") as made:
        yield made


@pytest.fixture
async def remit(tmp_path):
    """Open a seeded instance of `tests.kit`, for the protocol's endpoints."""
    from tests.kit.instance import instance

    async with instance(tmp_path) as opened:
        yield opened
