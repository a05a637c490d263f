"""A lock says exactly what is installed and leaves where from to the machine that installs."""

from __future__ import annotations

import json
import re
import tomllib

import pytest

from tests.rules.tree import ROOT, SDK, shown

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
NODE_LOCKS = sorted(path for path in (ROOT / "tests").glob("*/node/package-lock.json"))
OUR_OWN = {"remit", "remit-sdk"}
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)
PLACE = re.compile(r"://|^\s*-(?!-hash=)\S*|^\s*[./]|\s@\s|#", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / "requirements" / name).read_text(encoding="utf-8")))


def name_of(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0].lower()


@pytest.mark.parametrize("path", LOCKS, ids=shown)
def test_a_lock_names_no_place(path):
    # An index address in a lock sends every user's machine to somebody's server, or to a folder that is not there.
    found = PLACE.search(path.read_text(encoding="utf-8"))
    assert found is None, f"{shown(path)} names a place: {found}"


@pytest.mark.parametrize("path", LOCKS, ids=shown)
def test_every_pin_has_a_hash(path):
    # Without a hash, whoever answers for the name decides what runs here.
    blocks = re.split(r"\n(?=\S)", path.read_text(encoding="utf-8").strip())
    assert [block for block in blocks if not (PIN.match(block) and "--hash=sha256:" in block)] == []


def test_the_two_locks_agree():
    # Tests must run what users run.
    run, dev = pins("run.txt"), pins("dev.txt")
    assert {name: (version, dev.get(name)) for name, version in run.items() if dev.get(name) != version} == {}


def test_the_locks_hold_every_declared_dependency():
    # A dependency that is declared and not locked is missing on a new machine only.
    server = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    sdk = tomllib.loads((SDK.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    groups = server["dependency-groups"]
    run = [
        *server["project"]["dependencies"],
        *server["project"]["optional-dependencies"]["demo"],
        *server["project"]["optional-dependencies"]["postgres"],
        *sdk["project"]["dependencies"],
        *groups["build"],
    ]
    dev = [requirement for requirement in groups["dev"] if isinstance(requirement, str)]
    assert {name_of(requirement) for requirement in run} - OUR_OWN - pins("run.txt").keys() == set()
    assert {name_of(requirement) for requirement in dev} - pins("dev.txt").keys() == set()


def test_the_sdk_needs_three_packages():
    # It goes into other people's programs, so each further dependency is their problem.
    sdk = tomllib.loads((SDK.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    assert {name_of(requirement) for requirement in sdk["project"]["dependencies"]} == {"httpx2", "joserfc", "msgspec"}


@pytest.mark.parametrize("path", NODE_LOCKS, ids=shown)
def test_a_lock_of_javascript_says_what_and_leaves_where_from(path):
    lock = json.loads(path.read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if not package.get("integrity", "").startswith("sha512-")] == []


@pytest.mark.parametrize("path", NODE_LOCKS, ids=shown)
def test_the_clients_in_javascript_are_pinned_to_the_letter(path):
    # These packages move weekly; a test that passes only sometimes proves nothing.
    declared = json.loads(path.with_name("package.json").read_text(encoding="utf-8"))["dependencies"]
    assert {name: version for name, version in declared.items() if not re.fullmatch(r"[0-9][0-9a-z.-]*", version)} == {}
