"""RFC 3986 once more, straight from its appendix A, and what the RFCs of OAuth say about redirect URIs.

Written from the documents alone: the product's reader is held against this one, so they may share nothing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

PCT = "%[0-9A-Fa-f]{2}"
UNRESERVED = r"A-Za-z0-9\-._~"
SUB_DELIMS = "!$&'()*+,;="
PCHAR = f"(?:[{UNRESERVED}{SUB_DELIMS}:@]|{PCT})"
H16 = "[0-9A-Fa-f]{1,4}"
DEC_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
IPV4 = rf"{DEC_OCTET}(?:\.{DEC_OCTET}){{3}}"
LS32 = f"(?:{H16}:{H16}|{IPV4})"
IPV6 = "|".join(
    (
        f"(?:{H16}:){{6}}{LS32}",
        f"::(?:{H16}:){{5}}{LS32}",
        f"(?:{H16})?::(?:{H16}:){{4}}{LS32}",
        f"(?:(?:{H16}:){{0,1}}{H16})?::(?:{H16}:){{3}}{LS32}",
        f"(?:(?:{H16}:){{0,2}}{H16})?::(?:{H16}:){{2}}{LS32}",
        f"(?:(?:{H16}:){{0,3}}{H16})?::{H16}:{LS32}",
        f"(?:(?:{H16}:){{0,4}}{H16})?::{LS32}",
        f"(?:(?:{H16}:){{0,5}}{H16})?::{H16}",
        f"(?:(?:{H16}:){{0,6}}{H16})?::",
    )
)
REG_NAME = f"(?:[{UNRESERVED}{SUB_DELIMS}]|{PCT})*"
AUTHORITY = (
    f"(?:(?P<userinfo>(?:[{UNRESERVED}{SUB_DELIMS}:]|{PCT})*)@)?"
    rf"(?P<host>\[(?:{IPV6})\]|{IPV4}|{REG_NAME})(?::(?P<port>[0-9]*))?"
)
ABEMPTY = f"(?:/{PCHAR}*)*"
ABSOLUTE_URI = re.compile(
    rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*):"
    rf"(?://{AUTHORITY}(?P<abempty>{ABEMPTY})|(?P<path>/(?:{PCHAR}+{ABEMPTY})?|{PCHAR}+{ABEMPTY}|))"
    rf"(?:\?(?P<query>(?:{PCHAR}|[/?])*))?"
)
LOOPBACK = ("127.0.0.1", "[::1]", "localhost")


class Parts(NamedTuple):
    scheme: str
    userinfo: str | None
    host: str | None
    port: str | None
    path: str
    query: str | None


def parse(text: str) -> Parts | None:
    """Take an absolute URI without fragment apart (RFC 3986 §4.3); None for everything else."""
    found = ABSOLUTE_URI.fullmatch(text)
    if found is None:
        return None
    path = found["abempty"] if found["path"] is None else found["path"]
    return Parts(found["scheme"], found["userinfo"], found["host"], found["port"], path, found["query"])


def without_dots(path: str) -> str:
    """Take `.` and `..` out of a path, step by step as RFC 3986 §5.2.4 describes it."""
    rest, done = path, ""
    while rest:
        if rest.startswith("../"):
            rest = rest[3:]
        elif rest.startswith(("./", "/./")):
            rest = rest[2:]
        elif rest == "/.":
            rest = "/"
        elif rest.startswith("/../"):
            rest, done = rest[3:], done[: max(0, done.rfind("/"))]
        elif rest == "/..":
            rest, done = "/", done[: max(0, done.rfind("/"))]
        elif rest in {".", ".."}:
            rest = ""
        else:
            end = rest.find("/", 1)
            end = len(rest) if end < 0 else end
            done, rest = done + rest[:end], rest[end:]
    return done


def same_place(registered: str, presented: str) -> bool:
    """Say whether an authorization server must take one for the other (RFC 9700 §2.1, RFC 8252 §7.3)."""
    if registered == presented:
        return True
    left, right = parse(registered), parse(presented)
    if left is None or right is None:
        return False
    loopback = left.scheme == "http" and left.host in LOOPBACK and left.userinfo is None
    return loopback and left._replace(port=None) == right._replace(port=None) and _usable(right.port)


def _usable(port: str | None) -> bool:
    return port is None or (re.fullmatch("[1-9][0-9]{0,4}", port) is not None and int(port) < 65536)
