"""The real command, run as a stranger runs it: a folder of its own, no settings from outside.

Most of it runs in the process of the tests, which costs a tenth; what is about a process has one of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from remit.cli import run

REMIT = Path(sys.executable).with_name("remit")


def environment() -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("REMIT_")}
    # Whoever runs the tests may be signed in somewhere.
    return {**ours, "COLUMNS": "200", "NO_COLOR": "1", "REMIT_LOGINS": "/nonexistent/logins.json"}


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
    """`remit` in a folder, with what its environment holds."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

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
        """Run it in this process, on files in place of the standard streams."""
        with TemporaryFile("w+") as fed, TemporaryFile("w+") as out, TemporaryFile("w+") as err:
            fed.write(stdin)
            fed.seek(0)
            with _standing_in(self.folder, {**environment(), **self.environ, **environ}, fed, out, err):
                code = _run(arguments)
            told = []
            for file in (out, err):
                file.seek(0)
                told.append(file.read())
        return Ran(code=code, out=told[0], err=told[1])

    def apart(self, *arguments: str, stdin: str = "", **environ: str) -> Ran:
        """Run it in a process of its own."""
        done = subprocess.run(
            [REMIT, *arguments],
            cwd=self.folder,
            env={**environment(), **self.environ, **environ},
            input=stdin,
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
        )
        return Ran(code=done.returncode, out=done.stdout, err=done.stderr)


def _run(arguments: tuple[str, ...]) -> int:
    try:
        return run(arguments)
    except SystemExit as left:
        return int(left.code or 0)


@contextmanager
def _standing_in(folder: Path, environ: dict[str, str], fed: IO[str], out: IO[str], err: IO[str]) -> Iterator[None]:
    """Be in a folder with an environment and standard streams, as a process of its own would be."""
    before, streams, stdin = (Path.cwd(), dict(os.environ)), (sys.stdin, sys.stdout, sys.stderr), os.dup(0)
    try:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environ)
        os.dup2(fed.fileno(), 0)
        sys.stdin, sys.stdout, sys.stderr = fed, out, err
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = streams
        os.dup2(stdin, 0)
        os.close(stdin)
        os.chdir(before[0])
        os.environ.clear()
        os.environ.update(before[1])
