"""Two servers on two machines' worth of folders, one PostgreSQL: one instance to everybody who asks."""

from __future__ import annotations

import asyncio
import collections
import json
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.flows.client import Browser, Party
from tests.flows.server import REMIT, Server, environment, free_port
from tests.flows.test_story_two_processes import STOPS, guarded
from tests.kit.postgres import PASSWORDS

WITHIN = 2.0
"""The promise between nodes: seconds from the stop to the first refusal."""


def by_a_command(server, second, acme, alice):
    done = second.remit("stop", "agent", acme["agents"]["A"]["id"], "--reason", "INC-42", "--tenant", "acme")
    assert done.returncode == 0, done.stderr


ALL_STOPS = {**STOPS, "a command in a third process": by_a_command}


@pytest.fixture(scope="module")
def seeded(cluster, tmp_path_factory):
    """A seeded instance in a database of its own, and the key files that every node needs."""
    folder = tmp_path_factory.mktemp("nodes")
    place = asyncio.run(cluster.new_database("nodes"))
    settings = {"REMIT_STORAGE__URL": place.url}
    for name, word in PASSWORDS.items():
        file = folder / name
        file.write_text(word + "\n")
        file.chmod(0o600)
        settings[f"REMIT_STORAGE__{name.removeprefix('remit_').upper()}_PASSWORD_FILE"] = str(file)
    node = Server(data=folder / "a" / "data", port=free_port(), base="", settings=settings)
    node.base = node.address
    assert json.loads(node.remit("db", "upgrade", "--json").stdout) == {"changed": True, "version": "0001"}
    seed = folder / "seed.json"
    words = ["dev-seed", "--data", str(node.data), "--json", str(seed), "--base-url", node.base]
    done = subprocess.run([REMIT, *words], capture_output=True, text=True, check=False, env=environment(**settings))
    assert done.returncode == 0, done.stderr
    return node, json.loads(seed.read_text())["tenants"]["acme"]


@pytest.fixture
def acme(seeded):
    return seeded[1]


@pytest.fixture
def server(seeded, running):
    node, _ = seeded
    running.append(node)
    return node.start()


@pytest.fixture
def second(server, running, tmp_path):
    """Another node: of the first one's folder it has the key files only."""
    data = tmp_path / "b" / "data"
    data.mkdir(parents=True)
    for name in ("remit.key", "remit.pepper"):
        shutil.copy(server.data / name, data)
    node = Server(data=data, port=free_port(), base=server.base, settings=server.settings)
    running.append(node)
    return node.start()


@pytest.fixture
def alice():
    with Browser() as browser:
        yield browser


@pytest.mark.requirement("REV-9")
@pytest.mark.parametrize("stop", list(ALL_STOPS.values()), ids=list(ALL_STOPS))
def test_a_stop_at_one_node_is_felt_at_the_other(server, second, acme, alice, stop):
    party = Party(acme)
    tokens = party.redeem(alice.allow(party.request()))
    with guarded(acme) as api, httpx.Client(headers={"authorization": f"Bearer {tokens.access}"}) as agent:
        assert agent.get(f"{api}/events").status_code == 200
        stop(server, second, acme, alice)
        since = time.monotonic()
        while (answer := agent.get(f"{api}/events")).status_code == 200:
            assert time.monotonic() - since < WITHIN, "the stop was not felt in time"
        assert answer.status_code == 401
    for node in (server, second):
        answer = httpx.post(f"{node.address}/t/acme/oauth/token", data=party.refresh_fields(tokens.refresh))
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    for kind, target in (("agent", acme["agents"]["A"]["id"]), ("user", acme["users"]["alice"]["id"])):
        server.remit("resume", kind, target, "--reason", "closed", "--tenant", "acme")


def at_once(server, second, fields):
    """Send one request eight times at the same moment, in turn to either node."""

    def post(number):
        node = (server, second)[number % 2]
        return httpx.post(f"{node.address}/t/acme/oauth/token", data=fields, timeout=20)

    with ThreadPoolExecutor(8) as racers:
        return list(racers.map(post, range(8)))


@pytest.mark.requirement("OA-12")
def test_of_eight_who_redeem_one_code_at_two_nodes_one_wins(server, second, acme, alice):
    party = Party(acme)
    answers = at_once(server, second, party.code_fields(alice.allow(party.request())))
    assert collections.Counter(answer.status_code for answer in answers) == {200: 1, 400: 7}
    # A fully valid second redemption shows that the code leaked: the line of the winner is dead at both nodes.
    (won,) = (answer.json() for answer in answers if answer.status_code == 200)
    for node in (server, second):
        refused = httpx.post(f"{node.address}/t/acme/oauth/token", data=party.refresh_fields(won["refresh_token"]))
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


@pytest.mark.requirement("RT-4")
def test_eight_who_refresh_with_one_token_at_two_nodes_get_one_successor(server, second, acme, alice):
    party = Party(acme)
    tokens = party.redeem(alice.allow(party.request()))
    answers = at_once(server, second, party.refresh_fields(tokens.refresh))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    assert len({answer.json()["access_token"] for answer in answers}) == 8
    assert server.verify("acme").returncode == 0


def test_a_node_with_keys_of_its_own_does_not_join(server, running, tmp_path):
    node = Server(data=tmp_path / "data", port=free_port(), base=server.base, settings=server.settings)
    running.append(node)
    with pytest.raises(AssertionError, match=r"remit\.key cannot be read"):
        node.start()
    assert not (node.data / "remit.key").exists()


def test_a_node_does_not_migrate_unless_told_to(cluster, seeded, running, tmp_path):
    place = asyncio.run(cluster.new_database("unprepared"))
    settings = {**seeded[0].settings, "REMIT_STORAGE__URL": place.url}
    node = Server(data=tmp_path / "data", port=free_port(), base="", settings=settings)
    node.base = node.address
    running.append(node)
    with pytest.raises(AssertionError, match="remit db upgrade"):
        node.start()
    assert json.loads(node.remit("db", "check", "--json").stdout)["current"] is None
    node.start("--migrate")
    assert json.loads(node.remit("db", "check", "--json").stdout)["sound"]
    assert httpx.get(f"{node.address}/oauth/jwks").status_code == 200


def test_a_node_goes_on_when_the_other_is_killed(server, second, acme, alice):
    party = Party(acme)
    tokens = party.redeem(alice.allow(party.request()))
    second.kill()
    answer = httpx.post(f"{server.address}/t/acme/oauth/token", data=party.refresh_fields(tokens.refresh), timeout=20)
    assert answer.status_code == 200, answer.text


def test_the_commands_about_a_database_know_that_it_is_shared(server, tmp_path):
    looked = server.remit("doctor", "--json")
    found = {row["check"]: row["level"] for row in json.loads(looked.stdout)}
    assert looked.returncode == 0, looked.stdout
    assert found["schema"] == "ok"
    copied = server.remit("backup", "--out", str(tmp_path / "copy"))
    assert (copied.returncode, "pg_dump" in copied.stderr) == (1, True)
    assert not (tmp_path / "copy").exists()
