"""A real server on a seeded instance, with probes, its log and its end in the hands of a test."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

REMIT = Path(sys.executable).with_name("remit")


def environment(**more: str) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("REMIT_")}
    return {**ours, "COLUMNS": "200", "NO_COLOR": "1", **more}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def run(*words: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [REMIT, *words], cwd=cwd, env=environment(**environ), capture_output=True, check=False, text=True, timeout=60
    )


@dataclass(slots=True, kw_only=True)
class Resting:
    """An instance in a folder."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "remit-data"

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return run(*words, cwd=self.folder)


@dataclass(slots=True, kw_only=True)
class Served(Resting):
    """A running server."""

    base: str
    probes: str
    process: subprocess.Popen[str]
    log: list[str] = field(default_factory=list)

    @property
    def seed(self) -> Any:
        """What the seed document tells of the tenant `acme`."""
        return json.loads((self.folder / "seed.json").read_text("utf-8"))["tenants"]["acme"]

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return run(*words, cwd=self.folder, REMIT_SERVER__BASE_URL=self.base)

    def probe(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.probes}{path}", timeout=5)

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log if line.startswith("{")]

    def stop(self) -> int:
        """Send SIGTERM, as a supervisor does, and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def make_seeded(folder: Path, base: str) -> None:
    ran = run("dev-seed", "--json", "seed.json", cwd=folder, REMIT_SERVER__BASE_URL=base)
    assert ran.returncode == 0, ran.stderr


@contextmanager
def serving(template: Path, folder: Path, *, base: str, drain: int = 0, **environ: str) -> Iterator[Served]:
    """Serve a copy of a seeded instance under the base URL that it was seeded for."""
    shutil.copytree(template, folder, dirs_exist_ok=True)
    port, probe_port = base.rpartition(":")[2], free_port()
    words = ["serve", "--port", port, "--probe-port", str(probe_port), "--base-url", base]
    process = subprocess.Popen(
        [REMIT, *words],
        cwd=folder,
        env=environment(REMIT_SERVER__DRAIN_DELAY=str(drain), **environ),
        stderr=subprocess.PIPE,
        text=True,
    )
    served = Served(folder=folder, base=base, probes=f"http://127.0.0.1:{probe_port}", process=process)
    up = threading.Event()

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            served.log.append(line)
            if "server.started" in line:
                up.set()
        up.set()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert up.wait(30), served.log
        assert process.poll() is None, served.log
        yield served
    finally:
        served.stop()
        reader.join(10)
        assert process.stderr is not None
        process.stderr.close()
