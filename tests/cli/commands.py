"""Every command there is, what it takes, and which operations of the REST API it asks."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_type_hints

from remit.cli import NOUNS, VERBS, build
from remit.http.api.operation import Operation
from remit.http.api.table import OPERATIONS

Function = Callable[..., Any]


def _commands() -> dict[str, Function]:
    app = build()
    # The demo needs more than the server alone, so it may not be there to be looked at.
    found = {verb: _function(app[verb]) for verb in VERBS if verb != "demo"}
    for noun in NOUNS:
        group = app[noun]
        found |= {f"{noun} {verb}": _function(group[verb]) for verb in group if not verb.startswith("-")}
    return found


def _function(app: Any) -> Function:
    found: Function = app.default_command
    return found


COMMANDS = _commands()
_OF = {operation.handler: operation for operation in OPERATIONS}


def options_of(command: str) -> set[str]:
    """Return what a command takes by name, also what its groups of options bring."""
    found: set[str] = set()
    for name, hint in get_type_hints(COMMANDS[command]).items():
        groups = [kind for kind in (hint, *get_args(hint)) if is_dataclass(kind)]
        found |= {member.name for group in groups for member in fields(group)} or {name}
    return found


def takes(command: str, kind: type) -> bool:
    hints = get_type_hints(COMMANDS[command]).values()
    return any(inspect.isclass(one) and issubclass(one, kind) for hint in hints for one in (hint, *get_args(hint)))


def asked_by(command: str) -> list[Operation]:
    """Return the operations that a command asks, as its code names them."""
    function = COMMANDS[command]
    module = sys.modules[function.__module__]
    tree = ast.parse(Path(inspect.getfile(function)).read_text("utf-8"))
    api: dict[str, Any] = {
        alias.asname or alias.name: import_module(f"remit.http.api.{alias.name}")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "remit.http.api"
        for alias in node.names
    }
    api |= {name: value for name, value in vars(module).items() if inspect.isfunction(value) and value in _OF}
    bodies = {node.name: node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
    return _asked(function.__name__, bodies, api)


def _asked(name: str, bodies: dict[str, Any], api: dict[str, Any]) -> list[Operation]:
    found: list[Operation] = []
    for node in ast.walk(bodies[name]):
        match node:
            case ast.Attribute(value=ast.Name(id=alias), attr=handler) if alias in api:
                thing = getattr(api[alias], handler, None)
            case ast.Name(id=alias):
                thing = api.get(alias)
                if alias in bodies and alias.startswith("_"):
                    found += _asked(alias, bodies, api)
            case _:
                continue
        if inspect.isfunction(thing) and thing in _OF:
            found.append(_OF[thing])
    return found
