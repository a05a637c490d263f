"""The device authorization grant (RFC 8628): the pair of codes, who may still answer, and what a poll earns."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from remit.core.names import ClientId, LineId, ResourceId
from remit.core.oauth.dpop import OTHER_KEY
from remit.core.oauth.verdicts import Refusal

ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so that no word is spelled, and nothing that looks like something else (RFC 8628 §6.1)."""

_LETTERS: Final = 8
USER_CODES: Final = len(ALPHABET) ** _LETTERS
"""How many user codes there are: 34 bits. What keeps them safe is how few of them anybody may try in their life."""

DEVICE_LIFETIME: Final = timedelta(minutes=5)
REDEEM_LIFETIME: Final = timedelta(minutes=1)
"""How long an approved request waits for its device at least, however late the yes came."""

INTERVAL: Final = 5
SLOWER: Final = 5
"""Seconds between two polls, and how many more there are after each poll that came too early (RFC 8628 §3.5)."""

OFF: Final = Refusal("unauthorized_client", "the device flow is off in this tenant: an administrator can turn it on")
UNKNOWN: Final = Refusal("invalid_grant", "unknown device code; it works once, and for the client that asked for it")
USED: Final = Refusal("invalid_grant", "the device code was already redeemed: start again")
DENIED: Final = Refusal("access_denied", "the user said no")
EXPIRED: Final = Refusal("expired_token", "nobody answered in time: start again with a new device code")
PENDING: Final = Refusal("authorization_pending", "the user has not answered yet: ask again after the interval")
TOO_FAST: Final = Refusal("slow_down", "asked too early: wait five seconds longer than before, from now on")
OVER: Final = Refusal(
    "invalid_request", "this request was answered or is too old: start again on the device", redirect=False
)


class DeviceState(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    SPENT = "spent"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRequest:
    """What a device asked for and waits for. Its two codes are stored as digests."""

    id: str
    digest: bytes = field(repr=False)
    user_code: str = field(repr=False)
    """A keyed digest of the code that the user types in."""
    client: ClientId
    client_version: int
    resource: ResourceId
    scopes: tuple[str, ...]
    details: str | None
    max_age: int | None
    acr: str | None
    """The level that the user's sign-in must have reached."""
    peer: str | None
    """The address from which the device asked."""
    jkt: str | None
    """The key that must redeem it, where the device proved one when it asked (RFC 9449 §10)."""
    state: DeviceState
    interval: int
    next_at: datetime
    """A poll before this is too early."""
    created_at: datetime
    expires_at: datetime
    line: LineId | None = None
    auth_time: datetime | None = None
    """When whoever approved had signed in, and how."""
    amr: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedByDevice:
    """What an authorization request carries through the pages that a device began."""

    id: str
    code: str
    """The user code as it is shown, for the user to compare."""
    expires_ms: int


def spell(number: int) -> str:
    """Return the user code of a number below USER_CODES, as people read it: XXXX-XXXX."""
    letters = []
    for _ in range(_LETTERS):
        number, letter = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[letter])
    half = _LETTERS // 2
    return "".join(letters[:half]) + "-" + "".join(letters[half:])


def draw(random: bytes) -> str:
    """Return the user code of 32 random bytes. Of 256 bits the remainder is as even as anybody could tell."""
    return spell(int.from_bytes(random, "big") % USER_CODES)


def read_user_code(text: str) -> str | None:
    """Return the code that somebody typed as it is shown. Case, spaces and dashes say nothing (RFC 8628 §6.1)."""
    # Only ASCII is folded: other alphabets have letters that become some of ours.
    letters = "".join(letter for letter in text if not letter.isspace() and letter not in "-_.")
    letters = letters.upper() if letters.isascii() else letters
    if len(letters) != _LETTERS or not set(letters) <= set(ALPHABET):
        return None
    half = _LETTERS // 2
    return f"{letters[:half]}-{letters[half:]}"


def judge_open(found: DeviceRequest | None, *, allowed: bool, now: datetime) -> DeviceRequest | Refusal:
    """Return the request if somebody may still answer it. `allowed`: the tenant lets devices ask."""
    if not allowed:
        return OFF
    if found is None or found.state is not DeviceState.PENDING or now >= found.expires_at:
        return OVER
    return found


@dataclass(frozen=True, slots=True)
class Ready:
    """Spend the request and issue what its line holds."""

    request: DeviceRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nobody answered yet: the request `id` has this pace from now on, and `told` is what the device hears."""

    id: str
    told: Refusal
    interval: int
    next_at: datetime


def judge_poll(
    found: DeviceRequest | None, *, client: ClientId, jkt: str | None = None, now: datetime
) -> Ready | Wait | Refusal:
    """Say what a poll earns (RFC 8628 §3.5). `found` is already proven by its digest."""
    if found is None or found.client != client:
        # Another client's code must look exactly like none.
        return UNKNOWN
    if found.jkt is not None and found.jkt != jkt:
        return OTHER_KEY
    if found.state is DeviceState.SPENT:
        return USED
    if found.state is DeviceState.DENIED:
        return DENIED
    if now >= found.expires_at:
        return EXPIRED
    if found.state is DeviceState.APPROVED:
        return Ready(found)
    early = now < found.next_at
    interval = found.interval + SLOWER if early else found.interval
    told, next_at = TOO_FAST if early else PENDING, now + timedelta(seconds=interval)
    return Wait(id=found.id, told=told, interval=interval, next_at=next_at)
