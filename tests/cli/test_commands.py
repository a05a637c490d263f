"""What commands answer: data on one side, talk on the other, and an exit code that means something."""

from __future__ import annotations

import json
import stat
import subprocess
import sys

import pytest

from remit.cli import NOUNS, VERBS
from tests.cli.commands import COMMANDS

PAGES = [[], *([noun] for noun in NOUNS), *(command.split() for command in COMMANDS if command != "demo")]


@pytest.mark.parametrize("words", PAGES, ids=[" ".join(words) or "remit" for words in PAGES])
def test_every_help_has_examples(remit, words):
    ran = remit(*words, "--help")
    assert ran.code == 0
    assert "Examples:\n  " in ran.out
    assert all(f"remit {words[0]}" in line for line in ran.out.partition("Examples:\n")[2].splitlines()[:1] if words)
    assert "\x1b[" not in ran.out
    assert not remit.data.exists()


def test_help_names_every_command(remit):
    shown = remit("--help").out
    assert {noun for noun in (*NOUNS, *VERBS) if f" {noun} " not in shown} == set()


LOADED = """
import contextlib, io, sys
from remit.cli import main
sys.argv = ["remit", "--help"]
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main()
print(*sorted({name.partition(".")[0] for name in sys.modules if name[0] != "_"} - sys.stdlib_module_names))
print(*sorted(name for name in sys.modules if name.startswith("remit.")))
"""


def test_help_loads_nothing_that_only_work_needs():
    # What makes it slow is what it imports; how slow, `make bench` measures.
    ran = subprocess.run([sys.executable, "-c", LOADED], check=True, capture_output=True, text=True)
    theirs, ours = ran.stdout.splitlines()
    assert set(theirs.split()) <= {"attr", "attrs", "cyclopts", "docstring_parser", "remit", "rich"}
    assert set(ours.split()) <= {"remit.cli", "remit.cli.exits", "remit.cli.machine", "remit.core", "remit.core.errors"}


def test_version(remit):
    ran = remit("--version")
    assert (ran.code, ran.out.startswith("remit 0.")) == (0, True)


REFUSED = {
    "a verb that is not there": (["agnts"], 2, 'Did you mean "agents"?'),
    "a second word that is not there": (["agents", "lst"], 2, 'Did you mean "list"?'),
    "a kind that is not there": (["stop", "agnt", "x", "--reason", "y"], 2, 'Did you mean "agent"?'),
    "no reason": (["stop", "agent", "Invoice helper"], 2, "--reason"),
    "an empty reason": (["stop", "agent", "Invoice helper", "--reason", " "], 2, "say why"),
    "a span that is none": (["stop", "agent", "Invoice helper", "--reason", "y", "--for", "4 hours"], 2, "write 30s"),
    "a span of a century": (["stop", "agent", "Invoice helper", "--reason", "y", "--for", "9999w"], 2, "ten years"),
    "an agent that is not there": (["stop", "agent", "nobody", "--reason", "y"], 3, "no agent `nobody`"),
    "a grant that is not there": (["stop", "grant", "grt_x", "--reason", "y"], 3, "no such grant"),
    "a grant for a while": (["stop", "grant", "grt_x", "--reason", "y", "--for", "4h"], 2, "leave out --for"),
    "a grant that goes on": (["resume", "grant", "grt_x", "--reason", "y"], 2, "is final"),
    "nothing to resume": (["resume", "agent", "Invoice helper", "--reason", "y"], 3, "no stop is in force"),
    "another tenant than the one here": (["stop", "tenant", "globex", "--reason", "y"], 3, "this is the tenant `acme`"),
    "an agent of the other tenant": (["agents", "show", "{globex.agents.A.id}"], 3, "no such agent"),
    "an agent without a purpose": (["agents", "create", "x"], 2, "--purpose"),
    "an agent whose name is taken": (
        ["agents", "create", "Invoice helper", "--purpose", "y"],
        1,
        "choose another name",
    ),
    "an agent of nobody we know": (
        ["agents", "create", "x", "--purpose", "y", "--owner", "eve@example.com"],
        3,
        "user",
    ),
    "a scope of nobody": (["agents", "create", "x", "--purpose", "y", "--can", "fly"], 3, "no resource defines `fly`"),
    "a scope of several": (["agents", "create", "x", "--purpose", "y", "--can", "read:calendar"], 2, "--on"),
    "how long of nothing": (["agents", "create", "x", "--purpose", "y", "--for", "4h"], 2, "--can"),
    "a client without a way back": (["clients", "create", "x", "--agent", "Invoice helper"], 2, "redirect URI"),
    "a client without an agent": (["clients", "create", "x"], 2, "--agent"),
    "an evil redirect": (
        ["clients", "create", "x", "--agent", "Invoice helper", "--redirect", "http://127.0.0.1.evil.test/"],
        2,
        "must use https",
    ),
    "a key file that is not there": (
        ["clients", "create", "x", "--agent", "Invoice helper", "--auth", "private_key_jwt", "--jwks", "none.json"],
        2,
        "none.json cannot be read",
    ),
    "a secret for a public client": (["clients", "add-secret", "pub1"], 1, "proves nothing"),
    "a scope without a sentence": (
        ["resources", "create", "https://x.example", "--name", "X", "--scope", "a"],
        2,
        "NAME=",
    ),
    "a resource on http": (
        ["resources", "create", "http://x.example", "--name", "X", "--scope", "a=b"],
        2,
        "must use https",
    ),
    "a resource by the wrong name": (["resources", "add-secret", "R9"], 3, "no resource `R9`"),
    "a user twice": (["users", "create", "alice@example.com", "--name", "Alice"], 1, "has the address"),
    "a password file that is not there": (
        ["users", "create", "x@example.com", "--name", "X", "--password-file", "none.txt"],
        2,
        "none.txt cannot be read",
    ),
    "a short password": (
        ["users", "create", "x@example.com", "--name", "X", "--password-file", "/dev/stdin"],
        2,
        "at least 12 characters",
    ),
    "an approval without scopes": (["grants", "approve", "conf1", "Calendar"], 2, "SCOPES"),
    "an approval of what is not there": (["grants", "approve", "conf1", "Calendar", "fly"], 2, "does not define"),
    "an approval by a user": (
        ["grants", "approve", "conf1", "Calendar", "read:calendar", "--approver", "alice@example.com"],
        1,
        "active administrator",
    ),
    "an event that is not there": (["audit", "show", "evt_x"], 3, "no such event"),
    "more lines than there can be": (["audit", "tail", "-n", "-1"], 2, "-n takes a number"),
    "a checkpoint file that is not there": (
        ["audit", "verify", "--checkpoint", "none.log"],
        2,
        "none.log cannot be read",
    ),
    "an export onto a file that is there": (["audit", "export", "--out", "seed.json"], 2, "is there already"),
    "a token that is none": (["token", "parse", "a.b.c"], 1, "no signed token"),
}
WITHOUT_TENANT = {"token"}


@pytest.mark.parametrize(("words", "code", "said"), list(REFUSED.values()), ids=list(REFUSED))
def test_bad_input_is_told_what_to_change(seeded_once, words, code, said):
    # None of these changes anything, so they may share one instance.
    words = [str(_named(seeded_once.seed["tenants"], word)) for word in words]
    tenant = [] if words[0] in WITHOUT_TENANT or len(words) < 2 else ["--tenant", "acme"]
    before = seeded_once("audit", "tail", "-n", "1", "--json", "--tenant", "acme").out
    ran = seeded_once(*words, *tenant, stdin="short\n")
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert seeded_once("audit", "tail", "-n", "1", "--json", "--tenant", "acme").out == before


def _named(tenants, word):
    if not word.startswith("{"):
        return word
    found = tenants
    for part in word.strip("{}").split("."):
        found = found[part]
    return found


PLACES = {
    "no instance at all": ([], 3, "there is no instance in"),
    "another folder": (["--data", "nowhere"], 3, "`remit serve --data"),
}


@pytest.mark.parametrize(("words", "code", "said"), list(PLACES.values()), ids=list(PLACES))
def test_a_command_makes_no_instance_by_accident(remit, words, code, said):
    ran = remit("agents", "list", *words)
    assert (ran.code, ran.out, said in ran.err) == (code, "", True)
    assert list(remit.folder.iterdir()) == []


def test_an_unknown_tenant_is_told_which_there_are(seeded_once):
    ran = seeded_once("agents", "list", "--tenant", "umbrella")
    assert (ran.code, ran.err) == (3, "remit: there is no tenant `umbrella`; there are: acme, globex (--tenant)\n")


def test_settings_that_do_not_hold_are_all_told(remit):
    ran = remit("config", "check", REMIT_SERVER__PORT="0", REMIT_SERVR__HOST="x")
    assert (ran.code, ran.out) == (2, "")
    assert "server.port must be from 1 to 65535" in ran.err
    assert "REMIT_SERVR__HOST" in ran.err


def test_a_lost_key_is_a_broken_machine_and_no_traceback(seeded):
    (seeded.data / "remit.key").unlink()
    ran = seeded("agents", "list", "--tenant", "acme")
    assert (ran.code, ran.out) == (5, "")
    assert ran.err.startswith("remit: ")
    assert "Traceback" not in ran.err


def test_a_reader_who_leaves_is_no_error(seeded_once):
    ran = seeded_once("audit", "export", "--tenant", "acme", "--out", "/dev/full")
    assert ran.code != 0
    assert "Traceback" not in ran.err


def test_stop_and_resume(seeded):
    at = ("--tenant", "acme")
    placed = seeded("stop", "agent", "Invoice helper", "--reason", "INC-42", "--for", "4h", "--json", *at)
    assert placed.code == 0
    assert "remit resume agent 'Invoice helper'" in placed.err
    assert (placed.json["kind"], placed.json["reason"], placed.json["epoch"]) == ("agent", "INC-42", 1)
    listed = seeded("stops", "list", "--json", *at).json
    assert [stop["id"] for stop in listed] == [placed.json["id"]]
    assert {agent["name"]: agent["state"] for agent in seeded("agents", "list", "--json", *at).json} == {
        "Invoice helper": "stopped",
        "Ticket sorter": "active",
        "Administrator": "active",
        # Staged: it only opens registration, and never acts itself.
        "self-registered": "staged",
    }
    # Of the same name, behind the wall.
    assert {agent["state"] for agent in seeded("agents", "list", "--json", "--tenant", "globex").json} == {
        "active",
        "staged",
    }
    lifted = seeded("resume", "agent", "Invoice helper", "--reason", "closed", "--json", *at)
    assert (lifted.code, lifted.json["lifted"]) == (0, [placed.json["id"]])
    assert seeded("stops", "list", "--json", *at).json == []
    assert len(seeded("stops", "list", "--all", "--json", *at).json) == 1
    last = [json.loads(line) for line in seeded("audit", "tail", "-n", "2", "--json", *at).out.splitlines()]
    assert [(event["type"], event["who"]["actor_kind"]) for event in last] == [
        ("stop.placed", "cli"),
        ("stop.lifted", "cli"),
    ]


def test_from_nothing_to_an_agent_that_may_act_for_itself(seeded):
    at = ("--tenant", "acme", "--json")
    resource = seeded(
        "resources", "create", "https://notes.example", "--name", "Notes", "--scope", "notes.read=Read notes", *at
    ).json
    assert resource["client_secret"].startswith("rmt_rs_")
    user = seeded(
        "users", "create", "dana@example.com", "--name", "Dana", "--password-file", "/dev/stdin", *at, stdin="x" * 12
    )
    assert user.json["signs_in"] is True
    agent = seeded(
        "agents", "create", "note-taker", "--purpose", "take notes", "--owner", "dana@example.com",
        "--can", "notes.read", "--for", "90d", *at,
    ).json  # fmt: skip
    assert (agent["state"], agent["owner"]) == ("active", user.json["id"])
    client = seeded(
        "clients", "create", "notes-batch", "--agent", "note-taker", "--grant", "client_credentials",
        "--resource", "Notes", "--scope", "notes.read", *at,
    ).json  # fmt: skip
    assert client["client_secret"].startswith("rmt_cs_")
    grant = seeded("grants", "approve", "notes-batch", "Notes", "notes.read", "--approver", "admin@example.com", *at)
    assert grant.json["scopes"] == ["notes.read"]
    shown = seeded("agents", "show", "note-taker", *at).json
    assert shown["remit"] == {"https://notes.example": ["notes.read"]}
    assert (shown["clients"], shown["grants"]) == ([client["client_id"]], [grant.json["id"]])
    revoked = seeded("grants", "revoke", grant.json["id"], "--reason", "over", *at)
    assert (revoked.json["id"], revoked.json["state"]) == (grant.json["id"], "revoked")
    assert seeded("grants", "list", "--agent", "note-taker", *at).json == []
    retired = seeded("agents", "retire", "note-taker", "--reason", "over", *at)
    assert retired.json["state"] == "retired"
    assert seeded("agents", "retire", "note-taker", "--reason", "over", *at).code == 1
    assert seeded("audit", "verify", "--tenant", "acme").code == 0


def test_a_tenant_is_made_once(seeded):
    made = seeded("tenants", "create", "umbrella", "--name", "Umbrella", "--json")
    assert (made.code, made.json["issuer"]) == (0, "http://127.0.0.1:8700/t/umbrella")
    again = seeded("tenants", "create", "umbrella", "--name", "Umbrella", "--json")
    assert (again.code, again.out) == (1, "")
    assert [tenant["slug"] for tenant in seeded("tenants", "list", "--json").json] == ["acme", "globex", "umbrella"]
    states = sorted(key["state"] for key in seeded("keys", "list", "--tenant", "umbrella", "--json").json)
    assert states == ["active"] * 4 + ["next"] * 3


def test_the_database_is_checked_and_left_alone(seeded):
    assert seeded("db", "check", "--json").json["sound"] is True
    assert seeded("db", "upgrade", "--json").json["changed"] is False


def test_no_control_character_reaches_the_terminal(seeded):
    # Typed by an administrator it is refused, so only somebody else's word could bring one here.
    ran = seeded("users", "create", "x@example.com", "--name", "\x1b[31mred", "--tenant", "acme")
    assert (ran.code, "\x1b" in ran.err) == (2, False)


def test_a_token_is_taken_apart_and_not_believed(seeded_once):
    token = seeded_once.seed["tenants"]["acme"]["admin"]["access_token"]
    ran = seeded_once("token", "parse", stdin=token + "\n")
    assert (ran.code, ran.err) == (0, "Nothing was verified.\n")
    assert ran.json["claims"]["iss"] == "http://127.0.0.1:8700/t/acme"


def test_the_file_of_an_export_is_nobody_elses(seeded):
    assert seeded("audit", "export", "--tenant", "acme", "--out", "log.jsonl").code == 0
    assert stat.S_IMODE((seeded.folder / "log.jsonl").stat().st_mode) == 0o600


def test_a_staged_agent_gets_an_owner_and_is_let_act(seeded):
    acme = ("--tenant", "acme")
    made = seeded("agents", "create", "sorter", "--purpose", "sort", "--json", *acme)
    assert made.json["state"] == "staged"
    early = seeded("agents", "activate", "sorter", "--reason", "ready", *acme)
    assert (early.code, "name an owner" in early.err) == (1, True)
    tried = seeded("agents", "change", "sorter", "--owner", "alice@example.com", "--dry-run", "--json", *acme)
    assert (tried.code, tried.json["owner"] is not None) == (0, True)
    assert seeded("agents", "show", "sorter", "--json", *acme).json["owner"] is None
    changed = seeded("agents", "change", "sorter", "--owner", "alice@example.com", "--model", "m", "--json", *acme)
    assert (changed.json["owner"], changed.json["model"]) == (tried.json["owner"], "m")
    active = seeded("agents", "activate", "sorter", "--reason", "ready", "--json", *acme)
    assert (active.code, active.json["state"]) == (0, "active")
    gone = seeded("agents", "change", "sorter", "--owner", "nobody@example.com", *acme)
    assert gone.code == 3
