"""The command line can what the REST API can: each operation has its command, each command says where it works."""

from __future__ import annotations

from remit.cli.machine import LOCAL, QUIET
from remit.cli.place import Change, Place
from remit.http.api.table import OPERATIONS
from tests.cli.commands import COMMANDS, asked_by, options_of, takes

ASKED = {command: asked_by(command) for command in COMMANDS}


def test_every_operation_has_a_command():
    asked = {operation.id for found in ASKED.values() for operation in found}
    assert {operation.id for operation in OPERATIONS} - asked == set()


def test_every_command_works_on_a_server_or_says_why_it_does_not():
    assert {command for command in COMMANDS if not takes(command, Place)} == {*LOCAL, "api"} - {"demo"}
    assert all(ASKED[command] for command in COMMANDS if takes(command, Place))
    assert LOCAL.keys() >= QUIET


def test_whatever_changes_something_can_be_tried_first():
    changing = {command for command, found in ASKED.items() if any(operation.changes for operation in found)}
    assert {command for command in COMMANDS if takes(command, Change)} == changing
    here = {"backup", "clients for-login", "config move", "db upgrade", "tenants create"}
    assert {command for command in COMMANDS if "dry_run" in options_of(command)} == {*changing, *here, "api"}


WORDLESS = {
    "serve": "it logs",
    "api": "it answers nothing else",
    "token parse": "it answers nothing else",
    "completion": "a shell reads it",
    "config docs": "it is a page",
    "logout": "it answers nothing",
}


def test_every_answer_can_be_had_as_json():
    assert {command for command in COMMANDS if "json" not in options_of(command)} == set(WORDLESS)
