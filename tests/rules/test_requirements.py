"""What we say about the standards is so: what is done is tested, and what comes later is not advertised."""

from __future__ import annotations

import ast
import json
import tomllib
from collections.abc import Iterator

import pytest

from remit.core.clients import AuthMethod
from remit.services.grants import GRANTS
from remit_sdk.protected_resource import read_resource
from tests.conformance.marks import marks, of_module, proofs
from tests.conformance.page import page
from tests.conformance.requirements import LEVELS, State, areas, requirements
from tests.kit.instance import instance
from tests.kit.registration import let_in
from tests.rules.tree import ROOT

PROMISES = tomllib.loads((ROOT / "tests" / "conformance" / "advertised.toml").read_text(encoding="utf-8"))


def test_the_conformance_page_is_current():
    # `python -m tests.conformance`
    assert (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8") == page()


def test_every_requirement_says_what_it_asks():
    rows = requirements().values()
    assert {row.id for row in rows if row.level not in LEVELS or not row.source or not row.says.strip()} == set()


def test_no_requirement_is_missing():
    # Ids are cited in code and in tests, so a number once given stays: gaps are lost requirements.
    for area in areas():
        assert [row.id for row in area.requirements] == [
            f"{area.name}-{number}" for number in sorted(int(row.id.rpartition("-")[2]) for row in area.requirements)
        ]
    assert len(requirements()) == 448


def test_what_is_done_is_proven():
    # A promise without a test is a hope.
    done = {row.id for row in requirements().values() if row.state is State.DONE}
    assert done - proofs().keys() == set()


def test_a_test_proves_what_is_known_and_not_put_off():
    rows = requirements()
    wrong = {
        test: ids
        for test, said in marks().items()
        if (ids := {one for one in said if one not in rows or rows[one].state is State.LATER})
    }
    assert wrong == {}


def promised(section: str, document: dict[str, object]) -> Iterator[tuple[str, list[str] | None]]:
    """Each thing that a document advertises, with the requirements it promises; None where nobody says which."""
    for member, said in document.items():
        promise = PROMISES[section].get(member)
        if not isinstance(promise, dict):
            yield member, promise
            continue
        for value in said if isinstance(said, list) else [said]:
            word = value if isinstance(value, str) else json.dumps(value)
            yield f"{member}: {word}", promise.get(word)


def kept(section: str, document: dict[str, object]) -> dict[str, list[str]]:
    """What a document advertises and nobody knows, or that is put off."""
    rows = requirements()
    return {
        thing: [one for one in promise or ["unknown"] if one not in rows or rows[one].state is State.LATER]
        for thing, promise in promised(section, document)
        if promise is None or any(one not in rows or rows[one].state is State.LATER for one in promise)
    }


@pytest.mark.parametrize("form", ["oauth-authorization-server", "openid-configuration", "oauth-protected-resource"])
async def test_nothing_is_advertised_before_it_is_there(tmp_path, form):
    # Clients decide by these documents what to use.
    section, rest = ("resource", "/api") if form == "oauth-protected-resource" else ("server", "")
    async with instance(tmp_path) as remit:
        await let_in(remit, remit.acme)
        document = (await remit.http.get(f"/.well-known/{form}/t/acme{rest}")).json()
    assert section == "resource" or "registration_endpoint" in document
    assert kept(section, document) == {}


def test_the_sdk_advertises_nothing_before_it_is_there():
    resource = read_resource(
        "https://api.example/mcp",
        issuers=["https://id.example"],
        scopes=frozenset({"a"}),
        name="An API",
        documentation="https://d.example",
    )
    document = json.loads(resource.answer().body)
    assert document.keys() >= {"scopes_supported", "resource_name", "resource_documentation"}
    assert kept("resource", document) == {}


def test_what_the_code_can_do_is_promised_too():
    # A grant or a method that works without being published is still a promise to whoever finds it.
    document: dict[str, object] = {
        "grant_types_supported": list(GRANTS),
        "token_endpoint_auth_methods_supported": list(AuthMethod),
    }
    assert kept("server", document) == {}


LATER = {
    "a grant": {"grant_types_supported": ["urn:openid:params:grant-type:ciba"]},
    "an endpoint": {"backchannel_authentication_endpoint": "https://id.example/ciba"},
    "algorithms": {"introspection_signing_alg_values_supported": ["ES256"]},
    "a method": {"token_endpoint_auth_methods_supported": ["none", "tls_client_auth"]},
    "a switch": {"tls_client_certificate_bound_access_tokens": True},
    "a member nobody knows": {"teleportation_endpoint": "https://id.example/t"},
    "a value nobody knows": {"response_types_supported": ["code", "token"]},
}


@pytest.mark.parametrize("document", LATER.values(), ids=LATER)
def test_the_rule_sees(document):
    assert kept("server", document) != {}


def test_every_promise_names_requirements():
    named = {
        one
        for section in PROMISES.values()
        for promise in section.values()
        for ids in (promise.values() if isinstance(promise, dict) else [promise])
        for one in ids
    }
    assert named - requirements().keys() == set()


SOURCE = """
import pytest
pytestmark = [pytest.mark.long, pytest.mark.requirement("GEN-1")]
TABLE = {"a": pytest.param(1, marks=pytest.mark.requirement("GEN-2", "GEN-3")), "b": 2}
@pytest.mark.requirement("GEN-4")
@pytest.mark.parametrize("x", TABLE.values(), ids=TABLE)
async def test_one(x): ...
def test_two(): ...
def no_test(): ...
class TestThree:
    @pytest.mark.requirement("GEN-5")
    def test_four(self): ...
TestFive = Machine.TestCase
"""


def test_marks_are_read_from_the_module_its_tables_and_its_tests():
    assert of_module(ast.parse(SOURCE)) == {
        "test_one": {"GEN-1", "GEN-2", "GEN-3", "GEN-4"},
        "test_two": {"GEN-1"},
        "TestThree::test_four": {"GEN-1", "GEN-5"},
        "TestFive": {"GEN-1"},
    }


@pytest.mark.parametrize("mark", ["requirement(ID)", "requirement()", 'requirement(id="OA-1")'])
def test_a_mark_that_cannot_be_read_is_an_error(mark):
    with pytest.raises(SyntaxError):
        of_module(ast.parse(f"@pytest.mark.{mark}\ndef test_one(): ..."))
