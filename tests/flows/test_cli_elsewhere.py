"""Commands work on a server that somebody signed in to as they do in its data folder: one table, two doors."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.kit.command import Command

STATE = """
agents:
- {name: planned, purpose: plan, owner: alice@example.com, state: active}
clients:
- {name: planned-web, agent: planned, redirect_uris: ["https://p.example/cb"]}
"""


@pytest.fixture(scope="module")
def remit(seeded_once, tmp_path_factory):
    """Somebody who holds every permission at a running server, on the machine of its data folder."""
    folder = tmp_path_factory.mktemp("elsewhere")
    server, acme = seeded_once.copy(folder / "instance"), seeded_once.acme
    server.start()
    admin = acme["admin"]
    answer = httpx.post(
        acme["token_endpoint"],
        auth=(admin["client_id"], admin["client_secret"]),
        data={"grant_type": "client_credentials", "resource": admin["resource"]},
    )
    login = {
        "issuer": acme["issuer"],
        "api": acme["api"],
        "token_endpoint": acme["token_endpoint"],
        "client_id": admin["client_id"],
        "access_token": answer.json()["access_token"],
        "refresh_token": None,
        "expires_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
        "scopes": [],
    }
    (folder / "state.yaml").write_text(STATE)
    (folder / "logins.json").write_text(json.dumps({"default": login["issuer"], "logins": {login["issuer"]: login}}))
    yield Command(folder=folder, environ={"REMIT_LOGINS": str(folder / "logins.json")})
    assert server.end() in (0, -15)


@pytest.fixture(scope="module")
def here(remit):
    """The same person, who works on the folder."""

    def type_(*words, **more):
        return remit(*words, "--data", "instance/data", "--tenant", "acme", **more)

    return type_


@pytest.fixture(scope="module")
def ids(here):
    """Ids of things that have no name."""
    grant = here("grants", "list", "--client", "conf1", "--json").json[0]["id"]
    event = json.loads(here("audit", "tail", "-n", "1", "--type", "agent.created", "--json").out)["id"]
    secret = here("clients", "credentials", "conf1", "--json").json[0]["id"]
    kid = here("keys", "list", "--json").json[0]["kid"]
    return {"{grant}": grant, "{event}": event, "{secret}": secret, "{kid}": kid}


READS = [
    "agents list", "agents show Administrator", "agents remits Administrator",
    "clients list --agent Administrator", "clients show conf1", "clients credentials conf1",
    "grants list --all", "grants list --agent Administrator", "grants show {grant}", "grants lines {grant}",
    "grants usage {grant}", "keys list --all", "resources list", "resources show Calendar",
    "resources credentials Calendar", "stops list --all", "tenants show", "tenants lifetimes",
    "tenants admission", "users list",
    "users show alice@example.com", "users rights mallory@example.com Calendar",
    "audit tail -n 5 --type agent.created", "audit show {event}", "audit decisions",
    "audit tail --agent Administrator --kind changes --since 30d", "audit tail --user alice@example.com --client conf1",
    "audit tail --grant {grant}", "explain {event}",
    "explain invalid_grant", "export", "plan -f state.yaml",
]  # fmt: skip


@pytest.mark.parametrize("command", READS)
def test_both_doors_answer_alike(remit, here, ids, command):
    words = [ids.get(word, word) for word in command.split()]
    for json_ in ((), ("--json",)):
        there, local = remit(*words, *json_), here(*words, *json_)
        assert (there.code, there.out) == (local.code, local.out), there.err
        assert there.code == (6 if words[0] == "plan" else 0)


CHANGES = [
    "agents create a1 --purpose p --owner alice@example.com --can agents:read", "agents change Administrator --model m",
    "agents allow Administrator --can agents:read", "agents lifetime Administrator --token-seconds 90",
    "agents retire Administrator --reason r", "clients create c1 --agent Administrator --redirect https://c.example/cb",
    "clients change conf1 --rename conf9", "clients retire conf1 --reason r", "clients add-secret conf1",
    "clients rotate conf1 --overlap 4h", "clients revoke-secret conf1 {secret}",
    "resources create https://r.example --name R --scope a=b", "resources change Calendar --scope new=New",
    "resources add-secret Calendar", "resources rotate Calendar", "resources lifetime Calendar --token-seconds 90",
    "users create x@example.com --name X", "users change alice@example.com --role auditor",
    "users deactivate alice@example.com --reason r", "users allow mallory@example.com Calendar --nothing",
    "grants narrow {grant} read:calendar --reason r", "grants revoke {grant} --reason r",
    "grants revoke-all --client conf1 --reason r",
    "stop agent Administrator --reason r --for 4h", "stop user alice@example.com --reason r",
    "keys rotate --at-once", "keys revoke {kid} --reason r", "tenants lifetimes --access-seconds 600",
    "tenants admission --documents listed --host app.example",
    "clients expect https://app.example/client.json --agent Administrator",
]  # fmt: skip


def test_what_is_tried_leaves_no_trace(remit, here, ids):
    before = here("audit", "tail", "-n", "1", "--json").out
    for command in CHANGES:
        words = [ids.get(word, word) for word in command.split()]
        for door in (remit, here):
            tried = door(*words, "--dry-run", "--json")
            assert (tried.code, tried.err) == (0, "Nothing was kept (--dry-run).\n"), (command, tried)
            assert json.loads(tried.out)
    assert here("audit", "tail", "-n", "1", "--json").out == before


REFUSED = [
    "agents show nobody", "agents show agt_01k00000000000000000000000", "agents create Administrator --purpose y",
    "stop agent Administrator --reason .. --for 9999w", "stop grant grt_x --reason y --for 4h",
    "resume agent Administrator --reason y", "stop tenant globex --reason y", "clients add-secret pub1",
    "clients create x --agent Administrator --redirect http://evil.example/", "audit show evt_x", "explain nothing",
    "resources create http://x.example --name X --scope a=b", "tenants lifetimes --access-seconds 1801",
    "users create alice@example.com --name Alice", "keys revoke nothing --reason r",
    "grants revoke-line lin_x --reason r", "grants narrow grt_x a --reason r",
    "grants revoke-all --reason r --yes", "grants trim --client conf1 --reason r --yes",
    "grants revoke-all --agent Administrator --unused 1h --reason r",
    "grants trim --days 0 --agent Administrator --reason r --yes",
]  # fmt: skip


@pytest.mark.parametrize("command", REFUSED)
def test_a_refusal_reads_the_same(remit, here, command):
    there, local = remit(*command.split()), here(*command.split())
    assert (there.code, there.out, there.err) == (local.code, local.out, local.err)
    assert there.code in (1, 2, 3)
    assert there.err.startswith("remit: ")


def test_a_change_is_made_there_by_whoever_signed_in(remit, here):
    made = remit("agents", "create", "sorter", "--purpose", "sort", "--owner", "bob@example.com")
    assert (made.code, made.err.splitlines()[-1].startswith("Done on http://127.0.0.1:")) == (0, True)
    stopped = remit("stop", "agent", "sorter", "--reason", "INC-42", "--json")
    assert here("stops", "list", "--json").json == [stopped.json]
    assert remit("resume", "agent", "sorter", "--reason", "closed").err.startswith("Lifted 1 stop.")
    assert here("agents", "show", "sorter", "--json").json["state"] == "active"
    events = [json.loads(line) for line in here("audit", "tail", "-n", "3", "--json").out.splitlines()]
    assert [event["type"] for event in events] == ["agent.created", "stop.placed", "stop.lifted"]
    assert {event["who"]["actor_kind"] for event in events} == {"client"}


def test_files_are_made_on_the_server(remit, here):
    (remit.folder / "made.yaml").write_text(STATE.replace("planned", "made"))
    made = remit("apply", "-f", "made.yaml", "--json")
    assert made.code == 0, made.err
    assert [row["client_secret"] is not None for row in made.json] == [False, True]
    assert here("clients", "show", "made-web", "--json").json["state"] == "active"
    for door in (remit, here):
        assert (door("plan", "-f", "made.yaml").code, door("apply", "-f", "made.yaml").code) == (0, 0)
    (remit.folder / "bad.yaml").write_text(STATE.replace("alice@", "nobody@"))
    there, local = remit("plan", "-f", "bad.yaml"), here("plan", "-f", "bad.yaml")
    assert (there.code, there.out, there.err) == (local.code, local.out, local.err)
    assert there.code == 3
    assert remit("apply", "-f", "bad.yaml").code == 3


def test_a_resource_is_changed_on_the_state_that_was_read(remit, here):
    changed = remit("resources", "change", "Tickets", "--scope", "tickets.read=See tickets", "--json")
    assert changed.code == 0, changed.err
    shown = here("resources", "show", "Tickets", "--json").json
    assert shown == changed.json
    assert "tickets.read" in [scope["name"] for scope in shown["scopes"]]
    dropped = here("resources", "change", "Tickets", "--drop", "tickets.read", "--drop", "no.such")
    assert (dropped.code, "defines no scope `no.such`" in dropped.err) == (2, True)


def test_who_is_signed_in_approves_himself(remit):
    ran = remit("grants", "approve", "conf1", "Calendar", "read:calendar", "--approver", "admin@example.com")
    assert (ran.code, "leave out --approver" in ran.err) == (2, True)
