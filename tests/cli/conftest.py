"""The real command, run as a stranger runs it: a process of its own, a folder of its own, no settings from outside."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

REMIT = Path(sys.executable).with_name("remit")


def environment() -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("REMIT_")}
    return {**ours, "COLUMNS": "200", "NO_COLOR": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """`remit` in a folder."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "remit-data"

    @property
    def database(self) -> Path:
        return self.data / "remit.db"

    @property
    def seed(self) -> Any:
        return json.loads((self.folder / "seed.json").read_text("utf-8"))

    def __call__(self, *arguments: str, stdin: str = "", **environ: str) -> Ran:
        done = subprocess.run(
            [REMIT, *arguments],
            cwd=self.folder,
            env={**environment(), **environ},
            input=stdin,
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
        )
        return Ran(code=done.returncode, out=done.stdout, err=done.stderr)


@contextmanager
def serving(command: Command) -> Iterator[int]:
    """Let a server run on the instance, under the base URL it was seeded for; ends it as an operator does."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    words = ["serve", "--data", str(command.data), "--port", str(port), "--probe-port", "0"]
    words += ["--base-url", "http://127.0.0.1:8700"]
    with subprocess.Popen([REMIT, *words], cwd=command.folder, env=environment(), stderr=PIPE, text=True) as server:
        assert server.stderr is not None
        told = []
        for line in server.stderr:
            told.append(line)
            if "server.started" in line:
                break
        else:
            raise AssertionError("".join(told))
        try:
            yield port
        finally:
            server.terminate()
            server.stderr.read()
            assert server.wait(30) in (0, -signal.SIGTERM)


@pytest.fixture(scope="session")
def seeded_once(tmp_path_factory):
    command = Command(folder=tmp_path_factory.mktemp("seeded"))
    ran = command("dev-seed", "--json", "seed.json")
    assert ran.code == 0, ran.err
    return command


@pytest.fixture(scope="session")
def signed_once(seeded_once, tmp_path_factory):
    """A seeded instance that a server ran on, so that there are checkpoints inside and outside."""
    command = Command(folder=tmp_path_factory.mktemp("signed"))
    shutil.copytree(seeded_once.folder, command.folder, dirs_exist_ok=True)
    with serving(command):
        pass  # it signs what there is when it ends
    assert (command.data / "checkpoints.log").exists()
    return command


@pytest.fixture
def signed(signed_once, tmp_path):
    """Such an instance, to be spoilt."""
    shutil.copytree(signed_once.folder, tmp_path, dirs_exist_ok=True)
    return Command(folder=tmp_path)


@pytest.fixture
def remit(tmp_path):
    """The command in an empty folder."""
    return Command(folder=tmp_path)


@pytest.fixture
def seeded(seeded_once, tmp_path):
    """The command in a folder with a seeded instance that this test may spoil."""
    shutil.copytree(seeded_once.folder, tmp_path, dirs_exist_ok=True)
    return Command(folder=tmp_path)
