"""LOG: an audit log that somebody touched who can write the database."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3

import pytest

from remit.core.audit.tree import EMPTY
from tests.cli.conftest import seeded_once, serving, signed_once
from tests.cli.test_audit import AT, OF_ACME, spoil, verify
from tests.kit.command import Command

__all__ = ["seeded_once", "signed_once"]

EDITED = b'{"v":1,"what":"something else"}'


class Log:
    """A log that two checkpoints outside vouch for: one of when it was `first` long, one of when it was `size` long."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.outside = command.folder / "outside.log"
        self.backup = command.folder / "backup.db"
        self.first = self.size = 0

    def grow(self) -> None:
        self.first = self.entries()
        assert self.command("backup", "--out", str(self.backup)).code == 0
        for number in range(6):
            ran = self.command("users", "create", f"u{number}@example.com", "--name", "U", *AT)
            assert ran.code == 0, ran.err
        with serving(self.command):
            pass
        self.size = self.entries()
        (self.command.data / "checkpoints.log").rename(self.outside)

    def entries(self) -> int:
        return int(verify(self.command)[1]["entries"])

    def leaves(self) -> list[bytes]:
        connection = sqlite3.connect(self.command.database)
        rows = connection.execute(f"select leaf from event where {OF_ACME} order by seq", {"slug": "acme"}).fetchall()
        connection.close()
        return [leaf for (leaf,) in rows]

    def rebuild(self, first: int) -> None:
        """Write the tree, and drop the checkpoints, so that what is stored agrees with itself."""
        frontier = EMPTY
        for leaf in self.leaves():
            frontier = frontier.append(leaf)
        spoil(
            self.command,
            (f"delete from checkpoint where size > {first} and {OF_ACME}", {}),
            (
                f"update audit_tree set size = :size, frontier = :frontier where {OF_ACME}",
                {"size": frontier.size, "frontier": frontier.to_bytes()},
            ),
        )

    # What is done to it. Each returns what is found: the kind of fault and the first bad entry.

    def change_a_field(self) -> tuple[str, int]:
        spoil(self.command, (f"update event set body = replace(body, 'ok', 'no') where seq = 7 and {OF_ACME}", {}))
        return "edited", 7

    def change_a_field_and_its_hash(self) -> tuple[str, int]:
        seq = self.first + 2
        self._forge(seq)
        return "tree", self.first

    def delete_a_row_in_the_middle(self) -> tuple[str, int]:
        spoil(self.command, (f"delete from event where seq = 9 and {OF_ACME}", {}))
        return "missing", 9

    def delete_the_last_three(self) -> tuple[str, int]:
        spoil(self.command, (f"delete from event where seq >= {self.size - 3} and {OF_ACME}", {}))
        return "missing", self.size - 3

    def cut_the_last_three_well(self) -> tuple[str, int]:
        self.delete_the_last_three()
        self.rebuild(self.first)
        return "cut", self.size - 3

    def delete_all(self) -> tuple[str, int]:
        spoil(self.command, (f"delete from event where {OF_ACME}", {}))
        return "missing", 0

    def delete_all_well(self) -> tuple[str, int]:
        self.delete_all()
        self.rebuild(-1)
        return "cut", 0

    def recompute_the_hashes_of_a_suffix(self) -> tuple[str, int]:
        self._forge(self.first + 1)
        self.rebuild(self.first)
        # The older of the two outside still agrees, so what is wrong begins behind it.
        return "cut", self.first

    def take_one_out_and_close_the_gap(self) -> tuple[str, int]:
        gap = self.first + 1
        spoil(
            self.command,
            (f"delete from event where seq = {gap} and {OF_ACME}", {}),
            (f"update event set seq = -seq where seq > {gap} and {OF_ACME}", {}),
            (f"update event set seq = -seq - 1 where seq < 0 and {OF_ACME}", {}),
        )
        self.rebuild(self.first)
        # One is missing at the end; that the others may have moved up is said in words.
        return "cut", self.size - 1

    def restore_an_older_backup(self) -> tuple[str, int]:
        for side in ("-wal", "-shm"):
            self.command.database.with_name(f"remit.db{side}").unlink(missing_ok=True)
        shutil.copyfile(self.backup, self.command.database)
        return "cut", self.first

    def _forge(self, seq: int) -> None:
        leaf = hashlib.sha256(b"\0" + EDITED).digest()
        spoil(
            self.command,
            (f"update event set body = :body, leaf = :leaf where seq = {seq} and {OF_ACME}", {
                "body": EDITED, "leaf": leaf
            }),
        )  # fmt: skip


@pytest.fixture(scope="module")
def grown_once(signed_once, tmp_path_factory):
    command = Command(folder=tmp_path_factory.mktemp("grown"))
    shutil.copytree(signed_once.folder, command.folder, dirs_exist_ok=True)
    log = Log(command)
    log.grow()
    return log


@pytest.fixture
def log(grown_once, tmp_path):
    shutil.copytree(grown_once.command.folder, tmp_path, dirs_exist_ok=True)
    copied = Log(Command(folder=tmp_path))
    copied.first, copied.size = grown_once.first, grown_once.size
    return copied


DOINGS = {
    "a field is changed": Log.change_a_field,
    "a field is changed, and its hash": Log.change_a_field_and_its_hash,
    "a row in the middle is deleted": Log.delete_a_row_in_the_middle,
    "the last three are deleted": Log.delete_the_last_three,
    "all are deleted": Log.delete_all,
}
WELL_DONE = {
    "the last three are cut, and the tree": Log.cut_the_last_three_well,
    "all are cut, and the tree": Log.delete_all_well,
    "the hashes of a suffix are computed again": Log.recompute_the_hashes_of_a_suffix,
    "one is taken out and the gap closed": Log.take_one_out_and_close_the_gap,
    "an older backup is put back": Log.restore_an_older_backup,
}
"""What is left agrees with itself in everything that the database holds."""


def test_b_log_02_a_log_that_nobody_touched_is_sound(log):
    code, report = verify(log.command, "--checkpoint", str(log.outside))
    assert (code, report["sound"], report["faults"], report["outside"]) == (0, True, [], 2)
    assert 10 < log.first < log.size - 3


@pytest.mark.parametrize("do", [*DOINGS.values(), *WELL_DONE.values()], ids=[*DOINGS, *WELL_DONE])
def test_b_log_02_whatever_is_done_to_the_log_is_found_with_its_first_entry(log, do):
    kind, index = do(log)
    code, report = verify(log.command, "--checkpoint", str(log.outside))
    assert (code, report["sound"]) == (1, False)
    assert (kind, index) in [(fault["kind"], fault["index"]) for fault in report["faults"]]
    assert min(fault["index"] for fault in report["faults"] if fault["index"] is not None) == index


def test_b_log_02_a_gap_that_was_closed_is_told_from_where_nothing_is_sure(log):
    log.take_one_out_and_close_the_gap()
    _, report = verify(log.command, "--checkpoint", str(log.outside))
    (fault,) = report["faults"]
    assert fault["detail"] == (
        f"an outside checkpoint speaks of {log.size} entries, the log ends at {log.size - 1}; "
        f"from entry {log.first} on no checkpoint from outside can be held against what is left"
    )


@pytest.mark.parametrize("do", WELL_DONE.values(), ids=WELL_DONE)
def test_b_log_02_without_a_checkpoint_from_outside_verify_says_what_it_cannot_see(log, do):
    do(log)
    code, report = verify(log.command)
    assert (code, report["tail_known"]) == (0, False)
    assert "a cut tail cannot be seen: use --checkpoint FILE" in log.command("audit", "verify", *AT).err


@pytest.mark.parametrize("do", DOINGS.values(), ids=DOINGS)
def test_b_log_02_what_is_clumsy_is_found_without_anything_from_outside(log, do):
    kind, index = do(log)
    code, report = verify(log.command)
    assert code == 1
    assert (kind, index) in [(fault["kind"], fault["index"]) for fault in report["faults"]]
    told = log.command("audit", "verify", "--json", *AT)
    assert json.loads(told.out)["sound"] is False
