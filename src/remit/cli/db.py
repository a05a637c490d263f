"""`remit db ...`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from remit.cli.exits import NOT_FOUND, OK, REFUSED
from remit.cli.here import NOTHING_KEPT, DryRun, Folder, say
from remit.cli.machine import on_this_machine
from remit.cli.output import write_record
from remit.cli.settings import load_or_exit

if TYPE_CHECKING:
    from remit.sections import Storage

app = App(
    name="db",
    help="Bring the database to this version, or check it.",
    help_epilogue="Examples:\n  remit db check\n  remit db upgrade --data /var/lib/remit",
)


@app.command(help_epilogue=on_this_machine("db upgrade", "Examples:\n  remit db upgrade --data /var/lib/remit"))
def upgrade(*, dry_run: DryRun = False, folder: Folder | None = None) -> int:
    """Bring the database to this version. A file is copied beside itself first, and `remit serve` does the same.

    PostgreSQL is upgraded as its owner, here or by `remit serve --migrate`; keep backups of your own.
    """
    folder = folder or Folder()
    if dry_run:
        say(NOTHING_KEPT)
        return check(folder=folder)
    from remit.store import migrate

    storage = load_or_exit(data=folder.data).storage
    if storage.url:
        from remit.store import migrate_postgres

        changed = asyncio.run(migrate_postgres.upgrade(migrate_postgres.place_of(storage)))
    elif (path := _file(storage)) is None:
        return NOT_FOUND
    else:
        changed = migrate.upgrade(path)
    write_record({"changed": changed, "version": migrate.HEAD}, json=folder.json)
    return OK


@app.command(help_epilogue=on_this_machine("db check", "Examples:\n  remit db check\n  remit db check --json"))
def check(*, folder: Folder | None = None) -> int:
    """Compare the database with what this version declares, and change nothing. Ends with 1 when they differ."""
    folder = folder or Folder()
    from remit.store import migrate

    storage = load_or_exit(data=folder.data).storage
    if storage.url:
        from remit.store import migrate_postgres

        status = asyncio.run(migrate_postgres.check(migrate_postgres.place_of(storage)))
    elif (path := _file(storage)) is None:
        return NOT_FOUND
    else:
        status = migrate.check(path)
    current = status.current == status.head and not status.drift
    write_record(
        {"current": status.current, "version": status.head, "drift": list(status.drift), "sound": current},
        json=folder.json,
    )
    if not current:
        say("remit: the database is not as this version declares it; `remit db upgrade` brings an older one here")
    return OK if current else REFUSED


def _file(storage: Storage) -> Path | None:
    path = Path(storage.path)
    if not path.exists():
        say(f"remit: there is no database {path}")
        return None
    return path
