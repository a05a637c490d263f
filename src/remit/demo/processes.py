"""The processes of the demo: started, waited for, and ended by their own id.

Each has a session of its own: Ctrl-C in a terminal reaches the story alone, which then ends the others in order.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from remit.demo.tell import DemoFailed, check

SECONDS = 20
"""How long a process may take until it answers."""


@contextmanager
def run_server(data: Path, *, base_url: str, port: int) -> Iterator[None]:
    """Run `remit serve` until the block ends."""
    command = ["-m", "remit.cli", "serve", "--data", str(data), "--port", str(port), "--base-url", base_url]
    # A story of seconds wants its checkpoints each second; an instance makes one a minute.
    settings = {"REMIT_AUDIT__CHECKPOINT_SECONDS": "1", "REMIT_SERVER__PROBE_PORT": "0"}
    with _running(command, ready=f"{base_url}/oauth/jwks", log=data.with_name("server.log"), settings=settings):
        yield


@contextmanager
def run_api(module: str, issuer: str, port: int, credentials: tuple[str, str], log: Path) -> Iterator[None]:
    """Run the calendar API. Its secret goes in by standard input, so that no list of processes shows it."""
    secret = "\n".join(credentials) + "\n"
    ready = f"http://127.0.0.1:{port}/.well-known/oauth-protected-resource"
    with _running(["-m", module, issuer, str(port)], ready=ready, log=log, standard_input=secret):
        yield


def run_remit(*arguments: str, data: Path) -> subprocess.CompletedProcess[str]:
    """Run one `remit` command on the instance in a folder."""
    command = [sys.executable, "-m", "remit.cli", *arguments, "--data", str(data)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=_environment())


def tampered_copy(data: Path, copy: Path) -> int:
    """Let the intruder make a copy of an instance and change one entry in it; return the entry's place."""
    command = [sys.executable, "-m", "remit.demo.intruder", str(data), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=_environment())
    check(done.returncode == 0, f"the copy could not be tampered with: {done.stderr}")
    return int(done.stdout)


@dataclass(frozen=True, slots=True)
class AgentProcess:
    """The agent, talked to by JSON lines."""

    _process: subprocess.Popen[str]

    @classmethod
    @contextmanager
    def run(cls, issuer: str, client_id: str, api: str, callback: str) -> Iterator[AgentProcess]:
        command = [sys.executable, "-m", "remit.demo.agent", issuer, client_id, api, callback]
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_environment(),
            start_new_session=True,
        ) as process:
            try:
                yield cls(process)
            finally:
                _end(process)

    def call(self, verb: str, argument: str = "") -> dict[str, Any]:
        """Let the agent do one thing and return what it says about it."""
        assert self._process.stdin is not None  # noqa: S101 - both are pipes
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(json.dumps([verb, argument]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        check(line, "the agent ended; what it said stands above")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def _running(
    arguments: list[str], *, ready: str, log: Path, standard_input: str = "", settings: dict[str, str] | None = None
) -> Iterator[None]:
    command = [sys.executable, *arguments]
    environment = _environment() | (settings or {})
    with (
        log.open("w", encoding="utf-8") as told,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=told, stderr=told, text=True, env=environment, start_new_session=True
        ) as process,
    ):
        try:
            assert process.stdin is not None  # noqa: S101 - a pipe
            process.stdin.write(standard_input)
            process.stdin.close()
            if not _answers(process, ready):
                raise DemoFailed(f"nothing answers at {ready}; its log ends with:\n{log.read_text('utf-8')[-2000:]}")
            yield
        finally:
            _end(process)


def _answers(process: subprocess.Popen[str], url: str) -> bool:
    """Wait until a process answers. Any answer will do: an API without a guard has no metadata to show."""
    deadline = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            requests.get(url, timeout=2)
        except requests.RequestException:
            time.sleep(0.02)
        else:
            return True
    return False


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(timeout=40)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _environment() -> dict[str, str]:
    """Return our environment without settings of another instance."""
    return {name: value for name, value in os.environ.items() if not name.startswith("REMIT_")}
