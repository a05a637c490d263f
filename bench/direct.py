"""The application without a server around it: requests handed to it as a server would, and answers taken back."""

from __future__ import annotations

import tempfile
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from bench.servers import FORM

Message = MutableMapping[str, Any]

_folders: list[tempfile.TemporaryDirectory[str]] = []


def folder() -> Path:
    """Return a folder for an instance of its own; all of a run lie together, because each begins as a copy of one."""
    if not _folders:
        _folders.append(tempfile.TemporaryDirectory(prefix="bench-"))
    return Path(tempfile.mkdtemp(dir=_folders[0].name))


async def ask(
    app: ASGIApp, method: str, path: str, *, body: str = "", authorization: str = "", cookie: str = ""
) -> bytes:
    """Send one request and return the body of its answer, which must be a success."""
    content = body.encode()
    headers = [(b"host", b"id.example"), (b"content-length", str(len(content)).encode())]
    if body:
        headers.append((b"content-type", FORM.encode()))
    headers += [
        (name, value.encode()) for name, value in ((b"authorization", authorization), (b"cookie", cookie)) if value
    ]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 40000),
        "server": ("id.example", 443),
    }
    told: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Message) -> None:
        told.append(message)

    await app(scope, receive, send)
    answer = b"".join(message.get("body", b"") for message in told[1:])
    if told[0]["status"] != 200:
        raise RuntimeError(f"{method} {path} answered {told[0]['status']}: {answer[:200]!r}")
    return answer
