"""A stranger's web site on this machine: real TLS under its own authority, and it says what a test wants it to say."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from remit.cache.memory import MemoryThrottle
from remit.outbound.fetch import SafeFetcher
from remit.ports.deps import Clock

NAMES = ("app.example", "other.example", "localhost")
HOME = (ip_network("127.0.0.0/8"),)

_LENGTH = re.compile(r"(?i)\r\ncontent-length: (\d+)\r\n")

Serve = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Authority:
    ca_file: Path
    certificate: Path


@cache
def authority() -> Authority:
    """Make an authority and a certificate of the site's names, once in a process."""
    folder = Path(mkdtemp(prefix="site-"))
    now = datetime.now(UTC)
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "site")])

    def build(subject: x509.Name, public: Any) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder(root_name, subject, public, x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=2))
        )

    root = build(root_name, root_key.public_key()).add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
    names = [*map(x509.DNSName, NAMES), x509.IPAddress(ip_address("127.0.0.1"))]
    leaf = build(name, key.public_key()).add_extension(x509.SubjectAlternativeName(names), False)
    pem = serialization.Encoding.PEM
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "ca.pem").write_bytes(root.sign(root_key, hashes.SHA256()).public_bytes(pem))
    (folder / "site.pem").write_bytes(plain + leaf.sign(root_key, hashes.SHA256()).public_bytes(pem))
    return Authority(ca_file=folder / "ca.pem", certificate=folder / "site.pem")


@dataclass
class Site:
    """What stands at each path, who came, and how to reach it."""

    port: int
    pages: dict[str, Serve] = field(default_factory=dict)
    connections: int = 0
    requests: list[str] = field(default_factory=list)
    """The head of every request, as it came."""
    bodies: list[str] = field(default_factory=list)
    """The body of every request that had one."""

    def url(self, path: str = "/client.json", host: str = "app.example") -> str:
        return f"https://{host}:{self.port}{path}"

    def answer(
        self,
        path: str,
        body: bytes = b"{}",
        *,
        status: str = "200 OK",
        headers: Mapping[str, str] | None = None,
        kind: str = "application/json",
    ) -> str:
        """Answer a path plainly; return its URL."""
        told = {"content-type": kind, "content-length": str(len(body)), **(headers or {})}
        head = f"HTTP/1.1 {status}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in told.items())

        async def serve(writer: asyncio.StreamWriter) -> None:
            writer.write(f"{head}\r\n".encode() + body)
            await writer.drain()

        self.pages[path] = serve
        return self.url(path)

    def document(self, path: str = "/client.json", *, headers: Mapping[str, str] | None = None, **members: Any) -> str:
        """Publish client metadata that names itself, unless a member says otherwise; return its URL."""
        url = self.url(path)
        said = {"client_id": url, "client_name": "Notes", "redirect_uris": ["http://127.0.0.1/callback"], **members}
        body = msgspec.json.encode({name: value for name, value in said.items() if value is not ...})
        return self.answer(path, body, headers=headers)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.requests.append(head)
            if (length := _LENGTH.search(head)) is not None:
                self.bodies.append((await reader.readexactly(int(length[1]))).decode())
            serve = self.pages.get(head.split(" ")[1].partition("?")[0])
            if serve is None:
                writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            else:
                await serve(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the guest has gone
        finally:
            writer.transport.abort()


@asynccontextmanager
async def site() -> AsyncIterator[Site]:
    """Serve a site on a free port of this machine."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority().certificate)
    here = Site(port=0)
    server = await asyncio.start_server(here.handle, "127.0.0.1", 0, ssl=context)
    here.port = server.sockets[0].getsockname()[1]
    try:
        yield here
    finally:
        server.close()


class Names:
    """A name service that a test fills, and that remembers what it was asked."""

    def __init__(self, **known: str) -> None:
        self.known = {name: ["127.0.0.1"] for name in NAMES} | {
            name.replace("_", "."): addresses.split() for name, addresses in known.items()
        }
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Any:
        self.asked.append(host)
        return [ip_address(address) for address in self.known[host]] if host in self.known else [ip_address(host)]


@asynccontextmanager
async def fetcher(clock: Clock, names: Names | None = None, *, networks: Any = HOME) -> AsyncIterator[SafeFetcher]:
    """Open a fetcher that believes the site's authority."""
    opened = SafeFetcher(
        clock, MemoryThrottle(), networks=networks, ca_file=authority().ca_file, resolve=names or Names()
    )
    try:
        yield opened
    finally:
        opened.close()
