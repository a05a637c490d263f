"""Nothing in the demo is staged: it passes on the real thing, and fails when the real thing is taken away."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from subprocess import PIPE

import httpx
import pytest

from remit.cli.exits import INTERRUPTED
from remit.demo import story
from remit.demo.tell import DemoFailed, check
from remit.demo.visitor import Visitor
from tests.flows.client import Browser
from tests.kit.pages import text_of

PROMISED = [
    r"GET /events, no token +401",
    r"wants to work for you in Acme",
    r"\[x\] Add and change events in your calendar",
    r"\[ \] Delete events from your calendar",
    r"scope = read:calendar write:calendar\n",
    r"purpose = Find free slots",
    r"verifies under the key that the issuer publishes",
    r"GET /events +200",
    r"POST /events +201",
    r"DELETE /events/1 +403 +insufficient_scope: needs delete:calendar",
    r"with a new token of the same approval",
    r"GET /events +401 +\d+ ms after the click; it had 1[34] min left",
    r"refresh +400 +invalid_grant: the grant was stopped",
    r"consent\.given +ok +user +Alice +\w{6}  read write",
    r"decision\.deny +denied +agent +Alice +\w{6}  DELETE /events/1",
    r"stop\.placed +denied +user +Alice +\w{6}\n",
    r"token\.refused +refused +client +Alice +\w{6}\n",
    r"sound: \d+ entries, all under signed checkpoints",
    r"edited: entry \d+\n +evt_\w+ decision\.deny",
]

DEMO = [sys.executable, "-m", "remit.cli", "demo"]


def test_the_story_is_told_from_start_to_end():
    done = subprocess.run([*DEMO, "--once"], capture_output=True, text=True, timeout=120, check=False)

    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    places = [re.search(line, done.stdout) for line in PROMISED]
    assert [line for line, place in zip(PROMISED, places, strict=True) if place is None] == []
    starts = [place.start() for place in places if place]
    assert starts == sorted(starts), "the story is told out of order"
    assert [line for line in done.stdout.splitlines() if len(line) > 80] == []


@contextmanager
def demo_in(folder):
    """Run the demo without `--once`, as the leader of a group of its own, as a shell starts it."""
    environment = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen(DEMO, stdout=PIPE, stderr=PIPE, text=True, start_new_session=True, env=environment) as demo:
        try:
            yield demo
        finally:
            demo.terminate()


def tell_until(demo, beginning):
    """Read the story up to the line that begins so."""
    told = []
    for line in demo.stdout:
        told.append(line)
        if line.strip().startswith(beginning):
            return "".join(told)
    raise AssertionError("".join(told) + demo.stderr.read())


def assert_nothing_left(folder, told):
    assert list(folder.iterdir()) == []
    addresses = set(re.findall(r"http://127\.0\.0\.1:\d+", told))
    assert len(addresses) == 2
    for address in addresses:
        with pytest.raises(httpx.ConnectError):
            httpx.get(address)


def test_it_stays_up_for_looking_around_until_ctrl_c(tmp_path):
    with demo_in(tmp_path) as demo:
        told = tell_until(demo, "9  Look around; Ctrl-C ends it")
        console, admin, account, alice = (demo.stdout.readline().split() for _ in range(4))
        with Browser(*admin) as browser:
            assert "Calendar helper" in text_of(browser.open(console[-1]))
        with Browser(*alice) as browser:
            assert "alice@example.com My agents" in text_of(browser.open(account[-1]))
        # A terminal sends it to the whole foreground group.
        os.killpg(demo.pid, signal.SIGINT)
        rest, complaints = demo.communicate(timeout=30)
        assert (demo.returncode, rest.split(), complaints) == (0, ["Ended."], "")
    assert_nothing_left(tmp_path, told)


def test_a_kill_in_the_middle_of_the_story_leaves_nothing_behind(tmp_path):
    with demo_in(tmp_path) as demo:
        told = tell_until(demo, "Agent")
        demo.terminate()
        _, complaints = demo.communicate(timeout=30)
        assert (demo.returncode, complaints) == (INTERRUPTED, "")
    assert_nothing_left(tmp_path, told)


def test_a_port_that_somebody_has_is_told_at_once(capfd):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert story.play(once=True, port=port) == 1
    assert f"port {port} cannot be had" in capfd.readouterr().err


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
