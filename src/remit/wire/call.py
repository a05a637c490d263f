"""One HTTP call and its answer, bare: what the hottest endpoints read and give, with nothing built around it.

Everything here also takes a Starlette request, which is a `Call` too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

NO_STORE_RAW: Final = ((b"cache-control", b"no-store"), (b"pragma", b"no-cache"))

_encode = msgspec.json.Encoder().encode


class Call(Protocol):
    """The request as the server received it."""

    @property
    def scope(self) -> Scope: ...
    @property
    def receive(self) -> Receive: ...


def header_values(call: Call, name: bytes) -> list[str]:
    """Return every value of a header, by its name in lower case."""
    return [value.decode("latin-1") for key, value in call.scope["headers"] if key == name]


def header(call: Call, name: bytes) -> str | None:
    """Return the first value of a header."""
    for key, value in call.scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return None


async def pieces(call: Call, limit: int) -> bytes | None:
    """Read the body. None as soon as it is longer than the limit: the rest is never kept.

    Raises:
        ClientDisconnect: whoever sent it has gone.
    """
    message = await call.receive()
    first: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body", False):
        return first if len(first) <= limit else None
    parts, size = [], 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limit:
            return None
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)
        message = await call.receive()


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, rendered."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it: an answer is an ASGI application, as Starlette's responses are."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})


def json_answer(body: object, *, created: bool = False) -> Answer:
    """Render a success that no cache may keep."""
    text = _encode(body)
    length = str(len(text)).encode()
    headers = [(b"content-length", length), (b"content-type", b"application/json"), *NO_STORE_RAW]
    return Answer(201 if created else 200, headers, text)


@dataclass(frozen=True, slots=True)
class PlainCall:
    scope: Scope
    receive: Receive


@dataclass(frozen=True, slots=True)
class Plain:
    """An endpoint that needs no request object, as an ASGI application. The router finds it without walking routes."""

    endpoint: Callable[[Call], Awaitable[ASGIApp]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self.endpoint(PlainCall(scope, receive))
        await answer(scope, receive, send)
