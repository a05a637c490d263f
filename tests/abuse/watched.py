"""What holds whatever is tried: no 5xx, no secret that a cache may keep or a log tells, and work goes on afterwards."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import apsw
import httpx
import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.kit.flows import get_tokens, introspect, refresh
from tests.kit.instance import Remit, instance
from tests.kit.world import BASE

SECRET = re.compile(
    rb"rmt_[a-z]+_[A-Za-z0-9]+\.[A-Za-z0-9_-]{20,}|eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"
)
"""An opaque secret of ours, or a JWT."""


class Watch:
    """Stand before the application and note every answer that no attack may bring about."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.flaws: list[str] = []
        self.answers = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = {}
        where = f"{scope['method']} {scope['path'][:100]}"

        async def noted(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self.answers += 1
                headers.update(message["headers"])
                if message["status"] >= 500:
                    self.flaws.append(f"{where} answered {message['status']}")
                if b"x-request-id" not in headers:
                    self.flaws.append(f"{where} answered without a request id")
                told = b"\n".join(value for _, value in message["headers"])
            else:
                told = message.get("body", b"")
            if SECRET.search(told) and headers.get(b"cache-control") != b"no-store":
                self.flaws.append(f"{where} lets a cache keep a secret")
            await send(message)

        await self._app(scope, receive, noted)


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[Remit]:
    """Open a seeded instance, and look at all that it answered and logged when the case is over."""
    with structlog.testing.capture_logs() as logs:
        async with instance(folder) as remit:
            watch = Watch(remit.app)
            remit.app = watch
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app=watch), base_url=BASE) as http:
                remit.http = http
                yield remit
                await _still_works(remit)
    assert watch.flaws == []
    assert watch.answers
    assert [entry for entry in logs if SECRET.search(str(entry).encode())] == []
    assert [entry for entry in logs if entry["event"] in {"request.failed", "store.unavailable"}] == []


async def _still_works(remit: Remit) -> None:
    """Walk a whole flow with somebody whom no case touches."""
    world = remit.default
    tokens = await get_tokens(remit, world, world.rival, scope="read:calendar")
    renewed = await refresh(remit, world, world.rival, tokens["refresh_token"])
    assert (await introspect(remit, world, renewed.json()["access_token"]))["active"] is True


def rows(remit: Remit) -> dict[str, int]:
    """Count what is stored besides the audit log."""
    connection = apsw.Connection(str(remit.folder / "remit.db"))
    names = [str(name) for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
    found = {name: connection.execute(f'select * from "{name}"').fetchall() for name in names}
    connection.close()
    return {name: len(stored) for name, stored in found.items() if not name.startswith(("event", "audit"))}
