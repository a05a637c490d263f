"""Lifetimes and credentials from the command line."""

from __future__ import annotations

IN = ("--tenant", "acme", "--json")


def test_lifetimes_are_chosen_step_by_step_and_let_go(seeded):
    assert seeded("tenants", "lifetimes", *IN).json == {
        "access_seconds": 900,
        "refresh_idle_days": 14,
        "refresh_absolute_days": 90,
        "chosen": [],
    }
    seeded("tenants", "lifetimes", "--access-seconds", "600", *IN)
    both = seeded("tenants", "lifetimes", "--refresh-idle-days", "7", *IN).json
    assert (both["access_seconds"], both["refresh_idle_days"]) == (600, 7)
    assert both["chosen"] == ["access_seconds", "refresh_idle_days"]
    assert seeded("tenants", "lifetimes", *IN).json == both
    assert seeded("tenants", "lifetimes", "--as-instance", *IN).json["chosen"] == []
    refused = seeded("tenants", "lifetimes", "--access-seconds", "1801", *IN)
    assert (refused.code, refused.err) == (2, "remit: lifetimes access seconds: expected `int` <= 1800\n")


def test_a_resource_and_an_agent_shorten(seeded):
    resource = seeded("resources", "lifetime", "Calendar", "--token-seconds", "120", *IN)
    assert (resource.code, resource.json["token_seconds"]) == (0, 120)
    agent = seeded("agents", "lifetime", "Invoice helper", "--token-seconds", "90", *IN)
    assert (agent.code, agent.json["version"], agent.json["token_seconds"]) == (0, 2, 90)
    freed = seeded("agents", "lifetime", "Invoice helper", "--as-tenant", *IN)
    assert (freed.code, freed.json["token_seconds"]) == (0, None)
    for words in ([], ["--token-seconds", "90", "--as-tenant"]):
        unclear = seeded("agents", "lifetime", "Invoice helper", *words, *IN)
        assert (unclear.code, "--as-tenant" in unclear.err) == (2, True)


def test_a_secret_is_rotated_seen_and_revoked(seeded):
    rotated = seeded("clients", "rotate", "conf1", "--overlap", "4h", *IN)
    assert rotated.code == 0, rotated.err
    assert rotated.json["client_secret"].startswith("rmt_cs_")
    assert "cannot be shown again" in rotated.err
    new, old = seeded("clients", "credentials", "conf1", *IN).json
    assert [old["id"]] == rotated.json["replaced"]
    assert (old["expires_at"], new["expires_at"]) == (rotated.json["until"], None)
    assert rotated.json["client_secret"] not in seeded("clients", "credentials", "conf1", *IN).out
    full = seeded("clients", "rotate", "conf1", *IN)
    assert (full.code, "2 secrets are good already" in full.err) == (1, True)
    gone = seeded("clients", "revoke-secret", "conf1", old["id"], *IN)
    assert (gone.code, gone.json["live"]) == (0, False)
    assert seeded("clients", "revoke-secret", "conf1", old["id"], *IN).code == 1
    assert seeded("clients", "revoke-secret", "conf1", "x", *IN).code == 3


def test_the_secret_of_a_resource_is_rotated_and_revoked(seeded):
    rotated = seeded("resources", "rotate", "Calendar", "--overlap", "none", *IN)
    assert (rotated.code, rotated.json["client_secret"][:7]) == (0, "rmt_rs_")
    new, old = seeded("resources", "credentials", "Calendar", *IN).json
    assert (new["live"], old["live"]) == (True, False)
    gone = seeded("resources", "revoke-secret", "Calendar", new["id"], *IN)
    assert (gone.code, gone.json["live"]) == (0, False)


def test_many_grants_are_revoked_by_whoever_means_it(seeded):
    words = ("grants", "revoke-all", "--client", "conf1", "--reason", "gone", *IN)
    alone = seeded(*words)
    assert (alone.code, "This revokes 1 grants for ever. Nobody is here" in alone.err) == (2, True)
    assert len(seeded("grants", "list", "--client", "conf1", *IN).json) == 1
    done = seeded(*words, "--yes")
    assert (done.code, len(done.json["revoked"])) == (0, 1), done.err
    assert seeded("grants", "list", "--client", "conf1", *IN).json == []
    assert seeded(*words, "--yes").code == 3
    unclear = seeded("grants", "revoke-all", "--unused", "36h", "--reason", "r", *IN)
    assert (unclear.code, "whole days" in unclear.err) == (2, True)


def test_keys_that_are_none_replace_nothing(seeded):
    (seeded.folder / "keys.json").write_text("{}", "utf-8")
    refused = seeded("clients", "rotate", "conf1", "--jwks", "keys.json", *IN)
    assert (refused.code, "must be a JSON Web Key Set" in refused.err) == (2, True)
    assert seeded("clients", "rotate", "conf1", "--overlap", "soon", *IN).code == 2
