"""An upgrade that is killed before each of its statements in turn, and what the next start makes of it.

Run as a program, because it forks: `python -m tests.abuse.migrating FOLDER new|older`. Prints how many turns it took.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event

from remit.store import migrate
from remit.store.sqlite import read_schema

A_TENANT = {"tenant": "tnt_1", "slug": "acme", "name": "Acme", "state": "active"}
NEXT = (
    "alter table stop add column note text",
    "update stop set note = 'none'",
    "create table later (id text primary key)",
    "insert into later select slug from tenant",
    "alter table later add column more text",
)


def add_a_tenant(connection: sqlite3.Connection) -> None:
    """Add a row, with as little as possible in whatever columns this version has."""
    columns = [(name, needed) for _, name, _, needed, *_ in connection.execute("pragma table_info(tenant)")]
    row = {name: A_TENANT.get(name, 0 if needed else None) for name, needed in columns}
    names = ", ".join(row)
    connection.execute(f"insert into tenant ({names}) values ({', '.join('?' * len(row))})", [*row.values()])


def one_more(versions: Path) -> None:
    """Let this process know one migration more than the product does."""
    versions.mkdir()
    body = "\n".join(f"    op.execute({statement!r})" for statement in NEXT)
    (versions / "0002_next.py").write_text(
        f"from alembic import op\nrevision = '0002'\ndown_revision = '0001'\n\n\ndef upgrade():\n{body}\n"
    )
    config = migrate.config

    def with_one_more() -> Any:
        made = config()
        built_in = ScriptDirectory.from_config(made).versions
        made.set_main_option("path_separator", "newline")
        made.set_main_option("version_locations", f"{built_in}\n{versions}")
        return made

    seam: Any = migrate
    seam.config, seam.HEAD = with_one_more, "0002"


def in_a_process(act: Callable[[], None]) -> int:
    """Do something in a process of its own and return how it ended: 0, or what killed it."""
    pid = os.fork()
    if pid == 0:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it must not go on in two processes
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def upgrade_until(path: Path, turn: int) -> None:
    """Upgrade, and die before the statement of that turn."""
    left = turn

    @event.listens_for(Engine, "before_cursor_execute")
    def counted(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    migrate.upgrade(path)


def looked_at(path: Path, *, of_before: bool) -> None:
    """See that the next start ends at the newest schema with everything in it that was there."""
    migrate.upgrade(path)
    assert read_schema(path)[0] == migrate.HEAD
    assert of_before or migrate.check(path).drift == ()
    if of_before:
        tells(path, "select slug from tenant", [("acme",)])
        tells(path, "select id from later", [("acme",)])


def tells(path: Path, sql: str, rows: list[tuple[str]]) -> None:
    connection = sqlite3.connect(path)
    found = connection.execute(sql).fetchall()
    connection.close()
    assert found == rows, found


def whole(path: Path) -> None:
    """See that what a dead process left is the old schema or the new one."""
    version, schema = read_schema(path)
    assert version in {None, "0001", migrate.HEAD}
    assert (version == "0002") == any("create table later" in text.lower() for text in schema)


def main(folder: Path, kind: str) -> None:
    template = folder / "template.db"
    if kind == "older":
        migrate.upgrade(template)
        connection = sqlite3.connect(template)
        add_a_tenant(connection)
        connection.commit()
        connection.close()
        one_more(folder / "versions")
    turn = 0
    while True:
        turn += 1
        path = folder / f"{turn}.db"
        if kind == "older":
            shutil.copyfile(template, path)
        ended = in_a_process(partial(upgrade_until, path, turn))
        assert ended in {0, -signal.SIGKILL}, ended
        assert in_a_process(partial(whole, path)) == 0, turn
        # Twice: what was resumed is then found done.
        for _ in range(2):
            assert in_a_process(partial(looked_at, path, of_before=kind == "older")) == 0, turn
        if ended == 0:
            break
    if kind == "older":
        # Back to what was there before, and up again.
        shutil.copyfile(migrate.backup_path(path, "0001"), path)
        tells(path, "select slug from tenant", [("acme",)])
        assert in_a_process(partial(looked_at, path, of_before=True)) == 0
    print(turn)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
