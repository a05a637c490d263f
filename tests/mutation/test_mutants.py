"""The run proves something only if it really takes checks out."""

from __future__ import annotations

import ast
import sys
from textwrap import dedent, indent
from types import ModuleType

import pytest

from tests.mutation.mutants import mutants
from tests.mutation.swap import put_in

BODIES = {
    "an if is never taken": ("if a: return b", {"if False: return b"}),
    "a comparison is turned round": ("x = a == b", {"x = a != b"}),
    "a boundary moves by one": ("x = a < b", {"x = a >= b", "x = a <= b"}),
    "a chain of two loses either": (
        "x = a is b is c",
        {"x = a is not b is c", "x = a is b is not c", "x = a is b", "x = b is c"},
    ),
    "and loses each side": ("x = a and b and c", {"x = b and c", "x = a and c", "x = a and b"}),
    "not is forgotten": ("x = not a", {"x = a"}),
    "an intersection keeps one side": ("x = a & b", {"x = a", "x = b"}),
    "nothing is taken away": ("x = a - b", {"x = a"}),
    "a narrowing is forgotten": ("a &= b", {"pass"}),
    "a call is forgotten": ("spend(a)", {"pass"}),
    "an awaited call is forgotten": ("await spend(a)", {"pass"}),
    "some is enough": ("x = all(a)", {"x = any(a)"}),
    "a table loses each row": ("x = (a, b)", {"x = (b,)", "x = (a,)"}),
    "a filter lets all through": ("x = [a for a in b if c]", {"x = [a for a in b if True]"}),
    "a case or its guard is lost": (
        "match a:\n  case 1 if b: c\n  case _: d",
        {
            "match a:\n  case _: d",
            "match a:\n  case 1 if True: c\n  case _: d",
            "match a:\n  case 1 if False: c\n  case _: d",
        },
    ),
    "the tenant is compared with itself": (
        "x = 'select a from b where tenant = :tenant'",
        {"x = 'select a from b where :tenant = :tenant'"},
    ),
    "a tenant is joined with itself": ("x = 'on a.tenant = b.tenant'", {"x = 'on a.tenant = a.tenant'"}),
    "a state is not asked": ("x = \"where a = 1 and state = 'live'\"", {"x = 'where a = 1 and 1 = 1'"}),
    "what is no check stays": ("x = a + f(b)\nassert a\nraise E(a or b)", set()),
}


def spelled(text: str) -> str:
    return ast.unparse(ast.parse(text))


@pytest.mark.parametrize(("body", "expected"), BODIES.values(), ids=BODIES)
def test_what_becomes_of_a_check(body, expected):
    source = "async def f():\n" + indent(dedent(body), "  ")
    made = set()
    for number in range(len(list(mutants(ast.parse(source))))):
        tree = ast.parse(source)
        list(mutants(tree))[number].put_in()
        made.add(ast.unparse(tree))
    assert made == {spelled("async def f():\n" + indent(one, "  ")) for one in expected}


VERDICTS = {"bool": ["return True", "return False"], "Refusal | None": ["return None"], "int": []}


@pytest.mark.parametrize(("returns", "expected"), VERDICTS.items())
def test_a_verdict_becomes_a_constant(returns, expected):
    assert [mutant.now for mutant in mutants(ast.parse(f"def f() -> {returns}: pass"))] == expected


LOADED = """
import functools

TYPES = frozenset({"a", "b"})

def known(kind):
    return kind in TYPES and kind != "b"

def wrapped(function):
    @functools.wraps(function)
    def around(self):
        return function(self)
    return around

class Door:
    open = False

    @property
    def closed(self):
        return not self.open

    @wrapped
    def barred(self):
        return not self.open
"""

PUT_IN = {
    "known": ("kind in TYPES and kind != 'b'", "kind in TYPES", lambda module: module.known("b")),
    "TYPES": ("'a'", "(left out)", lambda module: not module.known("a")),
    "Door.closed": ("not self.open", "self.open", lambda module: not module.Door().closed),
    "Door.barred": ("not self.open", "self.open", lambda module: not module.Door().barred()),
}


@pytest.mark.parametrize("place", PUT_IN)
def test_a_loaded_module_changes(monkeypatch, place):
    was, now, noticed = PUT_IN[place]
    module = ModuleType("loaded")
    module.__file__ = "loaded.py"
    monkeypatch.setitem(sys.modules, "loaded", module)
    exec(compile(LOADED, "loaded.py", "exec"), vars(module))
    tree = ast.parse(LOADED)
    (mutant,) = (one for one in mutants(tree) if (one.place, one.was, one.now) == (place, was, now))
    assert not noticed(module)
    put_in(mutant, tree, module)
    assert noticed(module)
