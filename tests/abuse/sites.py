"""The web as a browser meets it: our server behind TLS under a real name, and an evil site under another.

The browser is told where the two names live; everything else it decides by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

OURS = "id.example"
EVIL = "evil.test"


def certificate(folder: Path) -> ssl.SSLContext:
    """Make a certificate for both names, and the context of a server that shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, OURS)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(OURS), x509.DNSName(EVIL)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "tls.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@dataclass(slots=True)
class Evil:
    """A site that serves what a test writes for it, and remembers what was asked of it."""

    pages: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def write(self, path: str, body: str) -> str:
        """Publish a page, and return its address."""
        self.pages[path] = f"<!doctype html><meta charset=utf-8><title>evil</title>{body}"
        return f"https://{EVIL}{path}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        target = head.split(" ", 2)[1]
        self.asked.append(target)
        body = self.pages.get(urlsplit(target).path, "").encode()
        kind = "text/javascript" if target.endswith(".js") else "text/html"
        status = "200 OK" if body else "404 Not Found"
        told = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        writer.write(told.encode() + body)
        await writer.drain()
        writer.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sites:
    ours: int
    """The port of our server's TLS front."""
    evil_port: int
    evil: Evil

    @property
    def rules(self) -> str:
        """Where the two names live, in the words of Chromium."""
        return f"MAP {OURS}:443 127.0.0.1:{self.ours}, MAP {EVIL}:443 127.0.0.1:{self.evil_port}"


@contextlib.contextmanager
def sites(folder: Path, port: int) -> Iterator[Sites]:
    """Run both fronts in a thread of their own until the block ends."""
    context, evil = certificate(folder), Evil()
    loop = asyncio.new_event_loop()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_pipe(reader, inner_writer), _pipe(inner_reader, writer))

    async def open_both() -> tuple[asyncio.Server, asyncio.Server]:
        return (
            await asyncio.start_server(forward, "127.0.0.1", 0, ssl=context),
            await asyncio.start_server(evil.answer, "127.0.0.1", 0, ssl=context),
        )

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    servers: tuple[asyncio.Server, ...] = ()
    try:
        servers = asyncio.run_coroutine_threadsafe(open_both(), loop).result(10)
        first, second = (server.sockets[0].getsockname()[1] for server in servers)
        yield Sites(ours=first, evil_port=second, evil=evil)
    finally:
        asyncio.run_coroutine_threadsafe(_end(servers), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, ssl.SSLError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    writer.close()


async def _end(servers: tuple[asyncio.Server, ...]) -> None:
    """Close what listens and cancel what is open, so that the loop stops without a word."""
    for server in servers:
        server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
