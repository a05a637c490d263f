"""The compact form of a signed token (RFC 7515 §7.1), read in exactly one way.

Whatever two readers could understand differently is refused here, before anybody looks at a signature: a second
spelling of the same base64url, a member given twice, a number that is no number, half of a surrogate pair.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Final

from remit.strict_json import read_object as read_object  # noqa: PLC0414 - readers of tokens find it here

MAX_TOKEN: Final = 16 * 1024
"""Characters of the longest token that is read at all; checked before anything is decoded."""

_LATEST: Final = 253_402_300_799  # the last second of the year 9999, which a datetime can still hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Compact:
    """A token taken apart and not yet believed."""

    header: dict[str, object]
    payload: bytes = field(repr=False)
    message: bytes = field(repr=False)
    """What the signature is over."""
    signature: bytes = field(repr=False)

    def claims(self) -> dict[str, object] | None:
        """Read the payload. To be asked after the signature held."""
        return read_object(self.payload)


def take_apart(token: str) -> Compact | None:
    """Split a token into its three parts. None when it is too long, damaged, or not made of exactly three."""
    if len(token) > MAX_TOKEN or not token.isascii() or token.count(".") != 2:
        return None
    message, _, tail = token.encode("ascii").rpartition(b".")
    head, _, body = message.partition(b".")
    raw_header, payload, signature = read_base64url(head), read_base64url(body), read_base64url(tail)
    if not raw_header or not payload or not signature:
        return None
    header = read_object(raw_header)
    if header is None:
        return None
    return Compact(header=header, payload=payload, message=message, signature=signature)


def read_base64url(text: bytes) -> bytes | None:
    """Decode base64url without padding (RFC 7515 §2); None for every spelling but the canonical one."""
    if len(text) % 4 == 1:
        return None
    try:
        plain = urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except ValueError:
        return None
    # The decoder skips what it does not know and drops spare bits; only what comes out again was said once.
    return plain if write_base64url(plain) == text else None


def write_base64url(plain: bytes) -> bytes:
    return urlsafe_b64encode(plain).rstrip(b"=")


def numeric_date(value: object) -> float | None:
    """Read a NumericDate (RFC 7519 §2): a JSON number of seconds, fractions allowed; never a string or a boolean."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= _LATEST else None


def text(value: object, *, longest: int = 1024) -> str | None:
    """Read a string that can be stored, compared and shown."""
    if isinstance(value, str) and 0 < len(value) <= longest and value.isprintable():
        return value
    return None


def type_name(header: dict[str, object]) -> str | None:
    """Return the `typ` in lower case without `application/` (RFC 7515 §4.1.9); "" when there is none, None when odd."""
    if "typ" not in header:
        return ""
    typ = text(header["typ"])
    return None if typ is None else typ.lower().removeprefix("application/")
