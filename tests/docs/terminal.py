"""A terminal in a fresh clone: one shell that lives as long as the page, and the servers started in it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from tests.docs.pages import Block, Shown, matches
from tests.flows.server import free_port
from tests.rules.tree import ROOT

PATIENCE = 60.0
PORTS = ("8700", "8701", "9100", "9200", "9500")
"""Ports that the pages use. Each run takes free ones in their place, in commands, examples and what is printed."""
LINKED = ("Makefile", "pyproject.toml", "requirements", "src", "sdk", "tests", "deploy")

SHORTER = """\
demo: ONCE = 1
test: ARGS = tests/core/test_display.py -p no:cacheprovider
include Makefile
"""
"""The demo ends by itself, and one file stands for all tests: this is one of them."""

Found = TypeVar("Found")


def make_clone(folder: Path) -> None:
    """Make what `git clone` and the first `make` leave behind. Nothing is fetched: `.venv` is the one that runs us."""
    folder.mkdir()
    for name in LINKED:
        (folder / name).symlink_to(ROOT / name)
    venv = folder / ".venv"
    venv.mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (venv / name).symlink_to(Path(sys.prefix) / name)
    for stamp in (".made", ".run", ".dev", ".node"):
        (venv / stamp).touch()
    (folder / "GNUmakefile").write_text(SHORTER, encoding="utf-8")


class Terminal:
    """Where somebody types what a page says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "remit"
        make_clone(self.folder)
        self.ports = {port: str(free_port()) for port in PORTS}
        shutil.copytree(ROOT / "docs" / "examples", self.folder / "docs" / "examples")
        for example in (self.folder / "docs" / "examples").rglob("*.*"):
            example.write_text(self.here(example.read_text("utf-8")), encoding="utf-8")
        self._outputs = folder / "outputs"
        self._outputs.mkdir()
        self._count = 0
        with (self._outputs / "0.out").open("w") as log:
            self._shell = subprocess.Popen(
                ["bash", "--noprofile", "--norc", "-eu", "-o", "pipefail"],
                stdin=subprocess.PIPE,
                stderr=log,
                cwd=self.folder,
                env=self._environment(folder),
                text=True,
                start_new_session=True,
            )

    def _environment(self, folder: Path) -> dict[str, str]:
        # What `make test ARGS=...` was told is not meant for a `make` on a page.
        make = {"MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "ARGS"}
        ours = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("REMIT_", "PYTEST_")) and name not in make
        }
        beside = str(Path(sys.prefix) / "bin")
        path = ":".join(part for part in os.environ["PATH"].split(":") if part != beside)
        return {
            **ours,
            "PATH": path,
            "HOME": str(folder),
            "COLUMNS": "200",
            "NO_COLOR": "1",
            "PYTHONUNBUFFERED": "1",
            "REMIT_SERVER__PORT": self.ports["8700"],
            "REMIT_SERVER__PROBE_PORT": self.ports["8701"],
        }

    def here(self, text: str) -> str:
        """The same text with the ports of this run."""
        return re.sub(r"\b(" + "|".join(PORTS) + r")\b", lambda port: self.ports[port[1]], text)

    def type(self, text: str, *, stays: bool = False) -> None:
        """Type something that the page takes for granted."""
        self.start(
            Block(
                page="before",
                line=0,
                language="sh",
                text=text,
                stays=stays,
                waits=False,
                excuse=False,
                example=None,
            )
        ).finish()

    def start(self, block: Block) -> Running:
        """Type a block. What it sets holds for those after it."""
        self._count += 1
        running = Running(self, block, self._outputs / f"{self._count}.out")
        if block.stays:
            self._server = running.output
        end = f"&\necho $! > {running.output}.pid" if block.stays else f"\necho done > {running.output}.done"
        typed = f"{{\n{self.here(block.text)}\n}} < /dev/null > {running.output} 2>&1 {end}\n"
        assert self._shell.stdin is not None
        # A block that fails ends the shell, as `set -e` says; the next one is then told so.
        with suppress(BrokenPipeError):
            self._shell.stdin.write(typed)
            self._shell.stdin.flush()
        return running

    def end_server(self) -> None:
        """End the server that was started last, by its id, and wait until it is gone."""
        group = int(Path(f"{self._server}.pid").read_text("utf-8"))
        for child in Path(f"/proc/{group}/task/{group}/children").read_text("ascii").split():
            os.kill(int(child), signal.SIGTERM)
        self.wait("end of the server", lambda: None if Path(f"/proc/{group}").exists() else True)

    def wait(self, what: str, ready: Callable[[], Found | None]) -> Found:
        """Wait until something is there.

        Raises:
            AssertionError: it did not come, or the shell has ended.
        """
        deadline = time.monotonic() + PATIENCE
        while (found := ready()) is None:
            ended = self._ended_within(0.02)
            assert not ended, f"a command failed before {what}:\n{self.printed()}"
            assert time.monotonic() < deadline, f"no {what}:\n{self.printed()}"
        return found

    def printed(self) -> str:
        """Everything printed so far, the last block at the end."""
        files = sorted(self._outputs.glob("*.out"), key=lambda file: int(file.stem))
        return "".join(file.read_text("utf-8", errors="replace") for file in files)

    def find(self, pattern: str) -> str:
        """Wait for a line and return the last one like it."""

        def newest() -> str | None:
            found = re.findall(pattern, self.printed(), re.MULTILINE)
            return str(found[-1]) if found else None

        return self.wait(pattern, newest)

    def _ended_within(self, seconds: float) -> bool:
        try:
            self._shell.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def close(self) -> None:
        """End the shell and whatever was started in it."""
        assert self._shell.stdin is not None
        with suppress(BrokenPipeError):
            self._shell.stdin.close()
        with suppress(ProcessLookupError):
            os.killpg(self._shell.pid, signal.SIGTERM)
        if not self._ended_within(PATIENCE):
            os.killpg(self._shell.pid, signal.SIGKILL)


class Running:
    """A block that was typed."""

    def __init__(self, terminal: Terminal, block: Block, output: Path) -> None:
        self._terminal = terminal
        self.block = block
        self.output = output

    def finish(self) -> None:
        """Wait until it has ended, or, where it stays, until it has begun."""
        done = Path(f"{self.output}.pid" if self.block.stays else f"{self.output}.done")
        where = f"{self.block.page}:{self.block.line}"
        self._terminal.wait(f"end of {where}", lambda: done.exists() or None)

    def shows(self, shown: Shown) -> None:
        """Wait until it has printed what the page shows."""
        expected, what = self._terminal.here(shown.text), f"output as in {shown.page}:{shown.line}"
        self._terminal.wait(what, lambda: matches(expected, self._printed()) or None)

    def _printed(self) -> str:
        return self.output.read_text("utf-8", errors="replace") if self.output.exists() else ""
