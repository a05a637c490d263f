"""dev-seed: the names that outside scripts are written against, and that everything in it works."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import httpx
import msgspec
import pytest

from remit.seed.document import Seed
from tests.cli.conftest import serving

PAGE = (Path(__file__).parents[2] / "docs" / "dev-seed.md").read_text("utf-8")

NAMES = {
    "Seed": {"schema", "base_url", "password", "tenants"},
    "SeedTenant": {
        *("id", "slug", "issuer", "api", "rights_on", "users", "resources", "agents", "clients", "admin"),
        *("authorization_endpoint", "token_endpoint", "introspection_endpoint", "revocation_endpoint"),
        *("userinfo_endpoint", "registration_endpoint", "jwks_uri", "feed", "decisions"),
    },
    "SeedUser": {"id", "email", "name", "role", "password", "rights"},
    "SeedResource": {"id", "uri", "name", "scopes", "client_id", "client_secret"},
    "SeedAgent": {"id", "name", "owner", "purpose", "remit_id", "remit"},
    "SeedClient": {
        *("client_id", "client_secret", "private_jwk", "auth_method", "agent", "redirect_uri", "grant_types"),
        *("default_resource", "default_scopes", "admin_grant", "admin_scopes"),
    },
    "SeedAdmin": {"client_id", "client_secret", "resource", "scopes", "access_token", "expires_at"},
}
"""The names of schema 1. None of them may ever go; a new one is added here and in docs/dev-seed.md."""

SCHEMA = msgspec.json.schema(Seed)["$defs"]


@pytest.mark.parametrize("part", list(NAMES))
def test_no_name_of_the_schema_goes(part):
    assert set(SCHEMA[part]["properties"]) == NAMES[part]
    assert set(SCHEMA[part]["required"]) == NAMES[part]


def test_every_name_is_described():
    described = set(re.findall(r"`(\w+)`", PAGE))
    assert {name for names in NAMES.values() for name in names} - described == set()


def test_what_is_written_is_the_schema(seeded_once):
    seed = msgspec.json.decode((seeded_once.folder / "seed.json").read_bytes(), type=Seed, strict=True)
    assert seed.schema == 1
    assert {slug: sorted(tenant.users) for slug, tenant in seed.tenants.items()} == {
        "acme": ["admin", "alice", "bob", "mallory"],
        "globex": ["admin", "carol"],
    }
    for tenant in seed.tenants.values():
        assert sorted(tenant.clients) == ["conf1", "conf2", "jwt1", "pub1", "pub2"]
        assert sorted(tenant.agents) == ["A", "B"]
        assert {name: resource.uri for name, resource in tenant.resources.items()} == {
            "R1": "http://127.0.0.1:9100",
            "R2": "http://127.0.0.1:9200",
            "mcp": "http://127.0.0.1:9500/mcp",
        }
        for resource in tenant.resources.values():
            assert resource.scopes == ["delete:calendar", "read:calendar", "tickets.update", "write:calendar"]
        assert tenant.clients["conf1"].redirect_uri == "http://127.0.0.1:8765/callback"
        assert tenant.clients["pub1"].redirect_uri == "http://127.0.0.1/callback"
    acme = seed.tenants["acme"]
    assert acme.users["mallory"].rights == {"R1": ["read:calendar"]}
    assert (acme.rights_on, seed.tenants["globex"].rights_on) == (True, False)


def test_the_tenants_share_names_and_nothing_else(seeded_once):
    acme, globex = seeded_once.seed["tenants"].values()
    assert acme["agents"]["A"]["name"] == globex["agents"]["A"]["name"]
    assert set(_ids(acme)) & set(_ids(globex)) == set()


def _ids(value):
    if isinstance(value, dict):
        for inner in value.values():
            yield from _ids(inner)
    elif isinstance(value, str) and re.match(r"(tnt|usr|agt|rem|cli|res|grt|rmt)_", value):
        yield value


def test_the_file_is_nobody_elses(seeded_once):
    assert stat.S_IMODE((seeded_once.folder / "seed.json").stat().st_mode) == 0o600


def test_everything_in_it_works(seeded):
    admin: dict[str, str] = {}
    with serving(seeded) as port, httpx.Client() as http:
        for slug, tenant in seeded.seed["tenants"].items():
            issuer = f"http://127.0.0.1:{port}/t/{slug}"
            client, resource = tenant["clients"]["conf1"], tenant["resources"]["R1"]
            answer = http.post(
                f"{issuer}/oauth/token",
                data={"grant_type": "client_credentials"},
                auth=(client["client_id"], client["client_secret"]),
            )
            assert (answer.status_code, answer.json()["scope"]) == (200, "read:calendar")
            told = http.post(
                f"{issuer}/oauth/introspect",
                data={"token": answer.json()["access_token"]},
                auth=(resource["client_id"], resource["client_secret"]),
            ).json()
            assert (told["active"], told["aud"], told["agent_owner"]) == (
                True,
                resource["uri"],
                tenant["users"][tenant["agents"]["A"]["owner"]]["id"],
            )
            admin["authorization"] = f"Bearer {tenant['admin']['access_token']}"
            agents = http.get(f"{issuer}/api/v1/agents", headers=admin)
            assert [agent["name"] for agent in agents.json()["agents"]][:2] == ["Invoice helper", "Ticket sorter"]
        # A token of one tenant is nothing in the other.
        assert http.get(f"http://127.0.0.1:{port}/t/acme/api/v1/agents", headers=admin).status_code == 401


USED = {
    "an instance that was seeded": (["dev-seed", "--json", "again.json"], "this instance is in use"),
    "one where the tenants are, even with force": (
        ["dev-seed", "--json", "again.json", "--force"],
        "the tenant acme is there already",
    ),
}


@pytest.mark.parametrize(("words", "said"), list(USED.values()), ids=list(USED))
def test_an_instance_in_use_is_left_alone(seeded, words, said):
    ran = seeded(*words)
    assert (ran.code, ran.out, said in ran.err) == (1, "", True)
    assert not (seeded.folder / "again.json").exists()


def test_force_adds_to_an_instance_in_use(remit):
    with serving(remit):
        pass
    # A server started here and nobody came: that is no data yet. One user is.
    assert remit("users", "create", "root@example.com", "--name", "Root").code == 0
    refused = remit("dev-seed", "--json", "seed.json")
    assert (refused.code, "in use" in refused.err) == (1, True)
    assert remit("dev-seed", "--json", "seed.json", "--force").code == 0
    slugs = [tenant["slug"] for tenant in remit("tenants", "list", "--json").json]
    assert slugs == ["default", "acme", "globex"]
    assert [user["email"] for user in remit("users", "list", "--json").json] == ["root@example.com"]


def test_an_instance_where_nobody_is_yet_may_be_seeded(remit):
    with serving(remit):
        pass
    assert remit("dev-seed", "--json", "seed.json").code == 0


def test_a_folder_that_is_not_there_is_told_before_anything_is_made(remit):
    ran = remit("dev-seed", "--json", "nowhere/seed.json")
    assert (ran.code, ran.out) == (2, "")
    assert "no folder nowhere" in ran.err


def test_the_base_url_is_in_every_address(remit):
    assert remit("dev-seed", "--json", "seed.json", "--base-url", "https://id.example").code == 0
    assert remit.seed["base_url"] == "https://id.example"
    assert remit.seed["tenants"]["acme"]["token_endpoint"] == "https://id.example/t/acme/oauth/token"
