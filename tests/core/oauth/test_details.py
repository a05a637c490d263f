"""Authorization details: what is read at all, and the laws of which is the narrower one (RFC 9396)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remit.core.oauth.details import (
    LONGEST,
    Details,
    covered,
    ends,
    judge_details,
    narrow,
    read_details,
    render,
    reread,
)
from remit.core.oauth.verdicts import Refusal

NOW = datetime(2026, 1, 1, tzinfo=UTC)
AT = int(NOW.timestamp())
TYPE = "remit_tool_call"
ONE = {"type": TYPE, "tools": ["create_event"]}
API = "https://calendar.example/"


def read(*elements: object) -> Details:
    details = read_details(json.dumps(elements))
    assert not isinstance(details, Refusal), details
    return details


GOOD = {
    "one tool": ONE,
    "every field": {
        **ONE,
        "locations": [API],
        "actions": ["write"],
        "datatypes": ["events"],
        "privileges": ["own"],
        "identifier": "Kalender äöü",
        "arguments": {"count": {"minimum": 1, "maximum": 3}, "room": {"one_of": ["a", 1, True]}},
        "max_calls": 5,
        "not_after": AT + 60,
    },
}


@pytest.mark.requirement("RAR-1", "RAR-3")
@pytest.mark.parametrize("element", GOOD.values(), ids=GOOD)
def test_a_detail_is_kept_as_it_was_said(element):
    details = read(element)
    assert json.loads(render(details)) == [element]
    assert reread(render(details)) == details


@pytest.mark.requirement("RAR-9")
def test_what_is_kept_is_canonical():
    # RFC 8785 §3.2.3: members sorted, no white space, characters as they are.
    text = ' [ {"tools" : ["a"], "type":"remit_tool_call", "identifier": "\\u20ac\\/\\"ö" , "max_calls":1} ] '
    details = read_details(text)
    assert not isinstance(details, Refusal)
    assert render(details) == '[{"identifier":"€/\\"ö","max_calls":1,"tools":["a"],"type":"remit_tool_call"}]'


MANY = [str(number) for number in range(51)]
BAD = {
    "no JSON": ("nonsense", "JSON array"),
    "an object": (json.dumps(ONE), "1 to 10 objects"),
    "nothing": ("[]", "1 to 10 objects"),
    "too many": (json.dumps([ONE] * 11), "1 to 10 objects"),
    "a text": ('["remit_tool_call"]', "object with a type"),
    "no type": ('[{"tools": ["a"]}]', "object with a type"),
    "a type that is no text": ('[{"type": 1}]', "object with a type"),
    "a type that nobody knows": ('[{"type": "payment"}]', "one of remit_tool_call"),
    "a member twice": ('[{"type": "remit_tool_call", "tools": ["a"], "tools": ["b"]}]', "named once"),
    "a member nobody knows": (json.dumps([{**ONE, "price": 1}]), "no other members"),
    "a fraction": (json.dumps([{**ONE, "max_calls": 1.5}]), "whole"),
    "no number": ('[{"type": "remit_tool_call", "tools": ["a"], "max_calls": NaN}]', "whole"),
    "an endless nesting": ("[" * 4000, "JSON array"),
    "an endless number": (f'[{{"type": "{TYPE}", "tools": ["a"], "max_calls": {"9" * 4000}}}]', "max_calls"),
    "endless": ('["' + "a" * 5000 + '"]', "4096"),
    "more than a token holds": (json.dumps([{**ONE, "tools": [f"{n:030}" for n in range(50)]}]), str(LONGEST)),
    "no tools": (json.dumps([{"type": TYPE}]), "tools"),
    "no tool": (json.dumps([{**ONE, "tools": []}]), "tools"),
    "too many tools": (json.dumps([{**ONE, "tools": MANY}]), "tools"),
    "a tool with a space": (json.dumps([{**ONE, "tools": ["a b"]}]), "tools"),
    "a tool that is none": (json.dumps([{**ONE, "tools": [1]}]), "tools"),
    "tools as a text": (json.dumps([{**ONE, "tools": "create_event"}]), "tools"),
    "a place that is none": (json.dumps([{**ONE, "locations": API}]), "locations"),
    "an identifier with a hidden turn": (json.dumps([{**ONE, "identifier": "a\u202eb"}]), "identifier"),
    "half a letter": ('[{"type": "remit_tool_call", "tools": ["a"], "identifier": "\\ud800"}]', "identifier"),
    "an empty identifier": (json.dumps([{**ONE, "identifier": ""}]), "identifier"),
    "no calls": (json.dumps([{**ONE, "max_calls": 0}]), "max_calls"),
    "yes calls": (json.dumps([{**ONE, "max_calls": True}]), "max_calls"),
    "calls as a text": (json.dumps([{**ONE, "max_calls": "5"}]), "max_calls"),
    "null": (json.dumps([{**ONE, "max_calls": None}]), "max_calls"),
    "a moment that never comes": (json.dumps([{**ONE, "not_after": 2**53}]), "not_after"),
    "a date": (json.dumps([{**ONE, "not_after": "2026-01-01"}]), "not_after"),
    "no limit": (json.dumps([{**ONE, "arguments": {}}]), "arguments"),
    "an empty limit": (json.dumps([{**ONE, "arguments": {"a": {}}}]), "arguments"),
    "two kinds of limit": (json.dumps([{**ONE, "arguments": {"a": {"one_of": [1], "maximum": 1}}}]), "arguments"),
    "a limit nobody keeps": (json.dumps([{**ONE, "arguments": {"a": {"maximum": 1, "minimum": 2}}}]), "arguments"),
    "a limit as a text": (json.dumps([{**ONE, "arguments": {"a": {"maximum": "1"}}}]), "arguments"),
    "a value that is none": (json.dumps([{**ONE, "arguments": {"a": {"one_of": [None]}}}]), "arguments"),
    "a value of values": (json.dumps([{**ONE, "arguments": {"a": {"one_of": [[1]]}}}]), "arguments"),
    "no values": (json.dumps([{**ONE, "arguments": {"a": {"one_of": []}}}]), "arguments"),
    "a limit that is none": (json.dumps([{**ONE, "arguments": {"a": 1}}]), "arguments"),
    "an argument with a space": (json.dumps([{**ONE, "arguments": {"a b": {"maximum": 1}}}]), "arguments"),
}  # fmt: skip


@pytest.mark.requirement("RAR-2", "RAR-3")
@pytest.mark.parametrize(("text", "hint"), BAD.values(), ids=BAD)
def test_what_is_not_known_to_the_last_field_is_refused(text, hint):
    verdict = read_details(text)
    assert isinstance(verdict, Refusal)
    assert verdict.code == "invalid_authorization_details"
    assert hint in verdict.hint


ASKED = {
    "what both registered": (ONE, {TYPE}, {TYPE}, None),
    "the resource named": ({**ONE, "locations": [API]}, {TYPE}, {TYPE}, None),
    "not for this client": (ONE, set(), {TYPE}, "this client is not registered"),
    "not for this resource": (ONE, {TYPE}, set(), "the resource takes no such"),
    "another resource": ({**ONE, "locations": ["https://other.example/"]}, {TYPE}, {TYPE}, "locations"),
    "one more resource": ({**ONE, "locations": [API, "https://other.example/"]}, {TYPE}, {TYPE}, "locations"),
    "past": ({**ONE, "not_after": AT}, {TYPE}, {TYPE}, "not_after is past"),
}


@pytest.mark.requirement("RAR-2", "RAR-4", "RAR-8")
@pytest.mark.parametrize(("element", "client", "resource", "hint"), ASKED.values(), ids=ASKED)
def test_client_and_resource_must_both_know_the_type(element, client, resource, hint):
    text = json.dumps([element])
    verdict = judge_details(
        text, client_types=frozenset(client), resource_types=frozenset(resource), resource=API, now=NOW
    )
    assert (hint in verdict.hint) if isinstance(verdict, Refusal) else hint is None


def test_what_is_past_is_left_out_and_what_remains_says_when_it_ends():
    early, late = read({**ONE, "not_after": AT + 1})[0], read({**ONE, "tools": ["b"], "not_after": AT + 5})[0]
    assert narrow((early, late), None, now=datetime.fromtimestamp(AT + 1, UTC)) == (late,)
    assert ends((early, late)) == datetime.fromtimestamp(AT + 5, UTC)
    assert ends((early, *read(ONE))) is None
    over = narrow((early,), None, now=datetime.fromtimestamp(AT + 1, UTC))
    assert isinstance(over, Refusal)
    assert over.code == "invalid_grant"


NARROWER = {
    "itself": ([ONE], [ONE], True),
    "a part": ([ONE], [{**ONE, "tools": ["create_event", "list"]}], True),
    "one of two": ([ONE], [ONE, {**ONE, "tools": ["x"]}], True),
    "more tools": ([{**ONE, "tools": ["create_event", "x"]}], [ONE], False),
    "tools of two together": ([{**ONE, "tools": ["a", "b"]}], [{**ONE, "tools": [name]} for name in "ab"], False),
    "without the limit": ([ONE], [{**ONE, "arguments": {"a": {"maximum": 1}}}], False),
    "one that is true": (
        [{**ONE, "arguments": {"a": {"one_of": [True]}}}],
        [{**ONE, "arguments": {"a": {"one_of": [1]}}}],
        False,
    ),
    "a budget twice": ([{**ONE, "max_calls": 5}] * 2, [{**ONE, "max_calls": 5}], False),
    "two budgets, taken the other way round": (
        [{**ONE, "max_calls": 5}, {**ONE, "max_calls": 2}],
        [{**ONE, "max_calls": 2}, {**ONE, "max_calls": 9}],
        True,
    ),
    "two budgets, of which the first is wanted by both": (
        [{**ONE, "max_calls": 2}, {**ONE, "max_calls": 5}],
        [{**ONE, "max_calls": 9}, {**ONE, "max_calls": 2}],
        True,
    ),
    "two budgets, of which one is too small": (
        [{**ONE, "max_calls": 5}, {**ONE, "max_calls": 5}],
        [{**ONE, "max_calls": 2}, {**ONE, "max_calls": 9}],
        False,
    ),
    "parts of what is not counted": ([{**ONE, "max_calls": 5}, ONE], [ONE], True),
    "another identifier": ([{**ONE, "identifier": "a"}], [{**ONE, "identifier": "b"}], False),
    "any identifier": ([ONE], [{**ONE, "identifier": "b"}], False),
    "any action": ([ONE], [{**ONE, "actions": ["a"]}], False),
    "any place": ([ONE], [{**ONE, "locations": [API]}], False),
    "a long way of numbers": (
        [{**ONE, "arguments": {"a": {"minimum": -(2**50), "maximum": 2**50}}}],
        [{**ONE, "arguments": {"a": {"one_of": [-(2**50)]}}}],
        False,
    ),
    "a short way of numbers": (
        [{**ONE, "arguments": {"a": {"minimum": 1, "maximum": 2}}}],
        [{**ONE, "arguments": {"a": {"one_of": [2, 1]}}}],
        True,
    ),
    "longer": ([{**ONE, "not_after": AT + 2}], [{**ONE, "not_after": AT + 1}], False),
}  # fmt: skip


@pytest.mark.requirement("RAR-5")
@pytest.mark.parametrize(("asked", "held", "fits"), NARROWER.values(), ids=NARROWER)
def test_only_less_may_be_asked_of_what_was_approved(asked, held, fits):
    asked, held = read(*asked), read(*held)
    verdict = narrow(held, asked, now=NOW)
    assert verdict == asked if fits else isinstance(verdict, Refusal)
    assert narrow(None, asked, now=NOW) == asked
    assert narrow(held, None, now=NOW) == held


VALUES = [*range(-3, 5), "x", "y", True, False]
_INTS = st.integers(-2, 3)
LIMITS = st.one_of(
    st.lists(st.sampled_from([*range(-2, 4), "x", True]), min_size=1, max_size=3).map(lambda held: {"one_of": held}),
    st.tuples(_INTS, _INTS).map(lambda two: {"minimum": min(two), "maximum": max(two)}),
    _INTS.map(lambda one: {"minimum": one}),
    _INTS.map(lambda one: {"maximum": one}),
)
NAMES = st.sets(st.sampled_from("ab"), min_size=1).map(sorted)
ELEMENTS = st.fixed_dictionaries(
    {"type": st.just(TYPE), "tools": NAMES},
    optional={
        "arguments": st.dictionaries(st.sampled_from("pq"), LIMITS, min_size=1),
        "actions": NAMES,
        "identifier": st.sampled_from("ij"),
        "max_calls": st.integers(1, 3),
        "not_after": st.integers(AT + 1, AT + 3),
    },
)


def _near(element: dict) -> st.SearchStrategy[dict]:
    """Draw an element that differs in little from another: something of a third in its place, something left out."""
    return st.tuples(ELEMENTS, st.sets(st.sampled_from(NAMED), max_size=2), st.sets(st.sampled_from(NAMED[1:]))).map(
        lambda drawn: {
            name: value
            for name, value in {**element, **{name: drawn[0][name] for name in drawn[1] & drawn[0].keys()}}.items()
            if name not in drawn[2] - {"tools"}
        }
    )


NAMED = ["tools", "arguments", "actions", "identifier", "max_calls", "not_after"]
SOME = st.lists(ELEMENTS, min_size=1, max_size=4)
CALLS = [
    {"tool": tool, "action": action, "identifier": thing, "p": p, "q": q}
    for tool, action, thing, p, q in product("ab", "ab", "ij", [None, *VALUES], [None, *VALUES])
]


def permits(element: dict, call: dict) -> bool:
    """Judge a call by the words of an element: written anew, and without looking at the code under test."""
    for name, limit in element.get("arguments", {}).items():
        value = call[name]
        if value is None:
            return False
        if "one_of" in limit:
            kept = json.dumps(value) in [json.dumps(held) for held in limit["one_of"]]
        else:
            whole = isinstance(value, int) and not isinstance(value, bool)
            kept = whole and limit.get("minimum", value) <= value <= limit.get("maximum", value)
        if not kept:
            return False
    return (
        call["tool"] in element["tools"]
        and call["action"] in element.get("actions", "ab")
        and call["identifier"] in element.get("identifier", "ij")
    )


def less(mine: dict, other: dict) -> bool:
    calls, end = mine.get("max_calls", 99), mine.get("not_after", AT + 99)
    # Naming every action there is allows what naming none does, here; tomorrow there may be more.
    named = "actions" not in other or "actions" in mine
    return named and calls <= other.get("max_calls", 99) and end <= other.get("not_after", AT + 99)


@pytest.mark.requirement("RAR-5")
@settings(max_examples=60)
@given(ELEMENTS.flatmap(lambda other: st.tuples(_near(other), st.just(other))))
def test_narrower_means_that_every_call_it_permits_is_permitted(pair):
    mine, other = pair
    (a,), (b,) = read(mine), read(other)
    only = all(permits(other, call) for call in CALLS if permits(mine, call))
    assert a.within(b) == (only and less(mine, other))


@settings(max_examples=60)
@given(SOME, SOME, SOME)
def test_narrowing_twice_is_narrowing(first, second, third):
    a, b, c = read(*first), read(*second), read(*third)
    assert covered(a, a)
    if covered(a, b) and covered(b, c):
        assert covered(a, c)


@pytest.mark.requirement("RAR-5")
@settings(max_examples=60)
@given(st.data())
def test_no_chain_of_narrowing_allows_more_than_was_approved(data):
    """Ask for less and less: whatever is answered, no call, count or time goes beyond what stood at the beginning."""
    approved = data.draw(SOME)
    held: Details = read(*approved)
    for _ in range(3):
        verdict = narrow(held, read(*data.draw(st.lists(_less_of(held), min_size=1, max_size=4))), now=NOW)
        if isinstance(verdict, Refusal) or verdict is None:
            continue
        held = verdict
    told = json.loads(render(held))
    for call in CALLS[::31]:
        if any(permits(element, call) for element in told):
            assert any(permits(element, call) for element in approved)
    if all("max_calls" in element for element in approved):
        assert sum(element["max_calls"] for element in told) <= sum(element["max_calls"] for element in approved)
    assert max(element.get("not_after", AT + 99) for element in told) <= max(
        element.get("not_after", AT + 99) for element in approved
    )


def _less_of(held: Details) -> st.SearchStrategy[dict]:
    return st.one_of(ELEMENTS, st.sampled_from([json.loads(detail.said) for detail in held]).flatmap(_near))
