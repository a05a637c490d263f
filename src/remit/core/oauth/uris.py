"""The one reading of a URI that registration, redirects and resources share (RFC 3986, its strict part)."""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

MAX_LENGTH = 2048

_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]*")
_BRACKET = re.compile(r"[\[\]]")  # around an address in the authority, and nowhere else
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ENCODED_CONTROL = re.compile(r"%(?:[01][0-9A-Fa-f]|7[Ff])")
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?://([^/?]*))?([^?]*)(?:\?(.*))?")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::([1-9][0-9]{0,4}))?")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
# The same test browsers use to take a host for an IPv4 address in one of its odd spellings (WHATWG URL, host parsing).
_NUMERIC = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Uri:
    """The parts of an absolute URI, as written."""

    scheme: str
    host: str | None  # None where the URI has no authority, as in urn:example:a
    port: int | None
    path: str
    query: str | None


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a text is not a URI for us; reads on after a subject (`the resource` ...)."""

    clause: str


def read(text: str) -> Uri | Flaw:
    """Take an absolute URI apart, or say what is wrong with it."""
    if len(text) > MAX_LENGTH:
        return Flaw(f"is longer than {MAX_LENGTH} characters")
    if "#" in text:
        return Flaw("has a fragment: leave out the # and what follows")
    if not _CHARACTERS.fullmatch(text):
        return Flaw("holds a character that a URI may not hold: percent-encode it")
    if _BAD_PERCENT.search(text) or _ENCODED_CONTROL.search(text):
        return Flaw("holds a broken percent-encoding or an encoded control character")
    parts = _URI.fullmatch(text)
    if parts is None:
        return Flaw("is not absolute: begin with a scheme, as in https://")
    scheme, authority, path, query = parts.groups()
    if _BRACKET.search(f"{path}{query or ''}"):
        return Flaw("holds a character that a URI may not hold: percent-encode it")
    if authority is None:
        if not path:
            return Flaw("has nothing after its scheme")
        return Uri(scheme=scheme, host=None, port=None, path=path, query=query)
    if "@" in authority:
        return Flaw("has user information before its host: leave it out")
    place = _AUTHORITY.fullmatch(authority)
    if place is None or not _is_host(place[1]) or int(place[2] or 0) > 65535:
        return Flaw("has no valid host and port: write a domain name, an IPv4 or a bracketed IPv6 address")
    return Uri(scheme=scheme, host=place[1], port=int(place[2]) if place[2] else None, path=path, query=query)


def _is_host(host: str) -> bool:
    try:
        if host.startswith("["):
            IPv6Address(host[1:-1])
            return True
        labels = host.split(".")
        if _NUMERIC.fullmatch(labels[-1]):
            IPv4Address(host)  # 127.1, 2130706433 and 0x7f.1 mean an address to some readers only
            return True
    except AddressValueError:
        return False
    return len(host) <= 253 and all(_LABEL.fullmatch(label) for label in labels)
