"""`remit doctor`: what is wrong, or will be, on the machine where it is called."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from remit.cli.exits import NOT_FOUND, OK, REFUSED
from remit.cli.here import Folder, Instance, in_instance, say
from remit.cli.output import write_rows
from remit.cli.settings import load_or_exit

if TYPE_CHECKING:
    from remit.core.tenants import Tenant
    from remit.settings import Settings

LEAST_FREE = 512 * 1024 * 1024
FIRST_YEAR = 2025
SECONDS = 5


class Finding(NamedTuple):
    level: Literal["ok", "warn", "fail"]
    check: str
    told: str


def doctor(*, folder: Folder | None = None) -> int:
    """Look at files, database, keys, clock and the running server. Ends with 1 when something fails.

    Examples:
        remit doctor
        remit doctor --data /var/lib/remit --json
    """
    folder = folder or Folder()
    settings = load_or_exit(data=folder.data)
    if not settings.storage.url and not Path(settings.storage.path).exists():
        say(f"remit: there is no instance in {settings.data.dir}")
        return NOT_FOUND
    findings = [*_files(settings), *(_shared(settings) if settings.storage.url else _database(settings))]

    async def inside(instance: Instance) -> int:
        findings.extend([found async for found in _instance(instance)])
        return OK

    # A file of another version would be upgraded by opening it; a doctor changes nothing.
    if all(found.level != "fail" for found in findings):
        in_instance(folder.data, inside)
    write_rows([found._asdict() for found in findings], json=folder.json)
    return REFUSED if any(found.level == "fail" for found in findings) else OK


def _files(settings: Settings) -> Iterator[Finding]:
    for name in (settings.secrets.master_key_file, settings.secrets.pepper_file):
        try:
            found = Path(name).stat()
        except OSError as error:
            yield Finding("fail", "key file", f"{name}: {error.strerror}")
            continue
        mode = stat.S_IMODE(found.st_mode)
        if mode & 0o077:
            yield Finding("fail", "key file", f"{name} has mode {mode:04o}: chmod 600 it, and think who read it")
        elif found.st_uid != os.geteuid():
            yield Finding("warn", "key file", f"{name} belongs to another user")
        else:
            yield Finding("ok", "key file", f"{name} is ours alone")
    free = shutil.disk_usage(settings.data.dir).free
    yield Finding("ok" if free >= LEAST_FREE else "fail", "disk", f"{free // 1024**2} MiB are free")
    outside = not Path(settings.audit.checkpoints).resolve().is_relative_to(Path(settings.data.dir).resolve())
    yield (
        Finding("ok", "checkpoints", f"{settings.audit.checkpoints} lies outside the data folder")
        if outside
        else Finding("warn", "checkpoints", "they lie beside the database: whoever can cut one can cut both")
    )


def _database(settings: Settings) -> Iterator[Finding]:
    from remit.core.errors import RemitError
    from remit.store.migrate import check
    from remit.store.sqlite import take_write_lock

    path = Path(settings.storage.path)
    try:
        status = check(path)
        if status.current != status.head:
            yield Finding("fail", "schema", f"the file is at {status.current}, this version at {status.head}")
            return
        yield Finding("fail" if status.drift else "ok", "schema", "; ".join(status.drift) or f"at {status.current}")
        take_write_lock(path)
        yield Finding("ok", "database", "can be written")
    except RemitError as error:
        yield Finding("fail", "database", str(error))


def _shared(settings: Settings) -> Iterator[Finding]:
    from remit.core.errors import RemitError
    from remit.store.migrate_postgres import check, place_of

    if not settings.storage.owner_password_file:
        yield Finding("ok", "schema", "the wall is looked at where the owner's password is: `remit db check`")
        return
    try:
        status = asyncio.run(check(place_of(settings.storage)))
    except RemitError as error:
        yield Finding("fail", "database", str(error))
        return
    if status.current != status.head:
        yield Finding("fail", "schema", f"the database is at {status.current}, this version at {status.head}")
    else:
        yield Finding("fail" if status.drift else "ok", "schema", "; ".join(status.drift) or f"at {status.current}")


async def _instance(instance: Instance) -> AsyncIterator[Finding]:
    from remit.services.checkpoints import unsigned
    from remit.services.health import readiness
    from remit.services.signing_keys import ROTATE_AFTER

    deps = instance.deps
    now = deps.clock.now()
    checks = await readiness(deps)
    if not checks["keys"].ok:
        yield Finding("fail", "keys", checks["keys"].detail)
    async with deps.db.system() as system:
        tenants = await system.tenants()
    newest = datetime.min.replace(tzinfo=UTC)
    for tenant in tenants:
        async with deps.db.read(tenant.id) as work:
            keys = await work.keys.all()
            behind = await unsigned(work)
        newest = max([newest, *(key.changed_at for key in keys)])
        stale = [
            key for key in keys if key.state == "active" and now - key.changed_at > ROTATE_AFTER + timedelta(days=7)
        ]
        for key in stale:
            yield Finding("warn", "keys", f"{tenant.slug}: {key.use} {key.alg} signs since {key.changed_at:%Y-%m-%d}")
        if behind > instance.settings.audit.checkpoint_events:
            yield Finding(
                "warn", "audit", f"{tenant.slug}: {behind} events are under no checkpoint; is a server running?"
            )
    sane = now.year >= FIRST_YEAR and newest <= now + timedelta(seconds=10)
    told = f"it is {now:%Y-%m-%d %H:%M:%SZ}" + ("" if sane else ": earlier than what the database remembers")
    yield Finding("ok" if sane else "fail", "clock", told)
    for tenant in tenants[:20]:
        async for found in _discovery(tenant):
            yield found


async def _discovery(tenant: Tenant) -> AsyncIterator[Finding]:
    """Ask the issuer's URL as any client would: the answer must be this server's."""
    import httpx2

    root, slash, path = tenant.issuer.partition("/t/")
    url = f"{root}/.well-known/oauth-authorization-server{slash}{path}"
    try:
        async with httpx2.AsyncClient(timeout=SECONDS, follow_redirects=False) as http:
            document = (await http.get(url)).raise_for_status().json()
            if document["issuer"] != tenant.issuer:
                yield Finding("fail", "issuer", f"{url} speaks for {document['issuer']}")
                return
            (await http.get(document["jwks_uri"])).raise_for_status()
    except httpx2.HTTPStatusError as error:
        yield Finding("fail", "issuer", f"{error.request.url} answers {error.response.status_code}")
    except httpx2.HTTPError as error:
        yield Finding("warn", "issuer", f"{url} is out of reach from here: {type(error).__name__}")
    except (ValueError, LookupError, TypeError):
        yield Finding("fail", "issuer", f"{url} is answered by something else")
    else:
        yield Finding("ok", "issuer", f"{tenant.issuer} answers for itself")
