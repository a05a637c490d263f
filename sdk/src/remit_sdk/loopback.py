"""A one-shot listener for the authorization response on this computer (RFC 8252 §7.3)."""

from __future__ import annotations

import socket
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Final
from urllib.parse import urlsplit, urlunsplit

PAGE: Final = b"""<!doctype html><meta charset="utf-8"><title>Remit</title>
<p style="font: 16px/1.5 system-ui; margin: 3em">Received. You may close this window.</p>
"""
SLOWEST_REQUEST: Final = 5.0


class LoopbackListener:
    """Waits on 127.0.0.1 for the one callback."""

    def __init__(self, redirect_uri: str) -> None:
        parts = urlsplit(redirect_uri)
        if parts.scheme != "http" or parts.hostname not in {"127.0.0.1", "localhost"}:
            msg = f"`{redirect_uri}` does not lead to this computer"
            raise ValueError(msg)
        self._path = parts.path
        self._found: str | None = None
        self._server = _Server(("127.0.0.1", parts.port or 0), self._handler())
        port = self._server.server_address[1]
        # RFC 8252 §7.3: the port of a loopback redirect is free to choose.
        self.redirect_uri = urlunsplit((parts.scheme, f"{parts.hostname}:{port}", parts.path, "", ""))

    def wait(self, timeout: float) -> str:
        """Return the callback URL.

        Raises:
            TimeoutError: nobody came back in time.
        """
        deadline = time.monotonic() + timeout
        while self._found is None:
            left = deadline - time.monotonic()
            if left <= 0:
                msg = "nobody came back from the consent page in time"
                raise TimeoutError(msg)
            self._server.timeout = left
            self._server.handle_request()
        return self._found

    def close(self) -> None:
        """Stop listening."""
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            timeout = SLOWEST_REQUEST

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                # Browsers ask for icons too; only the callback itself ends the wait.
                ours = parts.path == listener._path and bool(parts.query)
                self.send_response(200 if ours else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Cache-Control", "no-store")
                self.send_header("Referrer-Policy", "no-referrer")
                self.end_headers()
                if ours:
                    self.wfile.write(PAGE)
                    base = urlsplit(listener.redirect_uri)
                    listener._found = urlunsplit((base.scheme, base.netloc, parts.path, parts.query, ""))

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing: the line would hold the code."""

        return Handler


class _Server(HTTPServer):
    address_family = socket.AF_INET
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Let a broken visitor go; the wait continues."""
