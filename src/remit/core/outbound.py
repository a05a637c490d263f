"""What may be fetched of a URL that a stranger named, and how long the answer may be kept (RFC 6890, RFC 9111 §5.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, TypeAlias

from remit.core.oauth import uris

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

PORTS: Final = frozenset({443, 8443})
"""Where public hosts serve documents. Others are doors of something else, knocked at in our name."""

LEAST_FRESH: Final = 300
MOST_FRESH: Final = 86_400
"""Seconds between which an answer counts as fresh, whatever its host says (CIMD-9)."""

_SPECIAL_4: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; also where one cloud keeps its metadata
        "127.0.0.0/8",
        "168.63.129.16/32",  # public by its number, and the inside of a cloud by its use
        "169.254.0.0/16",  # link-local: metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments: metadata of one cloud
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # relays to IPv6
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",  # multicast, reserved, broadcast
    )
)
# INVARIANT: only what IANA has given to hosts of the internet is public at all, so whatever is new is refused.
_GIVEN_6: Final = IPv6Network("2000::/3")
_SPECIAL_6: Final = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, which wraps an IPv4 address, among them
        "2001:db8::/32",
        "2002::/16",  # 6to4 wraps an IPv4 address
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)


# Where clouds tell a machine who it is, and with which keys: not even a setting opens these.
_METADATA: Final = frozenset(
    {
        IPv4Address("100.100.100.200"),
        IPv4Address("168.63.129.16"),
        IPv4Address("169.254.169.254"),
        IPv4Address("192.0.0.192"),
        IPv6Address("fd00:ec2::254"),
        IPv6Address("fd20:ce::254"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What was there: answered with 200, as JSON, in full."""

    body: bytes
    fresh_seconds: int
    etag: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """It is what it was when it had this tag."""

    fresh_seconds: int


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Nothing was read. The reason is for the audit log alone: whoever named the URL learns nothing of our networks."""

    reason: str
    crowded: bool = False
    """It was not even tried: too much is going on at once."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A form was taken there, and answered with this status. What else the answer says is not read."""

    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a URL leads: what is resolved, what is dialled, what is asked for."""

    host: str
    port: int
    authority: str
    target: str


def place_of(url: str) -> Place | Unreachable:
    """Take a URL apart; only https is ever fetched."""
    parts = uris.read(url)
    if isinstance(parts, uris.Flaw):
        return Unreachable(f"the URL {parts.clause}")
    if parts.scheme != "https" or parts.host is None:
        return Unreachable("the URL is not https")
    host = parts.host.lower()
    return Place(
        host=host.removeprefix("[").removesuffix("]"),
        port=parts.port or 443,
        authority=host if parts.port is None else f"{host}:{parts.port}",
        target=(parts.path or "/") + ("" if parts.query is None else f"?{parts.query}"),
    )


def is_public(address: Address) -> bool:
    """Say whether an address is one of the internet, and of nothing nearer."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_4)
    # Mapped, translated (NAT64), local and multicast addresses all lie outside of what was given.
    return address.scope_id is None and address in _GIVEN_6 and not any(address in network for network in _SPECIAL_6)


def may_dial(address: Address, port: int, own: tuple[Network, ...]) -> bool:
    """Say whether to connect: to what is public at the usual ports, to our own networks where a setting names them."""
    if is_public(address):
        return port in PORTS
    return address not in _METADATA and any(address in network for network in own if network.version == address.version)


def fresh_seconds(headers: Mapping[str, str]) -> int:
    """Return how long an answer counts as fresh: what its host says, within our bounds."""
    said = [part.strip().lower() for part in headers.get("cache-control", "").split(",")]
    if "no-store" in said or any(part.split("=")[0] == "no-cache" for part in said):
        return LEAST_FRESH
    ages = [int(found[1]) for part in said if (found := _MAX_AGE.fullmatch(part))]
    if not ages:
        return LEAST_FRESH
    age = headers.get("age", "")
    return max(LEAST_FRESH, min(min(ages) - (int(age) if _SECONDS.fullmatch(age) else 0), MOST_FRESH))


def is_json(content_type: str) -> bool:
    """Say whether a media type is JSON or built on it (CIMD-2)."""
    return _JSON.fullmatch(content_type.split(";", 1)[0].strip().lower()) is not None


_SECONDS: Final = re.compile(r"[0-9]{1,9}")
_MAX_AGE: Final = re.compile(r'max-age="?([0-9]{1,9})"?')
_JSON: Final = re.compile(r"application/(?:[a-z0-9!#$&^_.+-]+\+)?json")
