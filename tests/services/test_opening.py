"""Opening an instance: key files are made once, with the database, and never beside one that is filled."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import asdict

import apsw
import pytest

from remit.core.audit.events import SYSTEM
from remit.core.errors import RemitError
from remit.core.tenants import Tenant
from remit.opening import open_deps
from remit.services.origin import Origin
from remit.services.provisioning.instance import move
from remit.services.provisioning.tenants import create_tenant
from remit.settings import load
from remit.store.migrate import open_sqlite

BASE = "https://remit.example.com"
OTHER = "https://id.example.org"
HERE = Origin(peer=None, request=None)
KEY_FILES = ["remit.key", "remit.pepper"]


def settings_in(folder):
    return load(environ={}, flags={"data.dir": folder, "server.base_url": BASE}, cwd=folder)


async def fill(folder):
    async with open_deps(settings_in(folder)) as deps:
        await create_tenant(deps, HERE, slug="default", name="Acme", base_url=BASE)


async def refusal(settings, *, create=True):
    with pytest.raises(RemitError) as refused:
        async with open_deps(settings, create=create):
            pass
    return str(refused.value)


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


async def test_another_instances_key_opens_nothing_and_is_not_remembered(tmp_path):
    mine, other = tmp_path / "mine", tmp_path / "other"
    for folder in (mine, other):
        folder.mkdir()
        await fill(folder)
    with contextlib.closing(apsw.Connection(str(mine / "remit.db"))) as file:
        file.execute("delete from fact")
    (mine / "remit.key").rename(tmp_path / "kept")
    (other / "remit.key").replace(mine / "remit.key")
    assert "does not open" in await refusal(settings_in(mine))
    (tmp_path / "kept").rename(mine / "remit.key")
    async with open_deps(settings_in(mine)):
        pass


async def test_a_database_that_nobody_opened_yet_gets_its_keys(tmp_path):
    await (await open_sqlite(tmp_path / "remit.db", BASE)).close()
    async with open_deps(settings_in(tmp_path)):
        assert all((tmp_path / name).exists() for name in KEY_FILES)


@pytest.mark.parametrize("lost", KEY_FILES)
async def test_the_first_start_settles_the_keys_before_there_is_a_tenant(tmp_path, lost):
    # Two nodes that start on an empty database with keys of their own: one of them must not come up.
    async with open_deps(settings_in(tmp_path)):
        pass
    (tmp_path / lost).unlink()
    assert lost in await refusal(settings_in(tmp_path))
    assert not (tmp_path / lost).exists()


@pytest.mark.parametrize("name", KEY_FILES)
@pytest.mark.parametrize("filled", [True, False], ids=["filled", "before the first tenant"])
async def test_another_key_or_pepper_is_refused_with_the_name_of_its_file(tmp_path, name, filled):
    mine, other = tmp_path / "mine", tmp_path / "other"
    for folder in (mine, other):
        folder.mkdir()
        if filled:
            await fill(folder)
        else:
            async with open_deps(settings_in(folder)):
                pass
    shutil.copy(other / name, mine / name)
    for create in (True, False):
        told = await refusal(settings_in(mine), create=create)
        assert told.startswith(f"{mine / name} does not hold the ")
        assert "that this database was made with" in told


GIVEN = {
    "another one by flag": ({"server.base_url": OTHER}, OTHER),
    "another port, from which the default follows": ({"server.port": "9000"}, "http://127.0.0.1:9000"),
}


@pytest.mark.parametrize(("flags", "named"), GIVEN.values(), ids=GIVEN)
async def test_another_base_url_is_refused_and_says_how_to_change_it(tmp_path, flags, named):
    made = "http://127.0.0.1:8700"
    async with open_deps(load(environ={}, flags={"data.dir": tmp_path}, cwd=tmp_path)):
        pass
    told = await refusal(load(environ={}, flags={"data.dir": tmp_path, **flags}, cwd=tmp_path))
    assert told == (
        f"server.base_url is {named}, and this instance was made for {made}: give it that one or none. "
        f"To change it, stop every server and run `remit config move {named}`"
    )


async def test_a_command_without_a_base_url_takes_the_one_of_the_instance(tmp_path):
    await fill(tmp_path)
    plain = load(environ={}, flags={"data.dir": tmp_path}, cwd=tmp_path)
    assert plain.server.base_url != BASE
    async with open_deps(plain, create=False) as deps:
        made = await create_tenant(deps, HERE, slug="acme", name="Acme", base_url=deps.base_url)
        assert isinstance(made, Tenant)
        assert made.issuer == f"{BASE}/t/acme"


async def test_the_first_tenant_settles_the_base_url_and_a_look_does_not(tmp_path):
    async with open_deps(settings_in(tmp_path), create=True):
        pass
    (tmp_path / "remit.db").unlink()
    async with open_deps(load(environ={}, flags={"data.dir": tmp_path}, cwd=tmp_path), create=False):
        pass
    async with open_deps(settings_in(tmp_path), create=False) as deps:
        await create_tenant(deps, HERE, slug="default", name="Acme", base_url=deps.base_url)
    assert BASE in await refusal(load(environ={}, flags={"data.dir": tmp_path, "server.base_url": OTHER}, cwd=tmp_path))


async def test_a_move_gives_every_tenant_its_new_issuer_once(tmp_path):
    await fill(tmp_path)
    async with open_deps(settings_in(tmp_path)) as deps:
        acme = await create_tenant(deps, HERE, slug="acme", name="Acme", base_url=BASE)
        assert isinstance(acme, Tenant)
        assert await move(deps, SYSTEM, base_url=OTHER) == 2
        # Again, as after a crash before the end: nobody moves twice.
        assert await move(deps, SYSTEM, base_url=OTHER) == 0
        async with deps.db.read(acme.id) as work:
            told = [event.type for event in await work.events.after(-1)]
        assert told.count("tenant.moved") == 1
    assert f"made for {OTHER}" in await refusal(settings_in(tmp_path))
    async with open_deps(load(environ={}, flags={"data.dir": tmp_path}, cwd=tmp_path)) as deps:
        async with deps.db.read(acme.id) as work:
            tenant = await work.tenants.current()
            api = await work.resources.by_uri(tenant.api)
        assert tenant.issuer == f"{OTHER}/t/acme"
        assert api is not None


@pytest.mark.requirement("RT-3", "RT-8")
async def test_every_lifetime_of_the_settings_counts(tmp_path):
    said = {"access_seconds": 61, "refresh_idle_days": 2, "refresh_absolute_days": 3, "replay_seconds": 0}
    flags = {"data.dir": str(tmp_path), "server.base_url": BASE, **{f"tokens.{name}": n for name, n in said.items()}}
    async with open_deps(load(environ={}, flags=flags, cwd=tmp_path)) as deps:
        assert asdict(deps.lifetimes) == said
