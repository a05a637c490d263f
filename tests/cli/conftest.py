"""Instances to type commands at."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE

import pytest

from tests.kit.command import REMIT, Command, environment


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
    ran = command.apart("dev-seed", "--json", "seed.json")
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
