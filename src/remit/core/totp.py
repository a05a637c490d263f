"""The second factor: one-time codes of an authenticator app (RFC 6238) and recovery codes for when it is lost."""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote, urlencode

from remit.core.names import UserId

SECRET_BYTES: Final = 20
"""As long as the hash is (RFC 4226 §4); every app takes it."""

STEP_SECONDS: Final = 30
DIGITS: Final = 6
DRIFT: Final = 1
"""Steps by which the clock of a phone may be off, either way (RFC 6238 §6)."""

PENDING: Final = timedelta(minutes=10)
"""How long a secret that was shown waits for its first code."""

RECOVERY_CODES: Final = 10
RECOVERY_BYTES: Final = 7
_RECOVERY_LENGTH: Final = 10
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"

_CODE: Final = re.compile(r"[0-9]{6}")
_RECOVERY: Final = re.compile(rf"[{_ALPHABET}]{{{_RECOVERY_LENGTH}}}")
# What people read wrong on paper (Crockford's base 32).
_MISREAD: Final = str.maketrans("oil", "011")


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactor:
    """A secret that a user shares with his authenticator app. Only once he showed a code of it does it count."""

    user: UserId
    sealed: bytes = field(repr=False)
    last_step: int
    """The newest step of which a code was taken; no code of this step or of one before counts any more."""
    created_at: datetime
    confirmed_at: datetime | None

    @property
    def active(self) -> bool:
        return self.confirmed_at is not None

    def pending(self, now: datetime) -> bool:
        return self.confirmed_at is None and now < self.created_at + PENDING


def code_at(secret: bytes, step: int, *, digits: int = DIGITS) -> str:
    """Return the code of one step (RFC 4226 §5.3, RFC 6238 §4)."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = mac[-1] & 15
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def step_of(now: datetime) -> int:
    return int(now.timestamp()) // STEP_SECONDS


def matching_step(secret: bytes, code: str, now: datetime) -> int | None:
    """Return the step that a code belongs to, if it is one around now. Every step is compared, in constant time."""
    found = None
    for step in range(step_of(now) - DRIFT, step_of(now) + DRIFT + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            found = step
    return found


def read_code(text: str) -> str | None:
    """Return a code of an app as it counts, whatever spaces it was typed with; None when it is none."""
    joined = "".join(text.split())
    return joined if _CODE.fullmatch(joined) else None


def read_recovery_code(text: str) -> str | None:
    """Return a recovery code as it counts: case, spaces and hyphens do not; None when it is none."""
    joined = "".join(text.split()).replace("-", "").lower().translate(_MISREAD)
    return joined if _RECOVERY.fullmatch(joined) else None


def recovery_code(raw: bytes) -> str:
    """Write random bytes as a recovery code of 50 bits, in two halves."""
    number = int.from_bytes(raw[:RECOVERY_BYTES], "big")
    letters = "".join(_ALPHABET[number >> 5 * place & 31] for place in range(_RECOVERY_LENGTH))
    return f"{letters[:5]}-{letters[5:]}"


def spelled(secret: bytes) -> str:
    """Return a secret as people type it into an app: base 32 in groups of four."""
    text = base64.b32encode(secret).decode().rstrip("=")
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def address_of(secret: bytes, *, issuer: str, account: str) -> str:
    """Return the address that an authenticator app opens."""
    label = quote(f"{issuer}:{account}", safe="@:")
    said = {"secret": base64.b32encode(secret).decode().rstrip("="), "issuer": issuer, "period": str(STEP_SECONDS)}
    return f"otpauth://totp/{label}?{urlencode(said, quote_via=quote)}"
