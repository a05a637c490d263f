"""Answers that a reader may have already: entity tags and If-None-Match (RFC 9110 §8.8.3, §13.1.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from starlette.responses import Response

from remit.wire.call import Call, header


def tag_of(body: bytes) -> str:
    """Return a strong entity tag: it is made from the very bytes."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def render_tagged(
    call: Call, body: bytes, media_type: str, *, tag: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """Answer a GET with its entity tag, or with 304 and nothing else to whoever holds these bytes."""
    tag = tag or tag_of(body)
    told = {**(headers or {}), "etag": tag}
    if _holds(header(call, b"if-none-match"), tag):
        return Response(status_code=304, headers=told)
    return Response(body, 200, told, media_type)


def _holds(sent: str | None, tag: str) -> bool:
    """Compare weakly, as a GET does: `W/` before a tag makes no difference, and * is whatever there is."""
    if sent is None:
        return False
    named = [one.strip() for one in sent.split(",")]
    return named == ["*"] or tag in {one.removeprefix("W/") for one in named}
