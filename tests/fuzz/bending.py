"""Ways to bend something good a little: what attackers do, and what broken software does by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

SEEDS = Path(__file__).parent / "seeds"

ODD = [sign.encode() for sign in "& = + ; % # ? / \\ @ : . , \" ' < [ ]".split()] + [
    *(b" ", b"\t", b"\r\n", b"\0", b"\x0b", b"\x1f", b"\x7f", b"\x85", b"\xa0", b"\xc2\xa0", b"\xe2\x80\x80", b"\xff"),
    *(
        b"%00",
        b"%0a",
        b"%7f",
        b"%c2%85",
        b"%ff",
        b"%ed%a0%80",
        b"%c0%af",
        b"%e2%80%ae",
        b"%zz",
        b"%u0041",
        b"%2e",
        b"%2f",
    ),
    *(b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf0\x9f\x92\xa5"),
]
LOOKALIKES = {
    "a": "\u0430", "c": "\u0441", "e": "\u0435", "o": "\u043e", "p": "\u0440", "/": "\u2215", ".": "\u3002",
    ":": "\uff1a", "1": "\uff11", "k": "\u212a", "s": "\u017f", "i": "\u0131",
}  # fmt: skip


def seeds(name: str) -> dict[str, bytes]:
    """Return the inputs that were worth keeping, each by why. They stand in the file as Latin-1, a byte a letter."""
    kept = json.loads((SEEDS / f"{name}.json").read_text("utf-8"))
    return {why: raw.encode("latin-1") for why, raw in kept.items()}


def _flip(raw: bytes, other: bytes, at: int, pick: int) -> bytes:
    return raw[:at] + bytes(byte ^ (1 << pick % 8) for byte in raw[at : at + 1]) + raw[at + 1 :]


def _put(raw: bytes, other: bytes, at: int, pick: int) -> bytes:
    return raw[:at] + ODD[pick % len(ODD)] + raw[at:]


def _replace(raw: bytes, other: bytes, at: int, pick: int) -> bytes:
    return raw[:at] + ODD[pick % len(ODD)] + raw[at + 1 :]


def _cut(raw: bytes, other: bytes, at: int, pick: int) -> bytes:
    return raw[:at] + raw[at + 1 + pick % 8 :]


def _repeat(raw: bytes, other: bytes, at: int, pick: int) -> bytes:
    return raw[: at + pick % 40] + raw[at:]


def _encode(raw: bytes, other: bytes, at: int, pick: int) -> bytes:
    return raw[:at] + b"".join(b"%%%02x" % byte for byte in raw[at : at + 1]) + raw[at + 1 :]


def _other_case(raw: bytes, other: bytes, at: int, pick: int) -> bytes:
    return raw[:at] + raw[at : at + 1 + pick % 9].swapcase() + raw[at + 1 + pick % 9 :]


def _lookalike(raw: bytes, other: bytes, at: int, pick: int) -> bytes:
    letter = raw[at : at + 1].decode("latin-1")
    return raw[:at] + LOOKALIKES.get(letter, letter + "\u200b").encode() + raw[at + 1 :]


def _splice(raw: bytes, other: bytes, at: int, pick: int) -> bytes:
    return raw[:at] + other[pick % (len(other) + 1) :]


def _end(raw: bytes, other: bytes, at: int, pick: int) -> bytes:
    return raw[:at]


WAYS = (_flip, _put, _replace, _cut, _repeat, _encode, _other_case, _lookalike, _splice, _end)
_NUMBER = st.integers(0, 2**16)
_CHANGES = st.lists(st.tuples(st.sampled_from(WAYS), _NUMBER, _NUMBER), max_size=4)


def bent(good: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Return good inputs with up to four changes, perhaps grown together with another one."""
    return st.builds(_bend, good, good, _CHANGES)


def _bend(raw: bytes, other: bytes, changes: list[Any]) -> bytes:
    for way, at, pick in changes:
        raw = way(raw, other, at % (len(raw) + 1), pick)
    return raw
