"""The token store: one contract for both, and what only a file must promise."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
import time

import httpx2
import pytest

from remit_sdk import FileStore, MemoryStore, RemitAuth, TokenSet
from tests.sdk.clock import StillClock
from tests.sdk.issuer import RESOURCE, running_issuer


def tokens(text="at_1"):
    return TokenSet(access_token=text, obtained_at=1.0, expires_at=2.0, scope="a", refresh_token="rt_1")


@pytest.fixture(params=["memory", "file"])
def store(request, tmp_path):
    return MemoryStore() if request.param == "memory" else FileStore(tmp_path / "state" / "tokens.json")


class TestContract:
    def test_what_was_written_is_read(self, store):
        with store.lock("a"):
            store.write("a", tokens())
        assert store.read("a") == tokens()
        assert store.read("b") is None

    def test_names_do_not_touch_each_other(self, store):
        store.write("a", tokens("at_a"))
        store.write("b", tokens("at_b"))
        store.write("a", None)
        assert store.read("a") is None
        assert store.read("b") == tokens("at_b")
        store.write("a", None)

    def test_one_at_a_time_holds_the_lock(self, store):
        inside, most = [], []

        def work():
            with store.lock("a"):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0)
                inside.pop()

        threads = [threading.Thread(target=work) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert most == [1] * 20

    def test_another_name_does_not_wait(self, store):
        with store.lock("a"), store.lock("b"):
            store.write("b", tokens())

    def test_a_failure_inside_frees_the_lock(self, store):
        with pytest.raises(ZeroDivisionError), store.lock("a"):
            _ = 1 / 0
        with store.lock("a"):
            pass


def test_tokens_are_never_printed():
    assert "at_1" not in repr(tokens())
    assert "rt_1" not in repr(tokens())


def test_the_file_is_its_owners_alone(tmp_path):
    path = tmp_path / "state" / "tokens.json"
    before = os.umask(0)
    try:
        store = FileStore(path)
        with store.lock("a"):
            store.write("a", tokens())
    finally:
        os.umask(before)
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_others_can_read_is_not_used(tmp_path):
    path = tmp_path / "tokens.json"
    store = FileStore(path)
    store.write("a", tokens())
    path.chmod(0o640)
    with pytest.raises(PermissionError):
        store.read("a")


def test_a_link_is_not_followed(tmp_path):
    FileStore(tmp_path / "real.json").write("a", tokens())
    (tmp_path / "tokens.json").symlink_to(tmp_path / "real.json")
    with pytest.raises(OSError):
        FileStore(tmp_path / "tokens.json").read("a")


def test_a_write_that_fails_leaves_the_old_tokens_and_no_litter(tmp_path, monkeypatch):
    store = FileStore(tmp_path / "tokens.json")
    store.write("a", tokens("at_old"))

    def full(_: int) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError):
        store.write("a", tokens("at_new"))
    monkeypatch.undo()
    assert store.read("a") == tokens("at_old")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["tokens.json", "tokens.json.write.lock"]


WORKER = """
import json, sys
from remit_sdk import FileStore, RemitAuth
issuer, path, old, resource = sys.argv[1:]
auth = RemitAuth(issuer, client_id="cli_helper", resource=resource, scopes="read:calendar", store=FileStore(path))
sys.stdin.read()  # all start together
print(json.dumps(auth.token(unlike=old)))
"""


def test_processes_that_share_a_file_renew_once(tmp_path):
    path = tmp_path / "tokens.json"
    with running_issuer() as issuer:
        auth = RemitAuth(
            issuer.base, client_id="cli_helper", resource=RESOURCE, scopes="read:calendar", store=FileStore(path)
        )
        consent = auth.consent()
        consent.finish(httpx2.get(consent.url).headers["location"])
        old = auth.token()
        command = [sys.executable, "-c", WORKER, issuer.base, str(path), old, RESOURCE]
        workers = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
        ]
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.close()
        found = set()
        for worker in workers:
            assert worker.stdout is not None
            with worker.stdout:
                found.add(json.loads(worker.stdout.read()))
            assert worker.wait(30) == 0
        assert len(found) == 1
        assert old not in found
        assert issuer.hits["refresh_token"] == 1
        assert auth.token(unlike=old) in found, "the first process reads what the others fetched"


def test_a_line_survives_a_new_process(tmp_path):
    path = tmp_path / "tokens.json"
    clock = StillClock()
    with running_issuer(now=clock.now()) as issuer:

        def make():
            return RemitAuth(
                issuer.base,
                client_id="cli_helper",
                resource=RESOURCE,
                scopes="read:calendar",
                store=FileStore(path),
                clock=clock,
            )

        consent = make().consent()
        consent.finish(httpx2.get(consent.url).headers["location"])
        first = make().token()
        clock.advance(issuer.lifetime)
        assert make().token() != first
        assert issuer.hits["authorization_code"] == 1
