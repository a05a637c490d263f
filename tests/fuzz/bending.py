"""Ways to bend something good a little: what attackers do, and what broken software does by itself."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import strategies as st

SEEDS = Path(__file__).parent / "seeds"

ODD = ["%", "%zz", "%00", "%0a", "%7f", "%c2%85", "%ff", "%ed%a0%80", "%c0%af", "%e2%80%ae", "%F0%9F%92%A5", "%u0041"]
SIGNS = st.sampled_from([b"&", b"=", b"+", b";", b"%", b"#", b"?", b"/", b"\\", b"@", b":", b".", b" ", b"\t", b"\r\n"])
SPACES = st.sampled_from([b"\xa0", b"\x85", b"\x0b", b"\x0c", b"\x1c", b"\x1f", b"\x00", b"\xc2\xa0", b"\xe2\x80\x80"])
LOOKALIKES = {
    "a": "\u0430", "c": "\u0441", "e": "\u0435", "o": "\u043e", "p": "\u0440", "/": "\u2215", ".": "\u3002",
    ":": "\uff1a", "1": "\uff11", "k": "\u212a", "s": "\u017f", "i": "\u0131",
}  # fmt: skip


def seeds(name: str) -> dict[str, bytes]:
    """Return the inputs that were worth keeping, each by why. They stand in the file as Latin-1, a byte a letter."""
    kept = json.loads((SEEDS / f"{name}.json").read_text("utf-8"))
    return {why: raw.encode("latin-1") for why, raw in kept.items()}


@st.composite
def bent(draw, good: st.SearchStrategy[bytes]) -> bytes:
    """A good input with up to four changes, perhaps grown together with another one."""
    raw: bytes = draw(good)
    for _ in range(draw(st.integers(0, 4))):
        raw = draw(_one_change(raw, good))
    return raw


def _one_change(raw: bytes, good: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    at = st.integers(0, max(0, len(raw) - 1))
    span = st.tuples(at, at).map(sorted)
    return st.one_of(
        st.tuples(at, st.integers(0, 7)).map(lambda pick: _flip(raw, *pick)),
        st.tuples(at, st.one_of(SIGNS, SPACES, st.binary(min_size=1, max_size=3))).map(lambda pick: _put(raw, *pick)),
        st.tuples(at, st.sampled_from(ODD)).map(lambda pick: _put(raw, pick[0], pick[1].encode())),
        span.map(lambda ends: raw[: ends[0]] + raw[ends[1] :]),
        span.map(lambda ends: raw[: ends[1]] + raw[ends[0] :]),
        at.map(lambda index: _encode(raw, index)),
        at.map(lambda index: raw[:index] + raw[index : index + 1].swapcase() + raw[index + 1 :]),
        at.map(lambda index: _lookalike(raw, index)),
        st.tuples(at, good).map(lambda pick: raw[: pick[0]] + pick[1][pick[0] :]),
        st.sampled_from([raw + raw, raw + b"\n", b" " + raw, raw + b" ", b"\xef\xbb\xbf" + raw, raw[::-1]]),
    )


def _flip(raw: bytes, at: int, bit: int) -> bytes:
    if not raw:
        return raw
    return raw[:at] + bytes([raw[at] ^ (1 << bit)]) + raw[at + 1 :]


def _put(raw: bytes, at: int, what: bytes) -> bytes:
    return raw[:at] + what + raw[at:]


def _encode(raw: bytes, at: int) -> bytes:
    return raw[:at] + (f"%{raw[at]:02x}".encode() if raw else b"") + raw[at + 1 :]


def _lookalike(raw: bytes, at: int) -> bytes:
    letter = raw[at : at + 1].decode("latin-1")
    return raw[:at] + LOOKALIKES.get(letter, letter + "\u200b").encode() + raw[at + 1 :]
