"""One real server for all the small applications of these tests, each under a path of its own."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import uvicorn

WELL_KNOWN = "/.well-known/oauth-authorization-server"


class Host:
    """Applications by the first two segments of the path."""

    def __init__(self) -> None:
        self.apps: dict[str, Any] = {}
        self.base = ""
        self.loop: asyncio.AbstractEventLoop

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            self.loop = asyncio.get_running_loop()
        if scope["type"] != "http":
            return
        known = scope["path"].startswith(WELL_KNOWN)
        _, kind, name, *rest = scope["path"].removeprefix(WELL_KNOWN).split("/")
        path = WELL_KNOWN if known else "/" + "/".join(rest)
        await self.apps[f"/{kind}/{name}"]({**scope, "path": path, "root_path": ""}, receive, send)


@functools.cache
def host() -> Host:
    """The server of this process; it ends with it."""
    made = Host()
    made.base = start(made).base
    return made


@contextlib.contextmanager
def hosting(kind: str, app: Any) -> Iterator[str]:
    """Serve an application below the host for the length of a test."""
    path = f"/{kind}/{secrets.token_hex(6)}"
    host().apps[path] = app
    try:
        yield host().base + path
    finally:
        del host().apps[path]


class Running:
    """A server in a thread of its own, on an ephemeral loopback port."""

    def __init__(self, app: Any) -> None:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self.base = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1, ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._listener]))

    def start(self) -> None:
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            assert self._thread.is_alive()
            assert time.monotonic() < deadline
            self._thread.join(0.005)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._listener.close()


def start(app: Any) -> Running:
    running = Running(app)
    running.start()
    return running
