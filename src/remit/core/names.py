"""Typed identifiers and the text forms of ids and opaque secrets.

An id is `<prefix>_<26 characters>`: a UUIDv7 (RFC 9562 §5.7) in lower-case base32, so ids sort by their time.
A secret is `rmt_<kind>_<id>.<secret><checksum>`: people and secret scanners recognise it, the id is the primary key,
and the row holds only a keyed digest of the secret.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

TenantId = NewType("TenantId", str)
UserId = NewType("UserId", str)
AgentId = NewType("AgentId", str)
RemitId = NewType("RemitId", str)
ClientId = NewType("ClientId", str)
ResourceId = NewType("ResourceId", str)
GrantId = NewType("GrantId", str)
LineId = NewType("LineId", str)
SessionId = NewType("SessionId", str)
StopId = NewType("StopId", str)
EventId = NewType("EventId", str)
TokenId = NewType("TokenId", str)
Kid = NewType("Kid", str)

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH = 26
# Two characters at a time.
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHIFTS = range(5 * (_ID_LENGTH - 2), -1, -10)
_CHECKSUM_LENGTH = 6
_ORDINAL = re.compile(rf"[{_ALPHABET}]{{{_ID_LENGTH}}}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")  # 32 bytes in base64url without padding

RANDOM_BYTES = 10
"""Random bytes that one id needs."""

SECRET_BYTES = 32
"""Random bytes behind one opaque secret (GEN-8)."""


class Prefix(StrEnum):
    """The typed prefix of each kind of id."""

    TENANT = "tnt"
    USER = "usr"
    AGENT = "agt"
    REMIT = "rem"
    CLIENT = "cli"
    RESOURCE = "res"
    GRANT = "grt"
    LINE = "lin"
    SESSION = "ses"
    STOP = "stp"
    EVENT = "evt"
    TOKEN = "tok"
    REQUEST = "req"


class SecretKind(StrEnum):
    """Each kind of opaque secret. A lookup names the kind it wants; the wrong kind looks like unknown."""

    REFRESH = "rt"
    CODE = "ac"
    PUSHED = "pr"
    DEVICE = "dc"
    LOGIN = "ls"
    CLIENT = "cs"
    RESOURCE = "rs"
    SETUP = "su"
    BROWSER = "br"
    INITIAL = "it"
    REGISTRATION = "ra"


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that must not be printed by accident. `reveal()` is the greppable way out."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        return self._value


@dataclass(frozen=True, slots=True, kw_only=True)
class Opaque:
    """One opaque secret, taken apart: what it is, which row it names, and the part that proves it."""

    kind: SecretKind
    id: str
    secret: Secret

    def text(self) -> Secret:
        """Return the wire form, checksum included."""
        body = f"rmt_{self.kind}_{self.id}.{self.secret.reveal()}"
        return Secret(body + _checksum(body))


def encode_id(prefix: Prefix, *, at_ms: int, random: bytes) -> str:
    """Return a time-ordered id; `random` is RANDOM_BYTES long."""
    return f"{prefix}_{encode_ordinal(at_ms=at_ms, random=random)}"


def encode_ordinal(*, at_ms: int, random: bytes) -> str:
    """Return the 26 characters of a UUIDv7 in base32."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"an id takes {RANDOM_BYTES} random bytes")
    number = (at_ms & 0xFFFFFFFFFFFF) << 80 | int.from_bytes(random, "big")
    number = number & ~(0xF << 76) | 0x7 << 76  # version 7
    number = number & ~(0x3 << 62) | 0x2 << 62  # variant 10
    return "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])


def time_of(ordinal: str) -> int:
    """Return the milliseconds at which the 26 characters of an id were made.

    Raises:
        ValueError: characters that no id holds.
    """
    number = 0
    for character in ordinal:
        number = number * 32 + _ALPHABET.index(character)
    return number >> 80


def parse_opaque(text: str, kind: SecretKind) -> Opaque | None:
    """Take a presented secret apart. None when it is not of this kind, damaged or of the wrong shape."""
    head = f"rmt_{kind}_"
    if not text.startswith(head) or not text.isascii():
        return None
    body, checksum = text[:-_CHECKSUM_LENGTH], text[-_CHECKSUM_LENGTH:]
    ordinal, dot, secret = body[len(head) :].partition(".")
    # The checksum is for typing errors and proves nothing, so the characters are looked at too.
    if not dot or not _ORDINAL.fullmatch(ordinal) or not _SECRET.fullmatch(secret) or _checksum(body) != checksum:
        return None
    return Opaque(kind=kind, id=ordinal, secret=Secret(secret))


def _checksum(body: str) -> str:
    number = binascii.crc32(body.encode("ascii"))
    digits = []
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return "".join(reversed(digits))
