"""`--dry-run` of what works on this machine only. The others are tried at both doors in tests/flows."""

from __future__ import annotations

NOTHING = "Nothing was kept (--dry-run).\n"


def test_a_tenant_that_was_tried_is_not_there(seeded):
    words = ("tenants", "create", "umbrella", "--name", "Umbrella")
    tried = seeded(*words, "--dry-run", "--json")
    assert (tried.code, tried.json["slug"], tried.err) == (0, "umbrella", NOTHING)
    assert [tenant["slug"] for tenant in seeded("tenants", "list", "--json").json] == ["acme", "globex"]
    assert seeded("tenants", "create", "acme", "--name", "Acme", "--dry-run").code == 1
    assert seeded(*words).code == 0


def test_a_client_for_login_that_was_tried_is_not_there(seeded):
    at = ("--tenant", "acme")
    before = seeded("clients", "list", "--json", *at).json
    tried = seeded("clients", "for-login", "--owner", "admin@example.com", "--dry-run", "--json", *at)
    assert (tried.code, set(tried.json), tried.err) == (0, {"client_id", "issuer"}, NOTHING)
    assert seeded("clients", "list", "--json", *at).json == before


def test_a_copy_that_was_tried_is_not_there(seeded):
    tried = seeded("backup", "--out", "copy.db", "--dry-run", "--json")
    assert (tried.code, tried.json["out"], tried.err) == (0, "copy.db", NOTHING)
    assert not (seeded.folder / "copy.db").exists()
    (seeded.folder / "copy.db").touch()
    assert seeded("backup", "--out", "copy.db", "--dry-run").code == 1


def test_a_move_that_was_tried_moves_nothing(seeded):
    issuers = [tenant["issuer"] for tenant in seeded("tenants", "list", "--json").json]
    tried = seeded("config", "move", "https://id.example.com", "--dry-run", "--json")
    assert (tried.code, tried.json["tenants"], tried.err) == (0, len(issuers), NOTHING)
    assert [tenant["issuer"] for tenant in seeded("tenants", "list", "--json").json] == issuers
    moved = seeded("config", "move", "https://id.example.com", "--json")
    assert (moved.code, moved.json) == (0, tried.json)


def test_an_upgrade_that_was_tried_leaves_the_file(remit):
    remit.data.mkdir()
    remit.database.touch()
    tried = remit("db", "upgrade", "--dry-run", "--json")
    assert (tried.code, tried.json["current"], remit.database.stat().st_size) == (1, None, 0)
    assert remit("db", "upgrade", "--json").json["changed"] is True
    assert remit("db", "upgrade", "--dry-run", "--json").json["sound"] is True
