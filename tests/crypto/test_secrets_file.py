"""The files of the master key and the pepper: made once, closed to others, and the right ones."""

import base64
import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from remit.crypto.secrets_file import SecretsUnusable, fits, key_check, load_secrets

KEY = bytes(range(200, 232))


@pytest.fixture
def files(tmp_path):
    return tmp_path / "data" / "remit.key", tmp_path / "data" / "remit.pepper"


def test_the_first_start_makes_both_for_the_owner_alone(files):
    made = load_secrets(*files, create=True)
    assert len(made.master) == len(made.pepper) == 32
    assert made.master != made.pepper
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {file.name for file in files[0].parent.iterdir()} == {"remit.key", "remit.pepper"}


def test_the_mode_does_not_depend_on_the_umask(files):
    before = os.umask(0)
    try:
        load_secrets(*files, create=True)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_the_next_start_reads_the_same(files):
    assert load_secrets(*files, create=True) == load_secrets(*files, create=False)


def test_many_first_starts_at_once_agree(files):
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: load_secrets(*files, create=True), range(32)))
    assert len({(one.master, one.pepper) for one in found}) == 1


def test_without_leave_nothing_is_made(files):
    with pytest.raises(SecretsUnusable, match="cannot be read"):
        load_secrets(*files, create=False)
    assert not files[0].exists()


SPELLINGS = {
    "base64url": base64.urlsafe_b64encode(KEY).rstrip(b"="),
    "base64 with padding and a line end": base64.b64encode(KEY) + b"\n",
    "hex": KEY.hex().encode(),
    "hex in capitals": KEY.hex().upper().encode() + b"\r\n",
}


def write(file, content, mode=0o600):
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    file.chmod(mode)


@pytest.mark.parametrize("written", SPELLINGS.values(), ids=SPELLINGS)
def test_a_key_from_elsewhere_is_read(files, written):
    for file in files:
        write(file, written)
    assert load_secrets(*files, create=False).master == KEY


DAMAGED = {
    "empty, as a crash may leave it": b"",
    "too short": base64.b64encode(KEY[:-1]),
    "too long": base64.b64encode(KEY + b"\x00"),
    "raw bytes": KEY,
    "no base64": b"!" * 43,
    "half a file": base64.b64encode(KEY)[:20],
    "two keys": base64.b64encode(KEY) + b"\n" + base64.b64encode(KEY),
    "a book": b"A" * 100_000,
}


@pytest.mark.parametrize("written", DAMAGED.values(), ids=DAMAGED)
def test_what_is_no_key_is_refused_and_kept(files, written):
    write(files[0], written)
    with pytest.raises(SecretsUnusable, match="does not hold 32 bytes"):
        load_secrets(*files, create=True)
    assert files[0].read_bytes() == written


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o644, 0o666])
def test_a_file_open_to_others_is_refused(files, mode):
    write(files[0], base64.b64encode(KEY), mode)
    with pytest.raises(SecretsUnusable, match="chmod 600"):
        load_secrets(*files, create=True)


def test_a_folder_or_a_pipe_in_its_place_is_refused(files):
    files[0].mkdir(parents=True, mode=0o700)
    with pytest.raises(SecretsUnusable, match="is not a file"):
        load_secrets(*files, create=True)
    files[0].rmdir()
    os.mkfifo(files[0], 0o600)
    with pytest.raises(SecretsUnusable, match="is not a file"):
        load_secrets(*files, create=True)


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(SecretsUnusable, match="cannot be made"):
        load_secrets(tmp_path / "file" / "remit.key", tmp_path / "file" / "remit.pepper", create=True)


def test_a_database_knows_its_own_secret_and_learns_nothing_else():
    remembered = key_check(KEY)
    assert fits(KEY, remembered)
    assert not fits(bytes(32), remembered)
    assert not fits(KEY, "")
    assert KEY.hex() not in remembered


def test_secrets_do_not_print(files):
    made = load_secrets(*files, create=True)
    assert repr(made) == "ServerSecrets()"
