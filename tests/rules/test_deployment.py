"""What we ship for running Remit gives it no more than it needs. Nothing here starts a container."""

from __future__ import annotations

import json
import re
from collections import defaultdict

from tests.rules.tree import ROOT


def dockerfile() -> list[list[tuple[str, str]]]:
    """The instructions of each stage."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    stages: list[list[tuple[str, str]]] = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            word, _, rest = line.partition(" ")
            if word == "FROM":
                stages.append([])
            stages[-1].append((word, rest))
    return stages


def last(word: str) -> str:
    return [rest for found, rest in dockerfile()[-1] if found == word][-1]


def test_the_image_is_slim_and_runs_as_nobody_in_particular():
    assert all(stage[0][1].split()[0].endswith("-slim") for stage in dockerfile())
    assert last("USER") == "10001:10001"


def test_the_image_writes_to_one_volume():
    assert json.loads(last("VOLUME")) == ["/data"]
    assert last("WORKDIR") == "/data"
    assert {"REMIT_DATA__DIR=/data", "PYTHONDONTWRITEBYTECODE=1"} <= set(last("ENV").split())


def test_the_image_asks_remit_itself_for_its_health():
    assert json.loads(last("HEALTHCHECK").partition("CMD ")[2]) == ["remit", "health"]


def test_the_image_is_told_to_stop_as_the_server_expects_it():
    # In the exec form the signal reaches the server, not a shell.
    assert json.loads(last("ENTRYPOINT")) == ["remit"]
    assert last("STOPSIGNAL") == "SIGTERM"


def test_every_package_of_the_image_is_pinned_by_hash():
    installs = [rest for stage in dockerfile() for word, rest in stage if word == "RUN" and "pip install" in rest]
    assert installs
    assert all("--require-hashes" in one or re.search(r"--no-deps .*\.$", one) for one in installs)


def test_no_secret_can_slip_into_the_image():
    # Everything is left out but what is named; a data folder in the tree stays outside.
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    copied = {path for word, rest in dockerfile()[0] if word == "COPY" for path in rest.split()[:-1]}
    assert copied <= {rule.removeprefix("!") for rule in rules if rule.startswith("!")}


def test_compose_is_read_only_and_for_this_machine_alone():
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    assert re.findall(r"^ +- (\S+:8700)$", text, re.MULTILINE) == ["127.0.0.1:8700:8700"]
    assert "read_only: true" in text
    assert re.search(r"cap_drop:\n +- ALL", text)
    assert "no-new-privileges:true" in text
    assert re.findall(r"^ +- (\S+:/\S+)$", text, re.MULTILINE) == ["data:/data"]
    assert int(re.findall(r"stop_grace_period: (\d+)s", text)[0]) > 30


def unit() -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for line in (ROOT / "deploy" / "remit.service").read_text(encoding="utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found[name].append(value)
    return found


HARDENED = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectKernelModules": "yes",
    "ProtectControlGroups": "yes",
    "CapabilityBoundingSet": "",
    "MemoryDenyWriteExecute": "yes",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "RestrictNamespaces": "yes",
    "RestrictSUIDSGID": "yes",
    "LockPersonality": "yes",
    "UMask": "0077",
    "DynamicUser": "yes",
    "StateDirectoryMode": "0700",
}


def test_the_unit_may_do_little():
    found = unit()
    assert {name: found[name] for name in HARDENED} == {name: [value] for name, value in HARDENED.items()}
    assert found["SystemCallFilter"][0] == "@system-service"


def test_the_unit_waits_until_the_server_has_drained():
    found = unit()
    assert found["KillSignal"] == ["SIGTERM"]
    assert int(found["TimeoutStopSec"][0]) > 30
    assert f"/var/lib/{found['StateDirectory'][0]}" == found["Environment"][0].partition("=")[2]
