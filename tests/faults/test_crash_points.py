"""Power cuts at named points: whatever was going on, the next start finds a state in which everything agrees."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.flows.client import Browser, Party, Tokens
from tests.flows.conftest import acme, running, seeded_once
from tests.flows.server import Server, environment, free_port
from tests.flows.waiting import until
from tests.rules.tree import ROOT

__all__ = ["acme", "running", "seeded_once"]

ARMED = sys.executable, "-m", "tests.faults.armed"
HERE = {"PYTHONPATH": str(ROOT)}
KILLED = -9


def armed(server: Server, point: str, turn: int = 1) -> Path:
    """Let a server run in a process that dies at a point once the returned file lies there."""
    flag = server.data.parent / "now"
    server.program = (*ARMED, point, str(flag), str(turn))
    server.settings |= HERE
    return flag


def dies(server: Server, point: str, *words: str, turn: int = 1) -> None:
    """Run a command that does not survive a point."""
    flag = server.data.parent / "at-once"
    flag.touch()
    command = [*ARMED, point, str(flag), str(turn), *words, "--data", str(server.data)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, env=environment(**server.settings, **HERE)
    )
    assert done.returncode == KILLED, f"the point was not reached: {done.stdout}{done.stderr}"
    flag.unlink()


@dataclass(slots=True)
class Scene:
    """A client with a live line, a code that it has not redeemed, and a server that may be cut off."""

    server: Server
    acme: dict
    flag: Path
    party: Party = field(init=False)
    tokens: Tokens = field(init=False)
    code: str = field(init=False)

    def prepare(self) -> None:
        self.party = Party(self.acme)
        with Browser() as alice:
            first = alice.allow(self.party.request("offline_access read:calendar", prompt="consent"))
            self.tokens = self.party.redeem(first)
            self.code = alice.allow(self.party.request("offline_access read:calendar", prompt="consent"))

    def post(self, endpoint: str, fields: dict[str, str], auth: tuple[str, str] | None = None) -> httpx.Response:
        return httpx.post(self.acme[endpoint], data=fields, auth=auth, timeout=20)

    def redeem(self) -> httpx.Response:
        return self.post("token_endpoint", self.party.code_fields(self.code))

    def refresh(self) -> httpx.Response:
        return self.party.refresh(self.tokens.refresh)

    def revoke(self) -> httpx.Response:
        return self.post("revocation_endpoint", {"client_id": self.party.id, "token": self.tokens.refresh})

    def active(self, access: str) -> bool:
        resource = self.acme["resources"]["R1"]
        told = self.post(
            "introspection_endpoint", {"token": access}, (resource["client_id"], resource["client_secret"])
        )
        found: bool = told.json()["active"]
        return found

    def rows(self, sql: str) -> list[tuple]:
        with contextlib.closing(sqlite3.connect(f"file:{self.server.data / 'remit.db'}?mode=ro", uri=True)) as file:
            return file.execute(sql.replace(":acme", f"'{self.acme['id']}'")).fetchall()

    def count(self, sql: str) -> int:
        return int(self.rows(sql)[0][0])

    def effects(self) -> dict[str, tuple[int, int]]:
        """Return for each effect how often it stands in the tables, and how often in the log."""
        return {
            "refreshed": (
                self.count("select count(*) from refresh_token where tenant = :acme and state = 'spent'"),
                self.told("token.issued", "refresh_token"),
            ),
            "redeemed": (
                self.count("select count(*) from code where tenant = :acme and state = 'spent'"),
                self.told("token.issued", "authorization_code"),
            ),
            "stopped": (
                self.count("select count(*) from stop where tenant = :acme"),
                # A line that is ended because its secret came back is stopped without anybody's order.
                self.told("stop.placed") + self.told("token.reuse_detected"),
            ),
            "approved": (
                self.count("select count(*) from line where tenant = :acme"),
                self.told("consent.given"),
            ),
        }

    def told(self, type_: str, grant_type: str | None = None) -> int:
        bodies = self.rows(f"select body from event where tenant = :acme and type = '{type_}'")
        told = [json.loads(body)["what"] for (body,) in bodies]
        # An answer that was lost is repeated with a token of its own; nothing is spent for it.
        return len([what for what in told if grant_type in (None, what.get("grant_type")) and not what.get("replay")])

    def agree(self) -> None:
        """See that tables and log tell the same, no token is both spent and unspent, and the tree holds."""
        found = self.effects()
        assert {name: stood for name, (stood, _) in found.items()} == {name: told for name, (_, told) in found.items()}
        live = "select line_id from refresh_token where tenant = :acme and state = 'live'"
        forked = f"{live} group by line_id having count(*) > 1"
        assert self.rows(forked) == []
        verified = self.server.verify("acme")
        assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.fixture
def resting(seeded_once, tmp_path, running):
    """A seeded instance of this test's own, not running."""
    made = seeded_once.copy(tmp_path / "instance")
    running.append(made)
    return made


REQUESTS = {"redeem a code": Scene.redeem, "refresh": Scene.refresh, "revoke": Scene.revoke}


@pytest.mark.parametrize("point", ["before-commit", "after-commit"])
def test_a_request_cut_off_at_its_commit_happened_whole_or_not_at_all(resting, acme, point):
    flag = armed(resting, point)
    resting.start()
    scene = Scene(resting, acme, flag)
    for name, request in REQUESTS.items():
        scene.prepare()
        before = scene.effects()
        flag.touch()
        with pytest.raises(httpx.TransportError):
            request(scene)
        assert resting.ended_within(10), name
        flag.unlink()
        happened = {effect: count for effect, count in scene.effects().items() if count != before[effect]}
        assert bool(happened) == (point == "after-commit"), (name, happened)
        resting.start()
        scene.agree()
        again = request(scene)
        match name:
            case "refresh":
                # Committed and never answered: the same successor comes now. Not committed: the token is as it was.
                assert again.status_code == 200, again.text
                assert scene.count("select count(*) from refresh_token where tenant = :acme and state = 'live'") >= 1
                assert scene.active(again.json()["access_token"])
            case "redeem a code":
                # A code is spent by what was committed, answered or not; else it is as good as before.
                assert again.status_code == (200 if point == "before-commit" else 400), again.text
            case _:
                assert again.status_code == 200
                assert scene.refresh().json()["error"] == "invalid_grant"
                assert not scene.active(scene.tokens.access)
        scene.agree()
    assert resting.end() == 0


@pytest.mark.parametrize("point", ["before-commit", "after-commit"])
@pytest.mark.parametrize("turn", [1, 2])
def test_a_stop_by_command_cut_off_holds_or_was_never_placed(resting, acme, point, turn):
    if turn == 2:
        # The move of an instance is one transaction a tenant: it stops between two of them.
        words = ["config", "move", "https://id.example.org"]
    else:
        words = ["stop", "agent", acme["agents"]["A"]["id"], "--reason", "INC-1", "--tenant", "acme"]
    scene = Scene(resting, acme, resting.data)
    dies(resting, point, *words, turn=turn)
    scene.agree()
    done = resting.remit(*words)
    assert done.returncode == 0, done.stderr
    scene.agree()
    if turn == 2:
        moved = scene.rows("select tenant from event where type = 'tenant.moved'")
        assert len(moved) == len(set(moved)) > 1
        uris = [uri for (uri,) in scene.rows("select uri from resource where uri like '%/api'")]
        assert all(uri.startswith("https://id.example.org") for uri in uris)


@pytest.mark.parametrize("point", ["before-commit", "after-commit"])
def test_a_rotation_cut_off_leaves_one_key_that_signs_and_one_that_is_next(resting, acme, point):
    scene = Scene(resting, acme, resting.data)
    of_each = "select use, alg, state from signing_key where tenant = :acme and state in ('active', 'next')"
    one_each = f"{of_each} order by 1, 2, 3"
    before = scene.rows(one_each)
    dies(resting, point, "keys", "rotate", "--at-once", "--tenant", "acme")
    assert scene.rows(one_each) == before
    assert resting.remit("keys", "rotate", "--at-once", "--tenant", "acme").returncode == 0
    assert scene.rows(one_each) == before
    resting.start()
    scene.prepare()
    assert scene.active(scene.tokens.access)
    scene.agree()


@pytest.mark.parametrize("point", ["before-outside-copy", "within-outside-copy"])
def test_a_checkpoint_that_was_not_copied_out_is_copied_by_the_next_start(resting, acme, point):
    resting.settings["REMIT_AUDIT__CHECKPOINT_SECONDS"] = "1"
    flag = armed(resting, point)
    flag.touch()
    resting.start()
    assert resting.ended_within(30), "the first checkpoint"
    flag.unlink()
    scene = Scene(resting, acme, flag)
    outside = resting.data / "checkpoints.log"
    notes = [note for (note,) in scene.rows("select note from checkpoint")]
    assert notes
    assert not outside.exists() or [note for note in notes if note in outside.read_text("utf-8")] == []

    resting.start()
    until(outside.exists, "there is a file")
    until(lambda: all(note in outside.read_text("utf-8") for note in notes), "what was signed before is outside")
    for slug in ("acme", "globex", "default"):
        verified = resting.verify(slug)
        assert verified.returncode == 0 or "no tenant" in verified.stderr, verified.stdout + verified.stderr


@pytest.mark.parametrize("turn", [1, 2, 9, 30, 39])
def test_a_migration_cut_off_is_done_by_the_next_start(tmp_path, running, turn):
    port = free_port()
    made = Server(data=tmp_path / "new" / "data", port=port, base=f"http://127.0.0.1:{port}")
    made.data.parent.mkdir()
    running.append(made)
    dies(made, "within-migration", "serve", "--port", str(port), turn=turn)
    made.settings.pop("PYTHONPATH", None)
    made.start()
    assert json.loads(made.remit("db", "check", "--json").stdout)["sound"] is True


@pytest.mark.parametrize("turn", [1, 2])
def test_a_first_start_cut_off_between_its_key_files_is_begun_again(tmp_path, running, turn):
    port = free_port()
    made = Server(data=tmp_path / "new" / "data", port=port, base=f"http://127.0.0.1:{port}")
    made.data.parent.mkdir()
    running.append(made)
    dies(made, "between-key-files", "serve", "--port", str(port), turn=turn)
    kept = {file.name: file.read_bytes() for file in made.data.glob("remit.*") if file.suffix in {".key", ".pepper"}}
    assert len(kept) == turn
    made.start()
    assert {name: (made.data / name).read_bytes() for name in kept} == kept
    assert made.verify("default").returncode == 0


def test_a_backup_cut_off_is_no_backup(resting, tmp_path):
    out = tmp_path / "backup.db"
    dies(resting, "before-backup-is-named", "backup", "--out", str(out))
    assert not out.exists()
    done = resting.remit("backup", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert [file.name for file in tmp_path.glob("backup.db*")] == ["backup.db"]


def test_nothing_that_is_installed_knows_of_the_points():
    # Whoever can set a variable, a setting or a header can arm none: the code that kills is not there.
    sources = [path for folder in ("src", "sdk/src") for path in (ROOT / folder).rglob("*.py")]
    assert len(sources) > 100
    words = re.compile(r"\btests\.|SIGKILL|os\._exit|os\.abort")
    assert [path.name for path in sources if words.search(path.read_text("utf-8"))] == []
