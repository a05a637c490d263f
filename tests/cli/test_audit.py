"""`remit audit`: a log that was touched says so and says where, and an export can be verified with nothing of ours."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sqlite3
import subprocess
import threading

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.kit.command import REMIT, environment

AT = ("--tenant", "acme")


def spoil(command, *statements):
    """Do to the database what somebody does who can write the file."""
    connection = sqlite3.connect(command.database)
    with connection:
        for statement, values in statements:
            connection.execute(statement, {"slug": "acme", **values})
    connection.close()


OF_ACME = "tenant = (select tenant from tenant where slug = :slug)"


def verify(command, *words):
    ran = command("audit", "verify", "--json", *AT, *words)
    return ran.code, ran.json


def test_a_log_that_nobody_touched_is_sound(signed):
    code, report = verify(signed, "--checkpoint", "remit-data/checkpoints.log")
    assert (code, report["sound"], report["tail_known"], report["faults"]) == (0, True, True, [])
    assert report["signed"] == report["entries"] > 20
    ran = signed("audit", "verify", *AT)
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "SOUND")
    assert "a cut tail cannot be seen: use --checkpoint FILE" in ran.err


DOINGS = {
    "an event is edited": (
        [("update event set body = replace(body, 'ok', 'no') where seq = 7 and " + OF_ACME, {})],
        ("edited", 7, 7),
    ),
    "an event is edited, and its hash too": (
        [("update event set body = :body, leaf = :leaf where seq = 7 and " + OF_ACME, {
            "body": b"{}", "leaf": hashlib.sha256(b"\0{}").digest()
        })],
        ("tree", 0, None),
    ),
    "an event is deleted": (
        [("delete from event where seq = 7 and " + OF_ACME, {})],
        ("missing", 7, 7),
    ),
    "the end is cut off": (
        [("delete from event where seq > 20 and " + OF_ACME, {})],
        ("missing", 21, None),
    ),
    "a checkpoint is forged": (
        [("update checkpoint set note = replace(note, '\u2014 ', '\u2014 x') where " + OF_ACME, {})],
        ("unsigned", None, None),
    ),
}  # fmt: skip


@pytest.mark.requirement("AUD-3")
@pytest.mark.parametrize(("doings", "fault"), list(DOINGS.values()), ids=list(DOINGS))
def test_what_was_done_to_the_log_is_seen_and_named(signed, doings, fault):
    spoil(signed, *doings)
    code, report = verify(signed)
    kind, index, until = fault
    assert (code, report["sound"]) == (1, False)
    found = next(found for found in report["faults"] if found["kind"] == kind)
    assert found["index"] == index
    assert until is None or found["until"] == until
    told = signed("audit", "verify", *AT)
    assert (told.code, told.out.splitlines()[-1]) == (1, "BROKEN")
    assert index is None or f"entr{'y' if until == index else 'ies'} {index}" in told.out


def test_an_edited_event_is_named_by_its_id(signed):
    shown = json.loads(signed("audit", "tail", "-n", "1", "--json", *AT).out)
    spoil(signed, ("update event set body = replace(body, 'cli', 'xyz') where id = :id", {"id": shown["id"]}))
    _, report = verify(signed)
    assert report["faults"][0]["event"] == f"{shown['id']} {shown['type']}"


def cut(command, size):
    """Cut the tail as an attacker does who knows the tree: what is left agrees with itself in everything stored."""
    from remit.core.audit.tree import EMPTY

    connection = sqlite3.connect(command.database)
    frontier = EMPTY
    rows = connection.execute(f"select leaf from event where {OF_ACME} and seq < {size} order by seq", {"slug": "acme"})
    for (leaf,) in rows:
        frontier = frontier.append(leaf)
    connection.close()
    spoil(
        command,
        (f"delete from event where seq >= {size} and {OF_ACME}", {}),
        (f"delete from checkpoint where size > {size} and {OF_ACME}", {}),
        (
            f"update audit_tree set size = {size}, frontier = :frontier where {OF_ACME}",
            {"frontier": frontier.to_bytes()},
        ),
    )


def test_a_well_cut_tail_is_seen_from_outside_alone(signed):
    outside = (signed.data / "checkpoints.log").rename(signed.folder / "outside.log")
    cut(signed, 20)
    ran = signed("audit", "verify", *AT)
    assert ran.code == 0
    assert "a cut tail cannot be seen" in ran.err
    code, report = verify(signed, "--checkpoint", str(outside))
    assert code == 1
    assert [(found["kind"], found["index"]) for found in report["faults"]] == [("cut", 20)]


OUTSIDE = {
    "an empty file": ("", 3, "no checkpoint of 127.0.0.1:8700/t/acme/audit"),
    "another tenant's alone": ("globex", 3, "no checkpoint of 127.0.0.1:8700/t/acme/audit"),
    "one that somebody changed": ("changed", 1, "cannot be believed"),
    "something else": ("hello\n", 3, "no checkpoint of"),
}


@pytest.mark.parametrize(("kind", "code", "said"), list(OUTSIDE.values()), ids=list(OUTSIDE))
def test_a_check_against_nothing_does_not_pass_for_one(signed, kind, code, said):
    text = (signed.data / "checkpoints.log").read_text("utf-8")
    acme = next(line for line in text.splitlines() if line.endswith("/t/acme/audit"))
    start = text.index(acme)
    end = text.find("\n\n", text.index("\N{EM DASH}", start))
    ours = text[start:end] + "\n"
    match kind:
        case "globex":
            content = text.replace(ours, "")
        case "changed":
            size = ours.splitlines()[1]
            content = text.replace(ours, ours.replace(f"\n{size}\n", f"\n{int(size) - 1}\n"))
        case _:
            content = kind
    (signed.folder / "outside.log").write_text(content, "utf-8")
    ran = signed("audit", "verify", "--checkpoint", "outside.log", *AT)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(leaves):
    """The Merkle tree head as RFC 6962 §2.1 writes it down, and not as we do."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return node(root_of(leaves[:half]), root_of(leaves[half:]))


def verify_export(lines):
    """Verify an export with the standard library and one signature check: what docs/cli.md tells an outsider to do."""
    head, rest = lines[0], lines[1:]
    leaves: list[bytes] = []
    for entry in (line for line in rest if line["kind"] == "entry"):
        leaf = hashlib.sha256(b"\0" + entry["body"].encode()).digest()
        if entry["seq"] != len(leaves) or base64.b64encode(leaf).decode() != entry["leaf"]:
            return f"entry {entry['seq']}"
        leaves.append(leaf)
    if (len(leaves), base64.b64encode(root_of(leaves)).decode()) != (head["size"], head["root"]):
        return "root"
    for line in (line for line in rest if line["kind"] == "checkpoint"):
        body, _, signatures = line["note"].rpartition("\n\n")
        _, size, root = body.split("\n")
        signature = base64.b64decode(signatures.split(" ")[2])[4:]
        try:
            for key in head["public_keys"]:
                Ed25519PublicKey.from_public_bytes(base64.b64decode(key)).verify(signature, f"{body}\n".encode())
        except InvalidSignature:
            return "signature"
        if base64.b64encode(root_of(leaves[: int(size)])).decode() != root:
            return f"checkpoint {size}"
    return None


def export(command):
    ran = command("audit", "export", *AT)
    assert ran.code == 0
    return [json.loads(line) for line in ran.out.splitlines()]


def test_an_export_is_verified_without_us(signed):
    lines = export(signed)
    assert [line["kind"] for line in lines].count("checkpoint") == 1
    assert json.loads(lines[-2]["body"])["type"] == "audit.exported"
    assert verify_export(lines) is None


@pytest.mark.requirement("AUD-3")
def test_an_export_that_was_touched_is_caught_without_us(signed):
    lines = export(signed)
    lines[8]["body"] = lines[8]["body"].replace('"ok"', '"no"')
    assert verify_export(lines) == "entry 7"


def test_show_tells_one_event(signed):
    event = json.loads(signed("audit", "tail", "-n", "1", "--json", *AT).out)
    shown = signed("audit", "show", event["id"], "--json", *AT).json
    assert (shown["id"], shown["type"], shown["who"], shown["legible"]) == (
        event["id"],
        event["type"],
        event["who"],
        True,
    )
    told = signed("audit", "show", event["id"], *AT).out
    assert re.search(rf"^type +{re.escape(event['type'])}$", told, re.MULTILINE)


def test_tail_filters(signed):
    ran = signed("audit", "tail", "--type", "agent.created", "--json", *AT)
    assert [json.loads(line)["type"] for line in ran.out.splitlines()] == ["agent.created"] * 4
    assert signed("audit", "tail", "--outcome", "alarm", *AT).out == ""


@pytest.mark.requirement("AUD-4")
def test_tail_follows_what_another_process_does(seeded):
    follower = subprocess.Popen(
        [REMIT, "audit", "tail", "-n", "0", "--follow", "--json", *AT],
        cwd=seeded.folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert follower.stdout
    assert follower.stderr
    out, err = follower.stdout, follower.stderr
    seen: list[str] = []
    heard = threading.Event()

    def listen():
        for line in out:
            seen.append(json.loads(line)["type"])
            heard.set()

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        # It may not be listening yet, so it is told until it hears.
        for index in range(20):
            assert seeded("users", "create", f"u{index}@example.com", "--name", "U", *AT).code == 0
            if heard.wait(0.5):
                break
    finally:
        follower.send_signal(2)
        assert follower.wait(10) == 130
        listener.join()
        out.close()
        err.close()
    assert set(seen) == {"user.created"}
