"""Every event that is logged, and every field, is in the list; and the list names nothing else."""

import ast
from pathlib import Path

import remit
from remit.telemetry.names import FIELDS, LogEvent

METHODS = {"debug", "info", "warning", "error", "exception"}
ADDED = {"at", "level", "event", "logger", "message", "exception"}


def logged():
    for file in Path(remit.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS):
                continue
            if isinstance(node.func.value, ast.Name) and node.func.value.id == "log":
                yield file.name, node


def test_events():
    names = {call.args[0].value for _, call in logged() if isinstance(call.args[0], ast.Constant)}
    assert names | {LogEvent.LIBRARY} == set(LogEvent)


def test_every_event_is_a_name_and_not_a_sentence():
    assert [file for file, call in logged() if not isinstance(call.args[0], ast.Constant)] == []


def test_fields():
    used = {keyword.arg for _, call in logged() for keyword in call.keywords} - {"exc_info"}
    assert used | ADDED == FIELDS.keys()
