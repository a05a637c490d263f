"""What the house rules look at: the files of the repository, read as text and as syntax trees."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "src" / "remit"
SDK = ROOT / "sdk" / "src" / "remit_sdk"


@cache
def files() -> tuple[Path, ...]:
    """Every file that belongs to the project: committed ones and new ones that git does not ignore."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    paths = (ROOT / name for name in listed.split("\0") if name)
    return tuple(sorted(path for path in paths if path.is_file()))


def below(*folders: Path, suffix: str = ".py") -> list[Path]:
    """Files of one kind in some folders."""
    return [
        path for path in files() if path.suffix == suffix and any(path.is_relative_to(folder) for folder in folders)
    ]


def shown(path: Path) -> str:
    """A path as a reader would type it."""
    return path.relative_to(ROOT).as_posix()


def text_of(path: Path) -> str | None:
    """The text of a file, or None where it is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


@cache
def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=shown(path))


def calls(node: ast.AST) -> Iterator[ast.Call]:
    """Every call below a node."""
    return (found for found in ast.walk(node) if isinstance(found, ast.Call))


def last_name(node: ast.expr) -> str:
    """`c` for the expression `a.b.c`, `a` for `a`, nothing for the rest."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""
