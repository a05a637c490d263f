"""Nothing in the demo is staged: it passes on the real thing, and fails when the real thing is taken away."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from remit.demo import story
from remit.demo.tell import DemoFailed, check
from remit.demo.visitor import Visitor

PROMISED = [
    r"wants to work for you in Acme",
    r"\[ \] Delete events from your calendar",
    r"scope = read:calendar",
    r"GET /events +200",
    r"DELETE /events/1 +403 +insufficient_scope: needs delete:calendar",
    r"with a new token of the same approval",
    r"GET /events +401 +\d+ ms after the click, with 1[34] minutes left in the token",
    r"refresh +400 +invalid_grant: the grant was stopped",
    r"decision\.deny +denied +agent +\w+ +GET /events 401 stopped",
    r"sound: \d+ entries, all under signed checkpoints",
    r"edited: entry \d+",
]


def run_demo() -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "remit.cli", "demo", "--once"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_story_is_told_from_start_to_end():
    done = run_demo()

    assert done.returncode == 0, done.stdout + done.stderr
    places = [re.search(line, done.stdout) for line in PROMISED]
    assert [line for line, place in zip(PROMISED, places, strict=True) if place is None] == []
    starts = [place.start() for place in places if place]
    assert starts == sorted(starts), "the story is told out of order"


def test_the_story_fails_where_nobody_guards_the_api(capfd):
    assert story.play(once=True, api_module="tests.flows.unguarded_api") == 1
    assert "the API answered somebody without a token" in capfd.readouterr().err


def test_the_story_fails_where_stop_is_not_pressed(monkeypatch, capfd):
    press = Visitor.press

    def hesitates(self, page, button, **fill):
        return page if button.startswith("Stop") else press(self, page, button, **fill)

    monkeypatch.setattr(Visitor, "press", hesitates)
    assert story.play(once=True) == 1
    assert "the API went on answering after Stop" in capfd.readouterr().err


def test_the_story_fails_where_a_changed_entry_is_not_found(monkeypatch, capfd):
    # The copy is made but nothing is changed in it, so verify finds it sound, as it should: the story must notice.
    monkeypatch.setattr(story, "tampered_copy", untouched_copy)
    assert story.play(once=True) == 1
    assert "a tampered log verified" in capfd.readouterr().err


def untouched_copy(data, copy):
    copy.mkdir()
    for file in data.iterdir():
        if file.name in {"remit.key", "remit.pepper", "remit.db", "remit.db-wal"}:
            (copy / file.name).write_bytes(file.read_bytes())
            (copy / file.name).chmod(0o600)
    return 3


def test_a_check_that_does_not_hold_ends_the_story():
    with pytest.raises(DemoFailed, match="because"):
        check([], "because")
