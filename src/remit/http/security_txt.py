"""GET /.well-known/security.txt: whom to tell about a hole in this server (RFC 9116)."""

from __future__ import annotations

from datetime import UTC, timedelta

from starlette.requests import Request
from starlette.responses import Response

from remit.http.context import context_of
from remit.http.routing import not_found

GOOD_FOR = timedelta(days=90)
"""How long a reader may keep the answer: the contact is read from the settings whenever somebody asks."""


async def security_txt_endpoint(request: Request) -> Response:
    """Tell the contact of whoever runs this server, once for the host and not for each tenant."""
    context = context_of(request)
    if not context.security_contact or "remit.tenant" in request.scope:
        return await not_found(request, LookupError())
    until = (context.deps.clock.now() + GOOD_FOR).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = f"Contact: {context.security_contact}\nExpires: {until}\nPreferred-Languages: en\n"
    return Response(body, 200, {"cache-control": "public, max-age=86400"}, "text/plain; charset=utf-8")
