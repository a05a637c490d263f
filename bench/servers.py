"""The two servers of a run, each its own process on loopback."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PEER = Path(__file__).parent / "peer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A running server and how to call it."""

    name: str
    port: int
    pid: int
    token_path: str
    introspect_path: str
    authorization: str
    token_form: str
    opaque_form: str
    """The form that yields the token which this server introspects."""


def basic(user: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def remit() -> Iterator[Target]:
    """Run Remit on a fresh SQLite file: durable, audited, everything on."""
    port = free_port()
    command = Path(sys.executable).parent / "remit"
    with tempfile.TemporaryDirectory() as folder:
        seed = Path(folder) / "seed.json"
        base = f"http://127.0.0.1:{port}"
        data = Path(folder) / "data"
        subprocess.run(
            [command, "dev-seed", "--json", seed, "--base-url", base, "--data", data], check=True, capture_output=True
        )
        facts = json.loads(seed.read_text())["tenants"]["acme"]
        client = facts["clients"]["conf1"]
        with _process(
            [command, "serve", "--data", data, "--port", str(port), "--probe-port", "0"], f"{base}/t/acme/oauth/jwks"
        ) as pid:
            form = "grant_type=client_credentials&scope=read%3Acalendar"
            yield Target(
                name="remit",
                port=port,
                pid=pid,
                token_path="/t/acme/oauth/token",
                introspect_path="/t/acme/oauth/introspect",
                authorization=basic(client["client_id"], client["client_secret"]),
                token_form=form,
                opaque_form=form,
            )


@contextmanager
def peer() -> Iterator[Target]:
    """Run npm oidc-provider with its store in memory."""
    node = shutil.which("node")
    if node is None:
        raise SystemExit("the peer needs Node.js 20 or newer on the path")
    if not (PEER / "node_modules").exists():
        subprocess.run(["npm", "ci", "--silent"], cwd=PEER, check=True)
    port = free_port()
    with _process([node, "peer.mjs", str(port)], f"http://127.0.0.1:{port}/jwks", cwd=PEER) as pid:
        form = "grant_type=client_credentials&scope=read%3Acalendar&resource=urn%3Abench%3A"
        yield Target(
            name="oidc-provider",
            port=port,
            pid=pid,
            token_path="/token",
            introspect_path="/token/introspection",
            authorization=basic("bench", "bench-secret-bench-secret-bench-secret"),
            token_form=form + "jwt",
            opaque_form=form + "opaque",
        )


@contextmanager
def _process(command: list[str | Path], ready: str, cwd: Path | None = None) -> Iterator[int]:
    environment = {**os.environ, "NODE_ENV": "production"}
    running = subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(ready, running)
        yield running.pid
    finally:
        running.terminate()
        running.wait(timeout=40)


def _wait(url: str, running: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and running.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"no answer from {url}")
