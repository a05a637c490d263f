"""DB: a master key or pepper that is missing, wrong, or another node's."""

from __future__ import annotations

import shutil

import apsw
import pytest

from remit.opening import open_deps
from remit.settings import load
from tests.kit.postgres import PASSWORDS
from tests.services.test_opening import BASE, KEY_FILES, fill, refusal, settings_in
from tests.store.test_migrate_postgres import fresh

__all__ = ["fresh"]


def held(folder):
    """What lies in a folder and matters: the keys and everything that the database says."""
    connection = apsw.Connection(str(folder / "remit.db"))
    tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
    rows = {name: sorted(map(repr, connection.execute(f'select * from "{name}"'))) for name in tables}
    connection.close()
    return {file.name: file.read_bytes() for file in folder.glob("remit.*") if file.name in KEY_FILES}, rows


@pytest.mark.parametrize("name", KEY_FILES)
async def test_b_db_06_a_missing_key_is_never_made_again_beside_data(tmp_path, name):
    await fill(tmp_path)
    (tmp_path / name).unlink()
    before = held(tmp_path)
    for create in (True, False):
        assert name in await refusal(settings_in(tmp_path), create=create)
    assert not (tmp_path / name).exists()
    assert held(tmp_path) == before


WRONG = {"of another instance": None, "empty": b"", "cut off": b"c2hvcnQ", "all zeros": b"0" * 64}


@pytest.mark.parametrize("name", KEY_FILES)
@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
async def test_b_db_06_a_wrong_key_opens_nothing_and_changes_nothing(tmp_path, name, content):
    mine, other = tmp_path / "mine", tmp_path / "other"
    for folder in (mine, other):
        folder.mkdir()
        await fill(folder)
    right = (mine / name).read_bytes()
    if content is None:
        shutil.copy(other / name, mine / name)
    else:
        (mine / name).write_bytes(content)
    before = held(mine)
    assert name in await refusal(settings_in(mine))
    assert held(mine) == before
    (mine / name).write_bytes(right)
    async with open_deps(settings_in(mine)) as deps, deps.db.system() as system:
        assert [tenant.slug for tenant in await system.tenants()] == ["default"]


def node(folder, place):
    """The settings of a node that has its own folder, and shares its database."""
    flags = {"data.dir": folder, "server.base_url": BASE, "storage.url": place.url}
    for role, word in PASSWORDS.items():
        file = folder / role
        file.write_text(word)
        file.chmod(0o600)
        flags[f"storage.{role.removeprefix('remit_')}_password_file"] = file
    return load(environ={}, flags=flags, cwd=folder)


@pytest.mark.parametrize("name", KEY_FILES)
async def test_b_db_06_a_node_with_another_key_does_not_join(fresh, tmp_path, name):
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    async with open_deps(node(first, fresh), migrate=True):
        # It has a folder without keys: on a database that somebody serves it must not make its own.
        pass
    other = tmp_path / "other"
    other.mkdir()
    await fill(other)
    for file in KEY_FILES:
        shutil.copy((other if file == name else first) / file, second / file)
    told = await refusal(node(second, fresh))
    assert told.startswith(f"{second / name} does not hold the ")
    shutil.copy(first / name, second / name)
    async with open_deps(node(second, fresh)):
        pass


async def test_b_db_06_a_node_without_keys_does_not_make_its_own(fresh, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    async with open_deps(node(first, fresh), migrate=True):
        pass
    assert KEY_FILES[0] in await refusal(node(second, fresh))
    assert not any((second / name).exists() for name in KEY_FILES)
