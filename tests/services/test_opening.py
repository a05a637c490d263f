"""Opening an instance: key files are made once, with the database, and never beside one that is filled."""

from __future__ import annotations

import pytest

from remit.app import open_deps
from remit.core.errors import RemitError
from remit.services.origin import Origin
from remit.services.provisioning.tenants import create_tenant
from remit.settings import load

BASE = "https://remit.example.com"
KEY_FILES = ["remit.key", "remit.pepper"]


def settings_in(folder):
    return load(environ={}, flags={"data.dir": folder, "server.base_url": BASE}, cwd=folder)


async def fill(folder):
    async with open_deps(settings_in(folder)) as deps:
        origin = Origin(peer=None, request=None)
        await create_tenant(deps, origin, slug="default", name="Acme", base_url=BASE)


@pytest.mark.parametrize("lost", KEY_FILES)
async def test_a_lost_key_file_is_not_replaced_beside_a_filled_database(tmp_path, lost):
    await fill(tmp_path)
    (tmp_path / lost).unlink()
    with pytest.raises(RemitError, match=lost):
        async with open_deps(settings_in(tmp_path)):
            pass
    assert not (tmp_path / lost).exists()


@pytest.mark.parametrize("lost", KEY_FILES)
async def test_it_opens_again_when_the_file_is_back(tmp_path, lost):
    await fill(tmp_path)
    kept = (tmp_path / lost).rename(tmp_path / "kept")
    with pytest.raises(RemitError):
        async with open_deps(settings_in(tmp_path)):
            pass
    kept.rename(tmp_path / lost)
    async with open_deps(settings_in(tmp_path)) as deps, deps.db.system() as system:
        assert [tenant.slug for tenant in await system.tenants()] == ["default"]


async def test_another_instances_key_opens_nothing(tmp_path):
    mine, other = tmp_path / "mine", tmp_path / "other"
    for folder in (mine, other):
        folder.mkdir()
        await fill(folder)
    (other / "remit.key").replace(mine / "remit.key")
    with pytest.raises(RemitError, match="does not open"):
        async with open_deps(settings_in(mine)):
            pass


async def test_a_database_that_nobody_filled_yet_gets_its_keys(tmp_path):
    async with open_deps(settings_in(tmp_path)):
        pass
    for name in KEY_FILES:
        (tmp_path / name).unlink()
    async with open_deps(settings_in(tmp_path)):
        assert all((tmp_path / name).exists() for name in KEY_FILES)
