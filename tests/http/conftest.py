from __future__ import annotations

import asyncio
from dataclasses import replace

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


@pytest.fixture
async def asking(remit):
    """The same instance, asking for DPoP nonces."""
    import httpx

    from remit.app import build
    from remit.settings import Settings

    deps = replace(remit.deps, dpop_nonces=True)
    app, _ = build(deps, Settings())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=str(remit.http.base_url)) as http:
        yield replace(remit, deps=deps, app=app, http=http)
