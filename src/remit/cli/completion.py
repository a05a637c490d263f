"""`remit completion`: a script for the shell, made from the commands that there are."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Literal

from cyclopts import Parameter

from remit.cli.exits import OK


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(help="The shell that will read it.")], /
) -> int:
    """Print a script that lets a shell complete commands and options."""
    from remit.cli import VERBS, build

    missing = {verb for verb, (path, *_) in VERBS.items() if not _installed(path)}
    print(build(without=missing).generate_completion(prog_name="remit", shell=shell))
    return OK


def _installed(path: str) -> bool:
    """Say whether what a command needs is there: the demo brings more than the server alone."""
    try:
        import_module(path.partition(":")[0])
    except ImportError:
        return False
    return True
