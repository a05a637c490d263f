"""DB: a migration that is interrupted, run twice, or met by a server of another version."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from remit.core.errors import SchemaTooNew, SchemaTooOld
from remit.store.migrate import check, upgrade
from remit.store.migrate_postgres import check as check_postgres
from remit.store.migrate_postgres import open_postgres
from tests.rules.tree import ROOT
from tests.store.rows import BASE
from tests.store.test_migrate import run
from tests.store.test_migrate_postgres import UPGRADE, fresh

__all__ = ["fresh"]

START = (
    "import sys; from pathlib import Path; from remit.store.migrate import upgrade; print(upgrade(Path(sys.argv[1])))"
)


@pytest.mark.parametrize(("kind", "least"), [("new", 40), ("older", 8)], ids=["a new file", "a file with rows"])
def test_b_db_05_a_kill_before_any_statement_is_resumed_by_the_next_start(tmp_path, kind, least):
    command = [sys.executable, "-m", "tests.abuse.migrating", str(tmp_path), kind]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= least


async def started(*command: str) -> list[str]:
    """Run a command four times at once, and return what each wrote; all must end well."""
    nodes = [await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE) for _ in range(4)]
    told = [(await node.communicate())[0] for node in nodes]
    assert [node.returncode for node in nodes] == [0] * 4
    return [text.decode().strip() for text in told]


async def test_b_db_05_of_nodes_that_start_together_all_start_on_one_file(tmp_path):
    path = tmp_path / "remit.db"
    assert "True" in await started(sys.executable, "-c", START, str(path))
    assert check(path).drift == ()
    assert run(path, "select count(*) from alembic_version") == [(1,)]


async def test_b_db_05_of_nodes_that_migrate_together_one_does(fresh):
    told = await started(sys.executable, "-c", UPGRADE, fresh.url)
    assert told.count("True") == 1
    assert (await check_postgres(fresh)).drift == ()


async def test_b_db_05_a_server_of_a_newer_version_waits_for_the_migration(fresh):
    with pytest.raises(SchemaTooOld, match="remit db upgrade"):
        await open_postgres(fresh, BASE)
    assert (await check_postgres(fresh)).current is None


def test_b_db_05_a_server_of_an_older_version_leaves_a_newer_file_alone(tmp_path):
    path = tmp_path / "remit.db"
    upgrade(path)
    run(path, "update alembic_version set version_num = '9999'")
    before = path.read_bytes()
    with pytest.raises(SchemaTooNew, match="9999"):
        upgrade(path)
    assert path.read_bytes() == before
