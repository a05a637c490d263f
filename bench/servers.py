"""The servers of a run, each its own process on loopback."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.flows.client import Browser, Party
from tests.flows.server import REMIT, Server, environment
from tests.kit import postgres

CALLERS = 16
PEER = Path(__file__).parent / "peer"
FORM = "application/x-www-form-urlencoded"

Acme = dict[str, Any]
"""The seeded tenant, as `remit dev-seed` tells it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A running server and how to call it."""

    port: int
    pid: int
    token_path: str
    introspect_path: str
    authorization: str
    token_form: str
    opaque_form: str
    """The form that yields the token which this server introspects."""
    refresh_tokens: Sequence[str]
    """One for each caller."""
    refresh_form: str
    """What is sent beside a refresh token."""


def basic(user: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


@contextmanager
def remit() -> Iterator[tuple[Server, Acme]]:
    """Run Remit on a fresh SQLite file: durable, audited, everything on."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(data=Path(folder) / "data", port=free_port(), base="")
        server.base = server.address
        acme = seed(server)
        server.start()
        try:
            yield server, acme
        finally:
            server.end()


@contextmanager
def two_nodes() -> Iterator[tuple[Server, Server, Acme]]:
    """Run two nodes on one PostgreSQL, which is of this run and does not wait for the disk."""
    with tempfile.TemporaryDirectory() as folder, postgres.running() as cluster:
        settings = {"REMIT_STORAGE__URL": asyncio.run(cluster.new_database("bench")).url}
        for name, word in postgres.PASSWORDS.items():
            file = Path(folder) / name
            file.write_text(word + "\n")
            file.chmod(0o600)
            settings[f"REMIT_STORAGE__{name.removeprefix('remit_').upper()}_PASSWORD_FILE"] = str(file)
        first = Server(data=Path(folder) / "data", port=free_port(), base="", settings=settings)
        first.base = first.address
        first.remit("db", "upgrade").check_returncode()
        acme = seed(first)
        second = first.sibling()
        first.start()
        second.start()
        try:
            yield first, second, acme
        finally:
            second.end()
            first.end()


def seed(server: Server) -> Acme:
    """Fill an empty instance, and return what is known of its tenant."""
    told = server.data.parent / "seed.json"
    command = [REMIT, "dev-seed", "--data", str(server.data), "--json", str(told), "--base-url", server.base]
    subprocess.run(command, check=True, capture_output=True, env=environment(**server.settings))
    acme: Acme = json.loads(told.read_text("utf-8"))["tenants"]["acme"]
    return acme


def client(acme: Acme) -> str:
    """Return the header by which the seeded confidential client proves itself."""
    conf1 = acme["clients"]["conf1"]
    return basic(conf1["client_id"], conf1["client_secret"])


TOKEN_FORM = "grant_type=client_credentials&scope=read%3Acalendar"


@contextmanager
def ours() -> Iterator[Target]:
    """Run Remit for callers of every kind."""
    with remit() as (server, acme):
        yield Target(
            port=server.port,
            pid=server.pid,
            token_path="/t/acme/oauth/token",
            introspect_path="/t/acme/oauth/introspect",
            authorization=client(acme),
            token_form=TOKEN_FORM,
            opaque_form=TOKEN_FORM,
            refresh_tokens=_consented(acme),
            refresh_form=f"grant_type=refresh_token&client_id={acme['clients']['pub1']['client_id']}",
        )


def _consented(acme: Acme) -> list[str]:
    """Return refresh tokens as a person's own agents get them: sign in once; consent and redeem for each."""
    with Browser() as browser:
        parties = [Party(acme) for _ in range(CALLERS)]
        asked = [party.request("read:calendar offline_access", prompt="consent") for party in parties]
        return [party.redeem(browser.allow(url)).refresh for party, url in zip(parties, asked, strict=True)]


@contextmanager
def peer() -> Iterator[Target]:
    """Run npm oidc-provider with its store in memory."""
    node = shutil.which("node")
    if node is None:
        raise SystemExit("the peer needs Node.js 20 or newer on the path")
    if not (PEER / "node_modules").exists():
        subprocess.run(["npm", "ci", "--silent"], cwd=PEER, check=True)
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told"
        with told.open("wb") as out:
            running = subprocess.Popen(
                [node, "peer.mjs", str(port), str(CALLERS)],
                cwd=PEER,
                env={**os.environ, "NODE_ENV": "production"},
                stdout=out,
                stderr=subprocess.DEVNULL,
            )
        try:
            _wait(f"http://127.0.0.1:{port}/jwks", running)
            line = next(line for line in told.read_text().splitlines() if line.startswith("{"))
            form = "grant_type=client_credentials&scope=read%3Acalendar&resource=urn%3Abench%3A"
            yield Target(
                port=port,
                pid=running.pid,
                token_path="/token",
                introspect_path="/token/introspection",
                authorization=basic("bench", "bench-secret-bench-secret-bench-secret"),
                token_form=form + "jwt",
                opaque_form=form + "opaque",
                refresh_tokens=json.loads(line)["refresh"],
                refresh_form="grant_type=refresh_token",
            )
        finally:
            running.terminate()
            running.wait(timeout=40)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(url: str, running: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and running.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"no answer from {url}")
