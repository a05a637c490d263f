"""One cookie out of the Cookie header, read as RFC 6265 §4.2.1 writes it and no further."""

from __future__ import annotations

from starlette.requests import Request


def read_cookie(request: Request, name: str) -> str | None:
    """Return the value of the one cookie of exactly this name, as sent; None when there is none, or more than one.

    A browser lets only ourselves set a name that begins with `__Host-`, so whatever is merely like that name (a space
    of some other alphabet before it, say) was set by somebody else and must not be taken for it. Nor does a browser
    hold two cookies of one such name: which of them would be ours?
    """
    wanted = name.encode("ascii")
    found = [value for key, value in _pairs(request) if key == wanted]
    return found[0].decode("ascii") if len(found) == 1 and found[0].isascii() else None


def _pairs(request: Request) -> list[tuple[bytes, bytes]]:
    headers: list[tuple[bytes, bytes]] = request.scope["headers"]
    pairs = [pair.strip(b" \t") for key, header in headers if key == b"cookie" for pair in header.split(b";")]
    return [(key, value) for key, mark, value in (pair.partition(b"=") for pair in pairs) if mark]
