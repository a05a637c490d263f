"""`remit serve`: one process, one folder."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from remit.core.errors import RemitError

if TYPE_CHECKING:
    from remit.http.probes import Probes
    from remit.ports.deps import Deps
    from remit.sections import Bootstrap
from remit.settings import Settings

PROBE_HOST = "127.0.0.1"


def serve(
    *,
    data: Annotated[
        Path | None, Parameter(help="Folder of the database and the key files. [default: ./remit-data]")
    ] = None,
    host: Annotated[str | None, Parameter(help="Address to listen on. [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, Parameter(help="Port to listen on. [default: 8700]")] = None,
    probe_port: Annotated[
        int | None, Parameter(help="Loopback port for probes and metrics; 0 turns them off. [default: 8701]")
    ] = None,
    base_url: Annotated[str | None, Parameter(help="URL under which browsers and agents reach this server.")] = None,
    migrate: Annotated[
        bool, Parameter(negative="", show_default=False, help="Bring a PostgreSQL database to this version first.")
    ] = False,
) -> int:
    """Run the server. An empty folder becomes an instance, and a one-time setup link is printed.

    Examples:
        remit serve
        remit serve --data /var/lib/remit --port 8700 --base-url https://remit.example.com
    """
    from remit.cli.settings import load_or_exit

    settings = load_or_exit(data=data, host=host, port=port, probe_port=probe_port, base_url=base_url)
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings, migrate=migrate))


async def _serve(settings: Settings, *, migrate: bool) -> int:
    from importlib.metadata import version

    import uvicorn

    from remit.app import build
    from remit.http.probes import Probes
    from remit.http.server import DrainingServer, LimitedProtocol
    from remit.opening import open_deps
    from remit.telemetry.logs import configure
    from remit.telemetry.metrics import Meter

    configure(level=settings.log.level, format=settings.log.format)
    async with open_deps(settings, migrate=migrate) as deps:
        await _first_run(deps, settings.bootstrap)
        meter = Meter()
        application, hub = build(deps, settings, meter)
        probe_socket = _probe_socket(settings)
        drain_delay = settings.server.drain_delay if probe_socket is not None else 0
        config = uvicorn.Config(
            application,
            host=settings.server.host,
            port=settings.server.port,
            http=LimitedProtocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            # Forwarding headers are believed from listed peers only; uvicorn would believe everybody on loopback.
            proxy_headers=bool(settings.server.trusted_proxies),
            forwarded_allow_ips=list(settings.server.trusted_proxies),
            timeout_graceful_shutdown=settings.server.drain_seconds,
        )
        server = DrainingServer(config, hub, drain_delay=drain_delay)
        probes = Probes(deps=deps, meter=meter, phase=lambda: server.phase, version=version("remit"))
        print(f"Remit serves {deps.base_url}", file=sys.stderr)
        async with _probing(probes, probe_socket):
            await server.serve()
        return 0 if server.started else 5


def _probe_socket(settings: Settings) -> socket.socket | None:
    """Take the port of the probes. A second server on a machine goes on without them, unless it was given a port.

    Raises:
        RemitError: somebody asked for this port, and another program has it.
    """
    import structlog

    from remit.sections import Server

    port = settings.server.probe_port
    if not port:
        return None
    try:
        return socket.create_server((PROBE_HOST, port))
    except OSError as error:
        if port != Server().probe_port:
            raise RemitError(f"server.probe_port {port} cannot be had: {error.strerror}") from error
        log = structlog.get_logger()
        log.warning("probes.off", port=port)
        return None


@asynccontextmanager
async def _probing(probes: Probes, listening: socket.socket | None) -> AsyncIterator[None]:
    """Answer probes until the block ends: to the very end they say that this server is going."""
    if listening is None:
        yield
        return
    import uvicorn

    from remit.http.server import LimitedProtocol, ProbeServer

    config = uvicorn.Config(
        probes.app(),
        http=LimitedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = ProbeServer(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


async def _first_run(deps: Deps, bootstrap: Bootstrap) -> None:
    """Make the default tenant of a new instance; while nobody can sign in, print a link that works once."""
    from remit.core.oauth.verdicts import Refusal
    from remit.core.tenants import DEFAULT_SLUG
    from remit.core.users import Role
    from remit.services.origin import Origin
    from remit.services.provisioning.setup import create_setup_link
    from remit.services.provisioning.tenants import create_tenant
    from remit.services.provisioning.users import create_user

    origin = Origin(peer=None, request=None)
    async with deps.db.system() as system:
        tenant = await system.tenant_by_slug(DEFAULT_SLUG)
        people = await system.user_count()
    if people:
        return
    if tenant is None:
        made = await create_tenant(deps, origin, slug=DEFAULT_SLUG, name="Remit", base_url=deps.base_url)
        if isinstance(made, Refusal):
            raise RemitError(made.hint)
        tenant = made
    if bootstrap.admin_email:
        password = await asyncio.to_thread(_read_password, Path(bootstrap.admin_password_file))
        user = await create_user(
            tenant.id,
            deps,
            origin.operator("system", "bootstrap"),
            email=bootstrap.admin_email,
            name=bootstrap.admin_email.partition("@")[0],
            role=Role.ADMIN,
            password=password,
        )
        if isinstance(user, Refusal):
            raise RemitError(f"bootstrap.admin_email: {user.hint}")
        return
    link = await create_setup_link(deps, deps.base_url)
    if bootstrap.token_file:
        await asyncio.to_thread(_write_private, Path(bootstrap.token_file), link + "\n")
        return
    print(f"\nNobody can sign in yet. Open this link within 30 minutes; it works once:\n\n  {link}\n", file=sys.stderr)


def _read_password(path: Path) -> str:
    """Read the first administrator's password.

    Raises:
        RemitError: the file cannot be read.
    """
    try:
        return path.read_text("utf-8").removesuffix("\n")
    except OSError as error:
        raise RemitError(f"bootstrap.admin_password_file: {path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise RemitError(f"bootstrap.admin_password_file: {path} is not UTF-8 text") from None


def _write_private(path: Path, text: str) -> None:
    """Write a secret to a new file that only we can read; a link from a run before is of no use any more.

    Raises:
        RemitError: the file cannot be written.
    """
    try:
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise RemitError(f"bootstrap.token_file: {path} cannot be written: {error.strerror}") from None
