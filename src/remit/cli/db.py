"""`remit db ...`."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from remit.cli.exits import NOT_FOUND, OK, REFUSED
from remit.cli.here import Folder, say
from remit.cli.output import write_record
from remit.cli.settings import load_or_exit

app = App(
    name="db",
    help="Bring the database to this version, or check it.",
    help_epilogue="Examples:\n  remit db check\n  remit db upgrade --data /var/lib/remit",
)


@app.command(help_epilogue="Examples:\n  remit db upgrade --data /var/lib/remit")
def upgrade(*, folder: Folder | None = None) -> int:
    """Bring the database to this version, after a copy beside it. `remit serve` does the same when it starts."""
    folder = folder or Folder()
    from remit.store.migrate import HEAD, upgrade

    path = _database(folder)
    if path is None:
        return NOT_FOUND
    changed = upgrade(path)
    write_record({"changed": changed, "version": HEAD}, json=folder.json)
    return OK


@app.command(help_epilogue="Examples:\n  remit db check\n  remit db check --json")
def check(*, folder: Folder | None = None) -> int:
    """Compare the database with what this version declares, and change nothing. Ends with 1 when they differ."""
    folder = folder or Folder()
    from remit.store.migrate import check

    path = _database(folder)
    if path is None:
        return NOT_FOUND
    status = check(path)
    current = status.current == status.head and not status.drift
    write_record(
        {"current": status.current, "version": status.head, "drift": list(status.drift), "sound": current},
        json=folder.json,
    )
    if not current:
        say("remit: the database is not as this version declares it; `remit db upgrade` brings an older one here")
    return OK if current else REFUSED


def _database(folder: Folder) -> Path | None:
    path = Path(load_or_exit(data=folder.data).storage.path)
    if not path.exists():
        say(f"remit: there is no database {path}")
        return None
    return path
