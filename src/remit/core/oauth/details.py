"""Authorization details (RFC 9396): limits that a request names itself, and which of two is the narrower one.

A detail never gives anything: scopes do. It narrows what the scopes of a token allow, to some tools, arguments, calls
and a time. So a token without details is the wider one, and whoever holds an approval may always ask for less of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeAlias

from remit.core.oauth.json_text import read_json
from remit.core.oauth.verdicts import Refusal

TOOL_CALL: Final = "remit_tool_call"
TYPES: Final = frozenset({TOOL_CALL})
"""Every type there is. Who asks for one must have registered it, and so must the resource that is to keep to it."""

LONGEST: Final = 1500
"""Characters of all details of one request in their canonical form: they stand in every token, which is a header."""

_LONGEST_SENT: Final = 4096
_MOST: Final = 10
_MOST_NAMES: Final = 50
_MOST_ARGUMENTS: Final = 20
_LONGEST_VALUE: Final = 256
_LARGEST: Final = 2**53 - 1
"""RFC 8785 §3.2.2.3: a number beyond this is not the same number for everybody."""

_NAME: Final = re.compile(r"[!-~]{1,128}")
_SETS: Final = ("actions", "datatypes", "privileges")
_FIELDS: Final = frozenset({"type", "locations", *_SETS, "identifier", "tools", "arguments", "max_calls", "not_after"})

Value: TypeAlias = str | int | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What one argument of a call may be: one of some values, or a whole number between two ends (None: no end)."""

    one_of: tuple[Value, ...] | None = None
    minimum: int | None = None
    maximum: int | None = None

    def within(self, other: Limit) -> bool:
        """Say whether every value that this allows is allowed by the other."""
        if self.one_of is not None:
            return all(other.allows(value) for value in self.one_of)
        if other.one_of is None:
            return _least(other.minimum) <= _least(self.minimum) and _most(self.maximum) <= _most(other.maximum)
        if self.minimum is None or self.maximum is None:
            return False
        # However long the range, the search ends with the first value that is not there.
        return all(other.allows(value) for value in range(self.minimum, self.maximum + 1))

    def allows(self, value: Value) -> bool:
        if self.one_of is not None:
            # In Python True equals 1; in JSON it does not.
            return any(value == held and type(value) is type(held) for held in self.one_of)
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and _least(self.minimum) <= value <= _most(self.maximum)  # type: ignore[operator]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One element of `authorization_details`. A set that is None limits nothing."""

    type: str
    locations: frozenset[str] | None
    sets: tuple[frozenset[str] | None, ...]
    """`actions`, `datatypes` and `privileges` (RFC 9396 §2.2)."""
    identifier: str | None
    tools: frozenset[str]
    arguments: Mapping[str, Limit]
    max_calls: int | None
    not_after: int | None
    said: str
    """The element in canonical JSON (RFC 8785): what is stored, told and compared."""

    def within(self, other: Detail) -> bool:
        """Say whether every call that this allows is allowed by the other, and no more of them or longer."""
        return (
            self.type == other.type
            and _subset(self.locations, other.locations)
            and all(_subset(mine, held) for mine, held in zip(self.sets, other.sets, strict=True))
            and other.identifier in (None, self.identifier)
            and self.tools <= other.tools
            and all(
                name in self.arguments and self.arguments[name].within(limit) for name, limit in other.arguments.items()
            )
            and _most(self.max_calls) <= _most(other.max_calls)
            and _most(self.not_after) <= _most(other.not_after)
        )

    def past(self, now: datetime) -> bool:
        return self.not_after is not None and now.timestamp() >= self.not_after


Details: TypeAlias = tuple[Detail, ...]


def read_details(text: str) -> Details | Refusal:
    """Read the parameter: a JSON array of elements that are known to the last field (RFC 9396 §2, RAR-2)."""
    if len(text) > _LONGEST_SENT:
        return no(f"authorization_details has more than {_LONGEST_SENT} characters")
    try:
        said = read_json(text)
    except ValueError:
        return no("authorization_details must be a JSON array, each member named once and each number whole")
    if not isinstance(said, list) or not 0 < len(said) <= _MOST:
        return no(f"authorization_details must be a JSON array of 1 to {_MOST} objects")
    found = []
    for element in said:
        detail = _detail(element)
        if isinstance(detail, Refusal):
            return detail
        found.append(detail)
    details = tuple(found)
    return (
        details if len(render(details)) <= LONGEST else no(f"authorization_details has more than {LONGEST} characters")
    )


def reread(stored: str) -> Details:
    """Read what was checked before it was stored."""
    details = read_details(stored)
    if isinstance(details, Refusal):
        raise ValueError(details.hint)
    return details


def render(details: Details) -> str:
    return f"[{','.join(detail.said for detail in details)}]"


def judge_details(
    text: str, *, client_types: frozenset[str], resource_types: frozenset[str], resource: str, now: datetime
) -> Details | Refusal:
    """Return what a request asks in detail, if this client may ask it and this resource keeps to it (RAR-2, RAR-4)."""
    details = read_details(text)
    if isinstance(details, Refusal):
        return details
    kinds = {detail.type for detail in details}
    if not kinds <= client_types:
        return no("this client is not registered for these authorization_details: see authorization_details_types")
    if not kinds <= resource_types:
        return no("the resource takes no such authorization_details: leave them out, or name another resource")
    if any(not _subset(detail.locations or frozenset({resource}), frozenset({resource})) for detail in details):
        return no("locations must name the resource of the request, to the letter, or be left out")
    if all(detail.past(now) for detail in details):
        return no("not_after is past in all of authorization_details")
    return details


def narrow(held: Details | None, asked: Details | None, *, now: datetime) -> Details | Refusal | None:
    """Return the details of a token: what was approved, or less of it where less is asked. What is past is left out.

    INVARIANT: a token allows no call, no number of calls and no time that its approval does not allow.
    """
    if asked is not None and held is not None and not covered(asked, held):
        return no("authorization_details may only be a part of what was approved, or narrower")
    details = held if asked is None else asked
    if details is None:
        return None
    left = tuple(detail for detail in details if not detail.past(now))
    if not left:
        return Refusal("invalid_grant", "what was approved in detail is over: ask for access again")
    return left


def covered(asked: Details, held: Details) -> bool:
    """Say whether everything asked is part of what is held, each limited number of calls used once at most."""
    counted = [
        [place for place, whole in enumerate(held) if part.within(whole)]
        for part in asked
        if not any(part.within(whole) for whole in held if whole.max_calls is None)
    ]
    taken: dict[int, int] = {}

    def place(part: int, tried: set[int]) -> bool:
        for whole in counted[part]:
            if whole not in tried:
                tried.add(whole)
                if whole not in taken or place(taken[whole], tried):
                    taken[whole] = part
                    return True
        return False

    return all(place(part, set()) for part in range(len(counted)))


def ends(details: Details | None) -> datetime | None:
    """Return when the last of the details is over; None: none of them says so."""
    if details is None or any(detail.not_after is None for detail in details):
        return None
    return datetime.fromtimestamp(max(detail.not_after or 0 for detail in details), UTC)


def on_resource(details: Details, resource: str) -> Details:
    """Return those that say nothing of a place, or name this one."""
    return tuple(detail for detail in details if detail.locations is None or resource in detail.locations)


def no(hint: str) -> Refusal:
    return Refusal("invalid_authorization_details", hint)


def _detail(said: object) -> Detail | Refusal:
    if not isinstance(said, dict) or not isinstance(said.get("type"), str):
        return no("each of authorization_details must be an object with a type")
    if said["type"] not in TYPES:
        return no(f"the type of authorization_details must be one of {' '.join(sorted(TYPES))}")
    if not said.keys() <= _FIELDS:
        return no(f"{said['type']} has no other members than {' '.join(sorted(_FIELDS))}")
    read: dict[str, object] = {}
    for name, reader in _READERS.items():
        if name in said:
            value = reader(said[name])
            if value is None:
                return no(f"{name} in authorization_details must be {_MUST[name]}")
            read[name] = value
    if "tools" not in read:
        return no(f"tools in authorization_details must be {_MUST['tools']}")
    return Detail(
        type=said["type"],
        locations=read.get("locations"),  # type: ignore[arg-type]
        sets=tuple(read.get(name) for name in _SETS),  # type: ignore[misc]
        identifier=read.get("identifier"),  # type: ignore[arg-type]
        tools=read["tools"],  # type: ignore[arg-type]
        arguments=read.get("arguments", {}),  # type: ignore[arg-type]
        max_calls=read.get("max_calls"),  # type: ignore[arg-type]
        not_after=read.get("not_after"),  # type: ignore[arg-type]
        said=canonical(said),
    )


def _names(said: object) -> frozenset[str] | None:
    if not isinstance(said, list) or not 0 < len(said) <= _MOST_NAMES:
        return None
    if not all(isinstance(name, str) and _NAME.fullmatch(name) for name in said):
        return None
    return frozenset(said)


def _text(said: object) -> str | None:
    return said if isinstance(said, str) and 0 < len(said) <= _LONGEST_VALUE and said.isprintable() else None


def _whole(said: object) -> int | None:
    return said if isinstance(said, int) and not isinstance(said, bool) and abs(said) <= _LARGEST else None


def _count(said: object) -> int | None:
    number = _whole(said)
    return number if number is not None and number > 0 else None


def _moment(said: object) -> int | None:
    number = _count(said)
    # The last second that a calendar of ours can write.
    return number if number is not None and number < 253_402_300_800 else None


def _arguments(said: object) -> dict[str, Limit] | None:
    if not isinstance(said, dict) or not 0 < len(said) <= _MOST_ARGUMENTS:
        return None
    limits = {name: _limit(limit) for name, limit in said.items() if _NAME.fullmatch(name)}
    found = {name: limit for name, limit in limits.items() if limit is not None}
    return found if len(found) == len(said) else None


def _limit(said: object) -> Limit | None:
    if not isinstance(said, dict):
        return None
    if said.keys() == {"one_of"}:
        values = said["one_of"]
        if not isinstance(values, list) or not 0 < len(values) <= _MOST_NAMES:
            return None
        if not all(
            isinstance(value, bool) or _whole(value) is not None or _text(value) is not None for value in values
        ):
            return None
        return Limit(one_of=tuple(values))
    if not said or not said.keys() <= {"minimum", "maximum"}:
        return None
    if any(_whole(value) is None for value in said.values()):
        return None
    limit = Limit(minimum=_whole(said.get("minimum")), maximum=_whole(said.get("maximum")))
    return limit if _least(limit.minimum) <= _most(limit.maximum) else None


_READERS: Final[Mapping[str, Callable[[object], object]]] = {
    "locations": _names,
    "actions": _names,
    "datatypes": _names,
    "privileges": _names,
    "identifier": _text,
    "tools": _names,
    "arguments": _arguments,
    "max_calls": _count,
    "not_after": _moment,
}
_LIST: Final = f"a list of 1 to {_MOST_NAMES} names without spaces"
_MUST: Final = {
    "locations": "a list of URIs",
    "actions": _LIST,
    "datatypes": _LIST,
    "privileges": _LIST,
    "identifier": f"a text of at most {_LONGEST_VALUE} characters",
    "tools": _LIST,
    "arguments": 'an object of limits, as in {"amount": {"maximum": 100}} or {"currency": {"one_of": ["EUR"]}}',
    "max_calls": "a whole number above 0",
    "not_after": "a number of seconds since 1970",
}


def canonical(said: object) -> str:
    """Write JSON as RFC 8785 does. Names are ASCII and numbers whole, so that Python sorts and writes the same."""
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _subset(mine: frozenset[str] | None, held: frozenset[str] | None) -> bool:
    return held is None or (mine is not None and mine <= held)


def _least(number: int | None) -> float:
    return float("-inf") if number is None else number


def _most(number: int | None) -> float:
    return float("inf") if number is None else number
