"""`remit dev-seed`: a throwaway instance with known people, agents and clients."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from remit.cli.exits import OK, REFUSED, USAGE
from remit.cli.here import Instance, end, in_instance, say

if TYPE_CHECKING:
    from remit.seed.document import Seed


def dev_seed(
    *,
    json: Annotated[Path, Parameter(help="File to write ids and secrets to, readable by you alone.")],
    data: Annotated[Path | None, Parameter(help="Folder of the instance. [default: ./remit-data]")] = None,
    base_url: Annotated[str | None, Parameter(help="URL under which the server will be reached.")] = None,
    force: Annotated[
        bool, Parameter(negative="", show_default=False, help="Fill an instance that is in use; nothing is removed.")
    ] = False,
) -> int:
    """Fill a throwaway instance with known people, agents and clients.

    Never where others can reach it: every user's password is `password`.
    """

    async def seed(instance: Instance) -> int:
        from remit.seed.fill import fill, has_anything, taken

        if not json.parent.is_dir():
            raise end(f"there is no folder {json.parent} to write {json.name} to", USAGE)
        if not force and await has_anything(instance.deps):
            raise end("this instance is in use: seed an empty folder, or add to it with --force", REFUSED)
        if slugs := await taken(instance.deps):
            raise end(f"the tenant {slugs[0]} is there already: seed an empty folder", REFUSED)
        found = await fill(instance.deps, instance.who, base_url=instance.deps.base_url)
        _write(json, found)
        say(f"Seeded the tenants {' and '.join(found.tenants)}; ids and secrets are in {json}.")
        return OK

    return in_instance(data, seed, base_url=base_url, create=True)


def _write(path: Path, found: Seed) -> None:
    """Write the file whole or not at all, readable by its owner alone from its first byte on."""
    import msgspec

    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - an open descriptor has no path
            file.write(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
