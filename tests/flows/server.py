"""A real `remit serve`: a process of its own on a loopback port, waited for, and ended by its own id."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

REMIT = str(Path(sys.executable).with_name("remit"))
PATIENCE = 30.0


def free_port() -> int:
    """Find a port that nobody listens on, outside the range from which the machine takes ports for its own calls."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def environment(**more: str) -> dict[str, str]:
    """Return our environment without the settings of another instance."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("REMIT_")}
    return {**ours, "COLUMNS": "200", "NO_COLOR": "1", **more}


@dataclass(slots=True, kw_only=True)
class Server:
    """One server and the folder of its instance; several may share a folder and a base URL."""

    data: Path
    port: int
    base: str
    settings: dict[str, str] = field(default_factory=dict)
    program: tuple[str, ...] = (REMIT,)
    """What is run; another one than `remit` may do more, and serves all the same."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where this process listens, which is not the base URL of a second one."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.data.parent / f"serve-{self.port}.log"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self, *more: str) -> Server:
        """Start it and return when it answers."""
        words = ["serve", "--data", str(self.data), "--port", str(self.port), "--base-url", self.base, *more]
        with self.log.open("ab") as log:
            settings = {"REMIT_SERVER__PROBE_PORT": "0", **self.settings}
            self.process = subprocess.Popen([*self.program, *words], stderr=log, env=environment(**settings))
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.ended_within(0.02):
                break
            try:
                httpx.get(f"{self.address}/oauth/jwks")
            except httpx.TransportError:
                continue
            return self
        raise AssertionError(f"no server: {self.log.read_text('utf-8')}")

    def ended_within(self, seconds: float) -> bool:
        assert self.process is not None
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def end(self) -> int:
        """End it as an operator does, and return its exit status."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """End it as a power cut does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(PATIENCE)

    def sibling(self) -> Server:
        """Return a second server on the same instance, under the same base URL."""
        return Server(data=self.data, port=free_port(), base=self.base, settings=self.settings)

    def remit(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one command on the instance, as an operator on the same machine does."""
        command = [REMIT, *words, "--data", str(self.data)]
        env = environment(**self.settings)
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=env)

    def events(self, tenant: str, type_: str) -> list[dict[str, Any]]:
        """Return the events of one type, oldest first."""
        done = self.remit("audit", "tail", "-n", "100000", "--type", type_, "--tenant", tenant, "--json")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def users(self) -> list[dict[str, Any]]:
        """Return the users of the default tenant."""
        done = self.remit("users", "list", "--json")
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found

    def verify(self, tenant: str) -> subprocess.CompletedProcess[str]:
        """Check the audit log against the checkpoints that lie outside the database too."""
        outside = self.data / "checkpoints.log"
        more = ["--checkpoint", str(outside)] if outside.exists() else []
        return self.remit("audit", "verify", "--tenant", tenant, *more)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeded:
    """A seeded instance on disk that tests copy; its port goes with it, because addresses stand in the seed."""

    folder: Path
    port: int

    @classmethod
    def make(cls, folder: Path) -> Seeded:
        port = free_port()
        words = ["--data", str(folder / "data"), "--json", str(folder / "seed.json")]
        command = [REMIT, "dev-seed", *words, "--base-url", f"http://127.0.0.1:{port}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment())
        assert done.returncode == 0, done.stderr
        return cls(folder=folder, port=port)

    def copy(self, folder: Path) -> Server:
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return Server(data=folder / "data", port=self.port, base=f"http://127.0.0.1:{self.port}")

    @property
    def acme(self) -> dict[str, Any]:
        tenant: dict[str, Any] = json.loads((self.folder / "seed.json").read_text("utf-8"))["tenants"]["acme"]
        return tenant
