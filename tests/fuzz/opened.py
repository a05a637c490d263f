"""An instance that stays open for all examples of a module: what strangers send changes nothing for the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.kit.effort import watched
from tests.kit.instance import Remit, instance

Came = TypeVar("Came")
HANGS = 30.0


@dataclass(frozen=True, slots=True)
class Opened:
    remit: Remit
    _runner: asyncio.Runner

    def run(self, coroutine: Coroutine[Any, Any, Came]) -> Came:
        return self._runner.run(coroutine)

    def send(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """Send a request to acme that must be answered soon, and not by a failure of ours."""
        with watched():
            answer = self.run(asyncio.wait_for(self._send(method, path, **sent), HANGS))
        assert answer.status_code < 500, answer.text
        return answer

    async def _send(self, method: str, path: str, **sent: Any) -> httpx.Response:
        # A client of its own, so that no cookie of one example is sent with the next.
        async with self.remit.browser() as browser:
            return await browser.request(method, f"{self.remit.acme.issuer}{path}", **sent)


@contextmanager
def opened_in(folder: Path) -> Iterator[Opened]:
    with asyncio.Runner() as runner:
        manager = instance(folder)
        remit = runner.run(manager.__aenter__())
        try:
            yield Opened(remit, runner)
        finally:
            runner.run(manager.__aexit__(None, None, None))
