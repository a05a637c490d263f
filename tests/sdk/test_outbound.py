"""What the guard fetches from its issuer: bounded in size and time, no further than told, from nobody in disguise."""

from __future__ import annotations

import ipaddress
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from remit_sdk import fetch as door
from remit_sdk.errors import Unavailable
from remit_sdk.fetch import MAX_DOCUMENT_BYTES, TIMEOUT, fetch_object
from remit_sdk.metadata import read_endpoints

Handler = BaseHTTPRequestHandler


@contextmanager
def serving(answer, context=None):
    """A server on loopback that answers every GET by a function."""
    seen = []

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.path)
            answer(self)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def send(handler: Handler, body: bytes, status=200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


async def get(url, **kwargs):
    async with httpx2.AsyncClient(**kwargs) as client:
        return await fetch_object(client, "GET", url)


async def test_a_plain_answer_is_read():
    with serving(lambda handler: send(handler, b'{"keys":[]}')) as (base, _):
        assert await get(f"{base}/jwks") == {"keys": []}


@pytest.mark.requirement("GEN-18", "ASM-5")
async def test_a_redirect_is_not_followed():
    with (
        serving(lambda handler: send(handler, b"{}", 302, location="/elsewhere")) as (base, seen),
        pytest.raises(Unavailable),
    ):
        await get(f"{base}/jwks")
    assert seen == ["/jwks"]


@pytest.mark.requirement("GEN-18")
async def test_an_answer_is_read_up_to_its_bound():
    assert MAX_DOCUMENT_BYTES <= 256 * 1024
    padded = b'{"a":"' + b"x" * MAX_DOCUMENT_BYTES + b'"}'
    with serving(lambda handler: send(handler, padded)) as (base, _), pytest.raises(Unavailable):
        await get(f"{base}/jwks")


@pytest.mark.requirement("GEN-18")
async def test_an_issuer_that_says_nothing_is_given_up(monkeypatch):
    assert {TIMEOUT.connect, TIMEOUT.read, TIMEOUT.write, TIMEOUT.pool} <= {5.0}
    monkeypatch.setattr(door, "TIMEOUT", httpx2.Timeout(0.1))
    over = threading.Event()
    with serving(lambda _: over.wait(10) and None) as (base, seen):
        with pytest.raises(Unavailable):
            await get(f"{base}/jwks")
        over.set()
    assert seen == ["/jwks"]


@pytest.mark.requirement("GEN-18", "ASM-5")
@pytest.mark.parametrize(
    "url", ["http://id.example/jwks", "ftp://id.example/jwks", "file:///etc/passwd", "//id.example"]
)
def test_keys_are_fetched_over_https(url):
    with pytest.raises(Unavailable):
        read_endpoints(
            {"issuer": "https://id.example", "jwks_uri": url}, issuer="https://id.example", names=["jwks_uri"]
        )


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """A certificate that nobody vouches for."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    made = folder / "made.pem"
    made.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return made


@pytest.mark.requirement("GEN-2")
async def test_an_issuer_that_nobody_vouches_for_is_not_believed(stranger):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(stranger)
    with serving(lambda handler: send(handler, b"{}"), context) as (base, seen):
        with pytest.raises(Unavailable):
            await get(f"{base}/jwks")
        assert seen == []
        # The same server is good as soon as somebody vouches for it.
        trusting = ssl.create_default_context(cafile=str(stranger))
        assert await get(f"{base}/jwks", verify=trusting) == {}


@pytest.mark.requirement("GEN-2")
def test_old_tls_is_not_spoken():
    client = httpx2.AsyncClient()
    pool = vars(client._transport)["_pool"]
    context = pool._ssl_context
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
