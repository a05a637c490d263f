"""uvicorn, with what it lacks: limits of a header block (16 kB, 10 s) and a body (30 s; B-DOS-01), an end in order."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Generator
from types import FrameType
from typing import Any, Final, cast

import structlog
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from remit.http.hub import Hub
from remit.http.probes import Phase

MAX_HEAD: Final = 16 * 1024
HEAD_SECONDS: Final = 10.0
BODY_SECONDS: Final = 30.0

_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


log = structlog.get_logger()


class Corked:
    """A transport that sends what is written within one turn of the loop together: head and body in one packet.

    uvicorn writes them apart, and a write to a socket costs more than most of what a request does.
    """

    __slots__ = ("_held", "_loop", "_transport")

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._held: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._held:
            self._loop.call_soon(self._send)
        self._held.append(data)

    def close(self) -> None:
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._held:
            held, self._held = self._held, []
            self._transport.write(b"".join(held))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, closed on peers whose header block is too large or never ends."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(cast("asyncio.Transport", Corked(transport)))
        self._head_size = 0
        self._in_head = True
        self._head_timer: asyncio.TimerHandle | None = None
        self._body_timer: asyncio.TimerHandle | None = None
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self._disarm_body()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        before = self._in_head
        if before:
            # The first bytes of a body may be counted too; bodies larger than a header block then come in later reads.
            self._head_size += len(data)
        super().data_received(data)
        # A request that came whole, as most do, has no need of a timer.
        if not self._in_head:
            if self._body_timer is None:
                self._body_timer = self.loop.call_later(BODY_SECONDS, self._body_too_slow)
        elif before and self._head_size:
            if self._head_timer is None:
                self._arm()
            if self._head_size > MAX_HEAD:
                self._disarm()
                self.transport.write(_TOO_LARGE)
                self.transport.close()

    def on_url(self, url: bytes) -> None:
        self._in_head = True
        super().on_url(url)

    def on_headers_complete(self) -> None:
        self._disarm()
        self._in_head = False
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > MAX_HEAD:
            self.transport.write(_TOO_LARGE)
            self.transport.close()
            return
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._disarm_body()
        super().on_message_complete()
        self._in_head = True
        self._head_size = 0

    def _arm(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _disarm(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _disarm_body(self) -> None:
        if self._body_timer is not None:
            self._body_timer.cancel()
            self._body_timer = None

    def _body_too_slow(self) -> None:
        self._body_timer = None
        if not self.transport.is_closing():
            self.transport.close()

    def _too_slow(self) -> None:
        self._head_timer = None
        if self._in_head and not self.transport.is_closing():
            self.transport.close()


class DrainingServer(uvicorn.Server):
    """A server that first says it will go, then ends its open feeds, which would otherwise be waited for."""

    def __init__(self, config: uvicorn.Config, hub: Hub, *, drain_delay: float) -> None:
        """Serve. For `drain_delay` seconds after SIGTERM requests are still taken, until nobody sends any."""
        super().__init__(config)
        self._hub = hub
        self._drain_delay = drain_delay
        self._draining = False

    @property
    def phase(self) -> Phase:
        if self._draining or self.should_exit:
            return Phase.DRAINING
        return Phase.SERVING if self.started else Phase.STARTING

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take the stop signals while serving. uvicorn would raise them again, and nothing after it would be closed."""
        kinds = (signal.SIGINT, signal.SIGTERM)
        before = {kind: signal.signal(kind, self.handle_exit) for kind in kinds}
        try:
            yield
        finally:
            for kind, handler in before.items():
                signal.signal(kind, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            _calm_the_collector()
            log.info("server.started", port=self.config.port)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain at the first SIGTERM; leave at once at the second, and when somebody at a terminal interrupts."""
        if sig == signal.SIGTERM and not self._draining and self.started and self._drain_delay:
            self._draining = True
            # A signal arrives between two instructions; only this wakes a loop that is waiting.
            self._loop.call_soon_threadsafe(self._loop.call_later, self._drain_delay, self._leave, sig)
            return
        self._leave(sig)

    def _leave(self, sig: int) -> None:
        self._hub.stop()
        super().handle_exit(sig, None)


def _calm_the_collector() -> None:
    """Let what start made be looked through no more, and what requests make less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


class ProbeServer(uvicorn.Server):
    """The second listener. Signals are the first one's business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield
