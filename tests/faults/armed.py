"""`remit` in a process that kills itself at a named point, as a power cut does: `python -m tests.faults.armed ...`.

The points wrap seams that the product has anyway. Nothing in the product knows of them: no setting, no variable and no
header can arm one, because the code that kills is not part of what is installed. A seam that is renamed is an error
here and not a point that silently never comes.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


class Trigger:
    """Says when: at the given call, counted only while the flag file lies there."""

    def __init__(self, flag: Path, turn: int) -> None:
        self._flag = flag
        self._left = turn

    def reached(self) -> bool:
        if not self._flag.exists():
            return False
        self._left -= 1
        return self._left == 0


def around(owner: Any, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Put something around a seam, which must be there."""
    setattr(owner, name, wrap(getattr(owner, name)))


def _at_commit(trigger: Trigger, *, before: bool) -> None:
    """Count commits of transactions that tell of something: each of them is somebody's request or command."""
    from remit.store.sqlite import Connection

    told: set[int] = set()

    def watched(rows: Callable[..., Any]) -> Callable[..., Any]:
        def run(self: Connection, sql: str, params: Mapping[str, Any]) -> Any:
            if "insert into event " in sql or "insert into event\n" in sql:
                told.add(id(self))
            return rows(self, sql, params)

        return run

    def committing(commit: Callable[..., Any]) -> Callable[..., Any]:
        def run(self: Connection) -> None:
            due = id(self) in told and trigger.reached()
            told.discard(id(self))
            if due and before:
                die()
            commit(self)
            if due:
                die()

        return run

    around(Connection, "rows", watched)
    around(Connection, "commit", committing)


def _before_commit(trigger: Trigger) -> None:
    _at_commit(trigger, before=True)


def _after_commit(trigger: Trigger) -> None:
    _at_commit(trigger, before=False)


def _before_outside_copy(trigger: Trigger) -> None:
    """Die when a checkpoint is in the database and not in the file outside."""
    from remit import worker

    def dying(append: Callable[..., Any]) -> Callable[..., Any]:
        def run(path: Path, note: str) -> None:
            if trigger.reached():
                die()
            append(path, note)

        return run

    around(worker, "_append", dying)


def _within_outside_copy(trigger: Trigger) -> None:
    """Die when all of a checkpoint but the end of its signature is in the file outside."""
    from remit import worker

    def dying(append: Callable[..., Any]) -> Callable[..., Any]:
        def run(path: Path, note: str) -> None:
            if trigger.reached():
                with path.open("ab") as file:
                    file.write(note.encode()[:-12])
                die()
            append(path, note)

        return run

    around(worker, "_append", dying)


def _within_migration(trigger: Trigger) -> None:
    """Die between two statements of a migration."""
    from sqlalchemy import Engine, event

    @event.listens_for(Engine, "before_cursor_execute")
    def counted(*_: object) -> None:
        if trigger.reached():
            die()


def _before_backup_is_named(trigger: Trigger) -> None:
    """Die when a copy is written and does not have its name yet."""
    seam = Path.replace

    def run(self: Path, target: Path) -> Path:
        if self.suffix == ".part" and trigger.reached():
            die()
        return seam(self, target)

    around(Path, "replace", lambda _: run)


def _between_key_files(trigger: Trigger) -> None:
    """Die when a key file of a new instance is made and the next one is not."""
    from remit.crypto import secrets_file

    def dying(make: Callable[..., Any]) -> Callable[..., Any]:
        def run(path: Path) -> None:
            make(path)
            if trigger.reached():
                die()

        return run

    around(secrets_file, "_make", dying)


POINTS: dict[str, Callable[[Trigger], None]] = {
    "before-commit": _before_commit,
    "after-commit": _after_commit,
    "before-outside-copy": _before_outside_copy,
    "within-outside-copy": _within_outside_copy,
    "within-migration": _within_migration,
    "before-backup-is-named": _before_backup_is_named,
    "between-key-files": _between_key_files,
}


def main() -> None:
    point, flag, turn, *words = sys.argv[1:]
    POINTS[point](Trigger(Path(flag), int(turn)))
    from remit.cli import run

    sys.exit(run(words))


if __name__ == "__main__":
    main()
