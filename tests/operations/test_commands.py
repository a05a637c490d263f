"""The commands of whoever runs the machine, against a running server."""

from __future__ import annotations

import json
import queue
import shutil
import sqlite3
import threading

import httpx
import pytest

from remit.crypto.compact import take_apart
from remit_sdk.jwks import read_keys
from tests.operations.served import run, serving


def token_of(served, http):
    client = served.seed["clients"]["conf1"]
    sent = {"grant_type": "client_credentials", "scope": "read:calendar"}
    answer = http.post(
        f"{served.base}/t/acme/oauth/token", data=sent, auth=(client["client_id"], client["client_secret"])
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


def active(served, http, access):
    resource = served.seed["resources"]["R1"]
    about = (resource["client_id"], resource["client_secret"])
    return http.post(f"{served.base}/t/acme/oauth/introspect", data={"token": access}, auth=about).json()["active"]


def published(served, http):
    return read_keys(http.get(f"{served.base}/t/acme/oauth/jwks").json())


def parts_of(access):
    parts = take_apart(access)
    assert parts is not None
    return parts


def verifies(keys, access):
    parts = parts_of(access)
    key = keys.get(parts.header["kid"])
    return key is not None and key.verifies(parts.message, parts.signature)


@pytest.mark.requirement("KEY-1")
def test_rotation_under_load_fails_no_verification(served):
    # The checker read the key set once, before the rotation, and never again: that is the worst that caching can do.
    issued: queue.Queue[tuple[str, bool]] = queue.Queue()
    over = threading.Event()
    with httpx.Client() as http:
        keys = published(served, http)
        before = token_of(served, http)

    def load() -> None:
        with httpx.Client() as http:
            while not over.is_set():
                access = token_of(served, http)
                good = verifies(keys, access) and active(served, http, access)
                issued.put((parts_of(access).header["kid"], good))

    def signed_by(*, other_than: str) -> tuple[str, bool]:
        return next(pair for pair in iter(lambda: issued.get(timeout=20), None) if note(pair)[0] != other_than)

    def note(pair: tuple[str, bool]) -> tuple[str, bool]:
        seen.append(pair)
        return pair

    seen: list[tuple[str, bool]] = []
    workers = [threading.Thread(target=load) for _ in range(3)]
    for worker in workers:
        worker.start()
    try:
        old, _ = note(issued.get(timeout=20))
        rotated = served.command("keys", "rotate", "--tenant", "acme")
        assert rotated.returncode == 0, rotated.stderr
        signed_by(other_than=old)
        for _ in range(20):
            note(issued.get(timeout=20))
    finally:
        over.set()
        for worker in workers:
            worker.join()
    assert len({kid for kid, _ in seen}) == 2
    assert [kid for kid, good in seen if not good] == []
    with httpx.Client() as http:
        assert active(served, http, before)
        assert verifies(published(served, http), before)


def test_a_revoked_key_is_refused_by_the_running_server(served):
    with httpx.Client() as http:
        access = token_of(served, http)
        kid = parts_of(access).header["kid"]
        revoked = served.command("keys", "revoke", kid, "--tenant", "acme", "--reason", "it leaked")
        assert revoked.returncode == 0, revoked.stderr
        assert not active(served, http, access)
        assert kid not in published(served, http)
        assert active(served, http, token_of(served, http))


def test_the_restore_drill(served, seeded_base, tmp_path):
    # docs/operations.md, Restore: copy of the live database, key files, start, verify.
    with httpx.Client() as http:
        access = token_of(served, http)
    out = tmp_path / "backup.db"
    made = served.command("backup", "--out", str(out))
    assert made.returncode == 0, made.stderr
    assert "USELESS WITHOUT THE KEY FILES" in made.stderr
    assert served.command("backup", "--out", str(out)).returncode == 1
    keys = {name: (served.data / name).read_bytes() for name in ("remit.key", "remit.pepper")}
    served.stop()
    shutil.rmtree(served.data)
    served.data.mkdir(mode=0o700)
    shutil.copyfile(out, served.data / "remit.db")
    for name, held in keys.items():
        (served.data / name).write_bytes(held)
        (served.data / name).chmod(0o600)
    template = tmp_path / "template"
    template.mkdir()
    with serving(template, served.folder, base=seeded_base) as restored, httpx.Client() as http:
        assert active(restored, http, access)
        assert active(restored, http, token_of(restored, http))
        verified = restored.command("audit", "verify", "--tenant", "acme")
        assert verified.returncode == 0, verified.stderr


def test_a_database_without_its_key_file_does_not_start(served, tmp_path):
    out = tmp_path / "elsewhere" / "remit-data" / "remit.db"
    out.parent.mkdir(parents=True)
    assert served.command("backup", "--out", str(out)).returncode == 0
    ran = run("keys", "list", cwd=tmp_path / "elsewhere")
    assert ran.returncode == 5


def test_health_answers_like_readyz(served):
    port = served.probes.rpartition(":")[2]
    assert served.command("health", "--probe-port", port).returncode == 0
    with sqlite3.connect(served.data / "remit.db") as database:
        database.execute("update alembic_version set version_num = '9999'")
    ran = served.command("health", "--probe-port", port)
    assert (ran.returncode, "not ready: schema" in ran.stderr) == (1, True)
    served.stop()
    assert served.command("health", "--probe-port", port).returncode == 5


def test_the_doctor_finds_a_sound_instance_sound(served):
    ran = served.command("doctor", "--json")
    found = json.loads(ran.stdout)
    assert ran.returncode == 0, ran.stdout
    assert [one["told"] for one in found if one["level"] != "ok"] == [
        "they lie beside the database: whoever can cut one can cut both"
    ]
    assert {one["check"] for one in found} >= {
        "key file",
        "disk",
        "checkpoints",
        "schema",
        "database",
        "clock",
        "issuer",
    }


def loosen(resting):
    (resting.data / "remit.pepper").chmod(0o640)


def drift(resting):
    statement(resting, "alter table agent add column more text")


def from_the_future(resting):
    statement(resting, "update signing_key set changed_at = changed_at + 86400000000")


def without_key(resting):
    statement(resting, "update signing_key set state = 'gone' where use = 'id'")


def statement(resting, text):
    with sqlite3.connect(resting.data / "remit.db") as database:
        database.execute(text)


SPOILT = {
    "a key file that others read": (loosen, "key file"),
    "a column that nobody declared": (drift, "schema"),
    "a clock behind what the database remembers": (from_the_future, "clock"),
    "no key to sign with": (without_key, "keys"),
}


@pytest.mark.parametrize(("spoil", "check"), SPOILT.values(), ids=SPOILT)
def test_the_doctor_finds_what_is_wrong(resting, spoil, check):
    spoil(resting)
    ran = resting.command("doctor", "--json")
    failed = {one["check"] for one in json.loads(ran.stdout) if one["level"] == "fail"}
    assert (ran.returncode, failed) == (1, {check})


def test_the_doctor_notices_when_somebody_else_answers_under_our_name(served):
    elsewhere = served.base.replace("127.0.0.1", "localhost")
    moved = run("config", "move", elsewhere, cwd=served.folder)
    assert moved.returncode == 0, moved.stderr
    ran = run("doctor", "--json", cwd=served.folder)
    assert ran.returncode == 1
    assert any("speaks for" in one["told"] for one in json.loads(ran.stdout) if one["level"] == "fail")


def test_explain_tells_codes_events_and_tokens(served):
    code = served.command("explain", "invalid_grant")
    assert (code.returncode, "What" not in code.stderr, "consent" in code.stdout) == (0, True, True)
    with httpx.Client() as http:
        jti = (parts_of(token_of(served, http)).claims() or {})["jti"]
    told = json.loads(served.command("explain", jti, "--tenant", "acme", "--json").stdout)
    assert [event["type"] for event in told] == ["token.issued"]
    by_event = served.command("explain", told[0]["id"], "--tenant", "acme")
    client = served.seed["clients"]["conf1"]["client_id"]
    assert (by_event.returncode, client in by_event.stdout) == (0, True)
    assert served.command("explain", "no-such-thing", "--tenant", "acme").returncode == 3
