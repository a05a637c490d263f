"""`remit plan`, `apply` and `export`: files in, a diff that people read, exit codes that programs do."""

from __future__ import annotations

import pytest

MAIL = """
[[resources]]
uri = "https://mail.example/"
name = "Mail"
scopes = [{ name = "read:mail", sentence = "Read your mail" }]
"""
READER = """
agents:
- name: reader
  purpose: read mail
  owner: alice@example.com
  state: active
  remit:
    scopes:
      https://mail.example/: [read:mail]
clients:
- name: reader-web
  agent: reader
  redirect_uris: [https://reader.example/cb]
  default_resource: https://mail.example/
"""
ACME = ("--tenant", "acme")


@pytest.fixture
def files(seeded):
    folder = seeded.folder / "desired"
    folder.mkdir()
    (folder / "mail.toml").write_text(MAIL, "utf-8")
    (folder / "reader.yaml").write_text(READER, "utf-8")
    (folder / "notes.txt").write_text("not read", "utf-8")
    return folder


def test_a_plan_is_read_and_then_made(seeded, files):
    planned = seeded("plan", "-f", "desired", *ACME)
    assert (planned.code, planned.err) == (6, "4 to create, 0 to change, 0 to end.\n")
    lines = planned.out.splitlines()
    assert [line for line in lines if line[0] != " "] == [
        "+ resource https://mail.example/",
        "+ agent reader",
        "+ remit reader",
        "+ client reader-web",
    ]
    assert '    owner: "alice@example.com"' in lines
    made = seeded("apply", "-f", "desired", *ACME)
    assert (made.code, made.err) == (0, "4 to create, 0 to change, 0 to end.\n")
    assert "client_secret: rmt_cs_" in made.out
    again = seeded("plan", "-f", "desired", *ACME)
    assert (again.code, again.out, again.err) == (0, "", "No changes: the tenant is as described.\n")
    assert seeded("apply", "-f", "desired", *ACME).err == "Nothing to do.\n"


def test_a_change_is_shown_with_what_was_before(seeded, files):
    seeded("apply", "-f", "desired", *ACME)
    (files / "reader.yaml").write_text(READER.replace("read mail", "read and sort mail"), "utf-8")
    planned = seeded("plan", "-f", "desired", "--json", *ACME)
    assert (planned.code, planned.json) == (
        6,
        [
            {
                "action": "change",
                "kind": "agent",
                "name": "reader",
                "differences": [{"field": "purpose", "before": "read mail", "after": "read and sort mail"}],
            }
        ],
    )
    shown = seeded("apply", "-f", "desired", "--dry-run", *ACME)
    assert (shown.code, shown.out) == (6, '~ agent reader\n    purpose: "read mail" -> "read and sort mail"\n')
    assert seeded("plan", "-f", "desired", *ACME).code == 6


def test_an_export_applied_again_changes_nothing(seeded):
    out = seeded("export", *ACME, "--out", "acme.yaml")
    assert (out.code, out.out) == (0, "")
    assert seeded("plan", "-f", "acme.yaml", "--prune", *ACME).code == 0
    printed = seeded("export", *ACME, "--json")
    assert {agent["name"] for agent in printed.json["agents"]} >= {"Invoice helper", "Ticket sorter"}
    assert "rmt_" not in printed.out


def test_only_prune_ends_anything(seeded, files):
    kept = seeded("plan", "-f", "desired", *ACME)
    assert "\n- " not in kept.out
    pruned = seeded("plan", "-f", "desired", "--prune", *ACME)
    assert pruned.code == 6
    assert "\n- client conf1 (retired)\n" in pruned.out
    assert "\n- resource http://127.0.0.1:9200 (disabled)" in pruned.out


REFUSED = {
    "an owner that nobody knows": (READER.replace("alice", "nobody"), 3, "the owner nobody@example.com is no user"),
    "a scope that nobody defined": (READER.replace("[read:mail]", "[fly]"), 2, "does not define these scopes: fly"),
    "a typing error": (READER.replace("purpose", "purpos"), 2, "unknown field `purpos`"),
    "a member that there is not": (READER.replace("state:", "status:"), 2, "unknown field `status`"),
    "no YAML": ("agents: [", 2, "reader.yaml: "),
    "another version": ("version: 9", 2, "of version 9"),
}


@pytest.mark.parametrize(("text", "code", "said"), REFUSED.values(), ids=REFUSED)
def test_what_would_be_refused_is_refused_by_the_plan(seeded, files, text, code, said):
    (files / "reader.yaml").write_text(text, "utf-8")
    planned = seeded("plan", "-f", "desired", *ACME)
    assert planned.code == code, planned.err
    assert said in planned.err
    assert "Traceback" not in planned.err


def test_files_that_are_not_there_are_a_usage_error(seeded):
    for name, said in (("none.yaml", "cannot be read"), ("x.ini", "a file is called"), ("remit-data", "holds no")):
        ran = seeded("plan", "-f", name)
        assert (ran.code, said in ran.err) == (2, True), ran.err
