"""What values a setting may have: each check says what a value must be when it is not."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})

_URL_OPTIONS: Final = frozenset({"sslmode", "sslrootcert", "sslcrl", "target_session_attrs"})

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_OWN: Final[tuple[_Network, ...]] = tuple(
    ipaddress.ip_network(network)
    for network in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
    )
)
"""Where machines of one's own may stand. Link-local is none of it: there clouds tell a machine who it is."""

Check = Callable[[Any], str | None]
"""Says what a value must be when it is not; None when it is."""


def between(low: int, high: int) -> Check:
    return lambda value: None if low <= value <= high else f"must be from {low} to {high}"


def one_of(*allowed: str) -> Check:
    return lambda value: None if value in allowed else f"must be one of {', '.join(allowed)}"


def absolute(value: str) -> str | None:
    return None if not value or Path(value).is_absolute() else "must be an absolute path"


def email(value: str) -> str | None:
    return None if not value or re.fullmatch(r"[^@\s]+@[^@\s]+", value) else "must be an e-mail address"


def contact(value: str) -> str | None:
    if not value or re.fullmatch(r"mailto:[^@\s]+@[^@\s]+|https://[!-~]+", value):
        return None
    return "must be like mailto:security@example.com or https://example.com/report"


def host_name(value: str) -> str | None:
    return None if value and not re.search(r"[\s/@]", value) else "must be a host name or an address"


def networks(values: tuple[str, ...]) -> str | None:
    for value in values:
        try:
            network = ipaddress.ip_network(value)
        except ValueError:
            return f"`{value}` is neither an address nor a network"
        if network.prefixlen == 0:
            # Everybody's word about who he is would be believed.
            return f"`{value}` is everybody; name the proxies"
    return None


def own_networks(values: tuple[str, ...]) -> str | None:
    for value in values:
        try:
            network = ipaddress.ip_network(value)
        except ValueError:
            return f"`{value}` is neither an address nor a network"
        if not any(_within(network, own) for own in _OWN):
            return f"`{value}` must lie in one of {', '.join(str(own) for own in _OWN)}"
    return None


def is_loopback(network: str) -> bool:
    return ipaddress.ip_network(network).is_loopback


def base_url(value: str) -> str | None:
    try:
        url = urlsplit(value)
        host, port = url.hostname, url.port
    except ValueError:
        return "must be a URL"
    if url.scheme not in ("http", "https") or not host or not value.isascii() or re.search(r"[\s\\]", value):
        return "must be an https URL, or http on loopback"
    if url.scheme == "http" and host not in LOOPBACK_NAMES:
        return "must be https; http is for loopback alone"
    if "?" in value or "#" in value:
        return "must have no query and no fragment"
    if url.path:
        return "must end after the host or port, without a path or a slash"
    if "@" in url.netloc:
        return "must have no user name"
    # Issuers are compared byte for byte, so there is one way to write each.
    written = f"[{host}]" if ":" in host else host
    plain = f"{url.scheme}://{written}" + ("" if port is None else f":{port}")
    if plain != value or (url.scheme, port) in (("http", 80), ("https", 443)):
        return "must be in lower case and without the port that its scheme implies"
    return None


def postgresql(value: str) -> str | None:
    if not value:
        return None
    try:
        url = urlsplit(value)
        host, port = url.hostname, url.port
    except ValueError:
        return "must be a URL"
    if url.scheme not in ("postgresql", "postgres") or not host:
        return "must be like postgresql://host:5432/database"
    if "@" in url.netloc:
        # The URL is shown by `remit config show`, and each role has a password of its own.
        return "must have no user and no password; see storage.app_user and storage.app_password_file"
    if not re.fullmatch(r"/[^/]+", url.path) or url.fragment or port == 0:
        return "must name one database"
    options = dict(parse_qsl(url.query, keep_blank_values=True))
    unknown = options.keys() - _URL_OPTIONS
    if unknown:
        return f"may not have the option `{min(unknown)}`"
    if host not in LOOPBACK_NAMES and "sslmode" not in options:
        # The library would try TLS, and go on without where somebody in between says that there is none.
        return "must say its sslmode where the database is not on loopback: verify-full, if you can"
    return None


def _within(network: _Network, own: _Network) -> bool:
    return network.version == own.version and network.network_address in own and network.broadcast_address in own
