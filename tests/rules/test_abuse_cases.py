"""Every abuse case is a test or waits, by name, for what it needs; and it waits no longer than it must."""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from remit.core.names import TenantId
from remit.core.tenants import Tenant, TenantState
from remit.http.oauth.metadata import document
from remit.store.migrate import HEAD
from tests.rules.tree import ROOT, below, tree_of

ABUSE = ROOT / "tests" / "abuse"
IN_SCOPE = {
    "RED": 8,
    "CODE": 7,
    "CONS": 7,
    "REG": 7,
    "REF": 7,
    "JOSE": 8,
    "AUD": 5,
    "REV": 7,
    "TIME": 4,
    "DOS": 7,
    "KEY": 8,
    "TEN": 7,
    "LOG": 5,
    "DB": 6,
    "TX": 8,
    "POP": 4,
}
"""Each area with how many cases it has: an area or case that is dropped is missed here."""

NAME = re.compile(r"test_b_([a-z]+)_(\d\d)_[a-z]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """A slot of a case that waits for a capability."""

    case: str
    slot: str
    needs: str


def listed() -> dict[str, str]:
    return {case: told for area in _read("cases.toml").values() for case, told in area.items()}


def waiting() -> list[Later]:
    return [Later(**row) for row in _read("later.toml")["later"]]


def capabilities() -> dict[str, list[str]]:
    return {name: known["signs"] for name, known in _read("later.toml")["capabilities"].items()}


def named_in_tests() -> set[str]:
    """The ids in the names of test functions."""
    return {
        f"B-{found[1].upper()}-{found[2]}"
        for path in below(ABUSE)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (found := NAME.match(node.name))
    }


def has_come(sign: str) -> bool:
    """Say whether a sign is seen: in the metadata of a tenant with everything on, among our modules, or as schema."""
    if sign.startswith("schema "):
        return sign.removeprefix("schema ") <= HEAD
    if sign.startswith(("remit.", "remit_sdk.")):
        parent, _, _ = sign.rpartition(".")
        return find_spec(parent) is not None and find_spec(sign) is not None
    told = document(_tenant(), frozenset(), registers=True, reads=True)
    values = {value for members in told.values() if isinstance(members, list) for value in members}
    return sign in told or sign in values


def test_every_case_is_a_test_or_waits():
    waits = {row.case for row in waiting()}
    assert [case for case in listed() if case not in named_in_tests() | waits] == []


def test_no_test_and_no_row_names_a_case_that_is_not_listed():
    # A typing error in an id would be a case that nobody misses.
    assert named_in_tests() - listed().keys() == set()
    assert {row.case for row in waiting()} - listed().keys() == set()


def test_cases_stand_in_their_area_without_gaps():
    for area, cases in _read("cases.toml").items():
        assert list(cases) == [f"B-{area}-{number:02}" for number in range(1, len(cases) + 1)]
        assert all(told.strip() for told in cases.values())


def test_the_areas_in_scope_are_all_there():
    numbers = {area: len(cases) for area, cases in _read("cases.toml").items()}
    assert numbers == IN_SCOPE


def test_what_waits_says_for_what():
    rows = waiting()
    assert [row for row in rows if not row.slot.strip() or row.needs not in capabilities()] == []
    assert len(set(rows)) == len(rows)
    # A capability that nothing waits for is a leftover.
    assert capabilities().keys() - {row.needs for row in rows} == set()


def test_nothing_waits_for_what_has_come():
    # As soon as we offer it, the attack on it must be tried.
    come = {name for name, signs in capabilities().items() if any(has_come(sign) for sign in signs)}
    assert [row for row in waiting() if row.needs in come] == []


def test_a_sign_can_be_seen():
    # Without this, the rule above would hold because it looks for nothing.
    assert all(signs for signs in capabilities().values())
    assert has_come("pushed") is False
    assert has_come("revocation_endpoint")
    assert has_come("refresh_token")
    assert has_come("remit.services.grants")
    assert has_come("remit.nowhere.at_all") is False
    assert has_come("schema 0001")
    assert has_come("schema 9999") is False


def _tenant() -> Tenant:
    return Tenant(
        id=TenantId("tnt_x"),
        slug="acme",
        name="Acme",
        issuer="https://id.example/t/acme",
        state=TenantState.ACTIVE,
        rights_on=True,
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((ABUSE / name).read_text(encoding="utf-8"))
