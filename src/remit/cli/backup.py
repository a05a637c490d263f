"""`remit backup`: a consistent copy of a live database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from remit.cli.exits import NOT_FOUND, OK, REFUSED
from remit.cli.here import NOTHING_KEPT, DryRun, Folder, say
from remit.cli.output import write_record
from remit.cli.settings import load_or_exit


def backup(
    *,
    out: Annotated[Path, Parameter(help="File to write; it must not exist.")],
    dry_run: DryRun = False,
    folder: Folder | None = None,
) -> int:
    """Copy the database, also while a server runs on it. The key files are not part of it and are needed too."""
    folder = folder or Folder()
    from remit.store.sqlite import back_up, read_schema

    settings = load_or_exit(data=folder.data)
    if settings.storage.url:
        say("remit: this instance lives in PostgreSQL: `pg_dump`, as a role that row security lets through, copies it")
        return REFUSED
    path = Path(settings.storage.path)
    if not path.exists():
        say(f"remit: there is no database {path}")
        return NOT_FOUND
    if out.exists():
        say(f"remit: {out} exists; a backup never overwrites anything")
        return REFUSED
    if not dry_run:
        back_up(path, out)
    copied = path if dry_run else out
    version, _ = read_schema(copied)
    keys = [settings.secrets.master_key_file, settings.secrets.pepper_file]
    write_record({"out": str(out), "schema": version, "bytes": copied.stat().st_size, "keys": keys}, json=folder.json)
    if dry_run:
        say(NOTHING_KEPT)
        return OK
    say(
        "THIS COPY IS USELESS WITHOUT THE KEY FILES, and whoever has both has everything. Keep a copy of\n"
        + "".join(f"  {key}\n" for key in keys)
        + "apart from this file: with the master key gone no signing key opens, with the pepper gone no secret matches."
    )
    return OK
