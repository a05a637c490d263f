"""Bringing files to the current schema."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import apsw
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from remit.core.errors import NotOurs, RemitError, SchemaTooNew
from remit.store import migrate
from remit.store.migrate import HEAD, Status, backup_path, check, upgrade
from remit.store.schema import METADATA
from remit.store.sqlite import read_schema


@pytest.fixture
def path(tmp_path):
    folder = tmp_path / "a folder?mode=ro#x %41"
    folder.mkdir()
    return folder / "remit.db"


def run(path, sql) -> list[tuple]:
    connection = apsw.Connection(str(path))
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_a_new_file_gets_the_whole_schema_once(path):
    assert upgrade(path)
    assert check(path) == Status(current=HEAD, head=HEAD, drift=())
    assert not upgrade(path)
    assert run(path, "pragma journal_mode") == [("wal",)]


def test_the_migrations_build_what_is_declared(path):
    upgrade(path)
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        METADATA.create_all(connection)
        declared = connection.exec_driver_sql("select sql from sqlite_master where sql is not null").scalars().all()
    engine.dispose()
    built = [sql for sql in read_schema(path)[1] if "alembic_version" not in sql]
    # Word for word: checks and names of constraints too, which a comparison of metadata does not see.
    assert sorted(" ".join(sql.split()) for sql in built) == sorted(" ".join(sql.split()) for sql in declared)


def test_what_is_not_as_declared_is_told(path):
    upgrade(path)
    run(path, "drop index stop_by_target; alter table stop add column extra text")
    drift = check(path).drift
    assert len(drift) == 2
    assert any("stop_by_target" in item for item in drift)
    assert any("extra" in item for item in drift)


def test_the_head_that_is_written_down_is_the_last_migration():
    assert ScriptDirectory.from_config(migrate.config()).get_heads() == [HEAD]


def test_a_newer_schema_is_left_alone(path):
    upgrade(path)
    run(path, "update alembic_version set version_num = '9999'")
    before = path.read_bytes()
    with pytest.raises(SchemaTooNew, match="9999"):
        upgrade(path)
    assert path.read_bytes() == before


def test_a_database_of_something_else_is_left_alone(path):
    run(path, "create table songs (name text)")
    with pytest.raises(NotOurs):
        upgrade(path)
    assert run(path, "select name from sqlite_master") == [("songs",)]


def test_a_file_that_is_no_database_is_left_alone(path):
    path.write_text("a letter to somebody, longer than the header of a database file is. " * 20)
    before = path.read_bytes()
    with pytest.raises(RemitError):
        upgrade(path)
    assert path.read_bytes() == before


def test_a_check_does_not_make_a_file(path):
    with pytest.raises(RemitError):
        check(path)
    assert not path.exists()


@pytest.fixture
def older(path, tmp_path, monkeypatch):
    """A file with a row, one migration behind; the next migration is in a folder of the test."""
    upgrade(path)
    run(path, "insert into tenant values ('tnt_1', 'acme', 'Acme', 'active', 0, 0, 0, 0, 0, 0, null, null, null, 0)")
    versions = tmp_path / "versions"
    versions.mkdir()
    config = migrate.config

    def with_one_more():
        made = config()
        built_in = ScriptDirectory.from_config(made).versions
        made.set_main_option("path_separator", "newline")
        made.set_main_option("version_locations", f"{built_in}\n{versions}")
        return made

    monkeypatch.setattr(migrate, "config", with_one_more)
    monkeypatch.setattr(migrate, "HEAD", "0002")

    def write(*statements: str):
        body = "\n".join(f"    op.execute({statement!r})" for statement in statements)
        (versions / "0002_next.py").write_text(
            f"from alembic import op\nrevision = '0002'\ndown_revision = '0001'\n\n\ndef upgrade():\n{body}\n"
        )
        return path

    return write


def test_a_file_with_rows_is_copied_before_it_changes(older):
    path = older("alter table stop add column note text")
    assert upgrade(path)
    assert read_schema(path)[0] == "0002"
    copy = backup_path(path, "0001")
    assert read_schema(copy)[0] == "0001"
    assert run(copy, "select slug from tenant") == run(path, "select slug from tenant") == [("acme",)]
    assert oct(copy.stat().st_mode & 0o777) == "0o600"


def test_a_migration_that_fails_changes_nothing(older):
    path = older("alter table stop add column note text", "update tenant set slug = 'x'", "select * from nowhere")
    before = read_schema(path)
    with pytest.raises(Exception, match="nowhere"):
        upgrade(path)
    assert read_schema(path) == before
    assert run(path, "select slug from tenant") == [("acme",)]


async def test_processes_that_start_on_a_new_file_together_all_start(path):
    code = "import sys; from pathlib import Path; from remit.store.migrate import upgrade; upgrade(Path(sys.argv[1]))"
    starters = [await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(path)) for _ in range(4)]
    assert [await starter.wait() for starter in starters] == [0] * 4
    assert check(path).drift == ()


def test_a_start_on_a_current_file_loads_no_migration_library(path):
    upgrade(path)
    code = (
        "import sys; from pathlib import Path; from remit.store.migrate import upgrade;"
        "assert not upgrade(Path(sys.argv[1]));"
        "print([name for name in ('alembic', 'sqlalchemy', 'sqlite3') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
