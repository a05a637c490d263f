"""From bytes to fields, with the limits applied first and everything ambiguous refused."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import unquote_to_bytes

import msgspec

from remit.core.oauth.form import Form
from remit.core.oauth.verdicts import Refusal
from remit.wire.call import Call, header, pieces

FORM = "application/x-www-form-urlencoded"
MAX_BODY = 64 * 1024
MAX_FIELDS = 100
MAX_DEPTH = 32
_LONGEST_LENGTH = 18
# Both sets of control characters (Unicode category Cc), save what a text of several lines holds.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# A string, or one bracket: within strings brackets nest nothing. A string that nobody closes goes to the end, so that
# no place is looked at twice.
_NESTING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
REPEATABLE = frozenset({"resource", "audience"})
"""Protocol parameters that may stand more than once (RFC 8707 §2, RFC 8693 §2.1). Our pages add their tick boxes."""


@dataclass(frozen=True, slots=True)
class TooLarge:
    """The body is over the limit; nothing of it was looked at."""


TOO_LARGE = Refusal("invalid_request", "the body is larger than 64 KiB")
"""The same as an event tells it."""


async def read_body(call: Call, limit: int = MAX_BODY) -> bytes | TooLarge:
    """Read a body up to the limit; what was declared or sent beyond it is never kept."""
    declared = header(call, b"content-length") or "0"
    if not declared.isdecimal() or len(declared) > _LONGEST_LENGTH or int(declared) > limit:
        return TooLarge()
    body = await pieces(call, limit)
    return TooLarge() if body is None else body


async def read_form(call: Call, repeatable: frozenset[str] = REPEATABLE) -> Form | Refusal | TooLarge:
    """Read a form body. Another content type, repeats and broken encoding are refused (GEN-4, GEN-5)."""
    media = header(call, b"content-type") or ""
    if media != FORM and media.split(";", 1)[0].strip().lower() != FORM:
        return Refusal("invalid_request", f"send the parameters as {FORM}")
    body = await read_body(call)
    return body if isinstance(body, TooLarge) else parse_form(body, repeatable)


def parse_query(call: Call) -> Form | Refusal:
    """Read the parameters of the query, by the same rules."""
    return parse_form(call.scope["query_string"])


def parse_form(body: bytes, repeatable: frozenset[str] = REPEATABLE) -> Form | Refusal:
    """Parse `a=b&c=d`: strict UTF-8, no control characters, no repeats, at most MAX_FIELDS fields."""
    pieces = body.split(b"&") if body else []
    if len(pieces) > MAX_FIELDS:
        return Refusal("invalid_request", f"more than {MAX_FIELDS} parameters")
    fields: dict[str, tuple[str, ...]] = {}
    for piece in pieces:
        raw_name, _, raw_value = piece.partition(b"=")
        try:
            name, value = _decode(raw_name), _decode(raw_value)
        except ValueError:
            return Refusal("invalid_request", "a parameter is not UTF-8 text")
        if not name or not value:
            continue
        if name in fields and name not in repeatable:
            return Refusal("invalid_request", "a parameter stands twice; send each once")
        fields[name] = (*fields.get(name, ()), value)
    return Form(fields)


_ESCAPED = re.compile(rb"[+%]")


def _decode(raw: bytes) -> str:
    if _ESCAPED.search(raw):
        raw = unquote_to_bytes(raw.replace(b"+", b" "))
    text = raw.decode("utf-8", "strict")
    if _CONTROL.search(text):
        raise ValueError("control character")
    return text


Body = TypeVar("Body")


def parse_json(body: bytes, kind: type[Body]) -> Body | str:
    """Parse JSON into a typed struct, or say what is wrong with it, with the path. Depth is bounded first.

    A member that stands twice is refused: two readers could take another one of the two (RFC 8259 §4, GEN-9).
    """
    if _depth(body) > MAX_DEPTH:
        return f"nested deeper than {MAX_DEPTH}"
    try:
        parsed = msgspec.json.decode(body, type=kind)
        json.loads(body, object_pairs_hook=_once)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return str(error)
    except ValueError:
        return "a member of an object stands twice, or a number has no end: send what every reader reads alike"
    return parsed


def _once(pairs: list[tuple[str, object]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a member stands twice")


def _depth(body: bytes) -> int:
    """Count the deepest nesting without parsing."""
    deepest = depth = 0
    for found in _NESTING.finditer(body):
        if found[0] in {b"[", b"{"}:
            depth += 1
            deepest = max(deepest, depth)
        elif found[0] in {b"]", b"}"}:
            depth -= 1
    return deepest


__all__ = [
    "FORM",
    "MAX_BODY",
    "MAX_DEPTH",
    "MAX_FIELDS",
    "REPEATABLE",
    "TOO_LARGE",
    "Form",
    "TooLarge",
    "parse_form",
    "parse_json",
    "parse_query",
    "read_body",
    "read_form",
]
