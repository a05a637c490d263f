"""Apache with mod_auth_openidc as Debian ships it: a relying party, and a resource server that introspects."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from tests.interop.served import free_port, running

SERVER = shutil.which("apache2") or "/usr/sbin/apache2"
MODULES = Path("/usr/lib/apache2/modules")
LOADED = "mpm_event authn_core authz_core authz_user dir headers auth_openidc".split()
INSTALLED = Path(SERVER).exists() and (MODULES / "mod_auth_openidc.so").exists()
ACCOUNT = "www-data"

CONFIGURATION = """
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {folder}/pid
ErrorLog {folder}/error.log
LogLevel warn auth_openidc:info
Mutex file:{folder} default
{account}
{modules}
DocumentRoot {folder}/www
DirectoryIndex index.html
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID {client}
OIDCClientSecret {client_secret}
OIDCRedirectURI {base}/callback
OIDCCryptoPassphrase only-for-tests
OIDCPKCEMethod S256
OIDCScope "openid email read:calendar"
OIDCCookieSameSite Off
OIDCOAuthIntrospectionEndpoint {introspection}
OIDCOAuthClientID {resource}
OIDCOAuthClientSecret {resource_secret}
OIDCOAuthSSLValidateServer Off
OIDCOAuthTokenIntrospectionInterval 0
<Location /private>
  AuthType openid-connect
  Require valid-user
  Header set X-User "expr=%{{REMOTE_USER}}"
</Location>
<Location /callback>
  AuthType openid-connect
  Require valid-user
</Location>
<Location /api>
  AuthType oauth20
  Require valid-user
  Header set X-User "expr=%{{REMOTE_USER}}"
</Location>
"""


@contextmanager
def apache(*, issuer: str, introspection: str, client: Any, resource: Any) -> Iterator[str]:
    """Let it run until the block ends; give the address of its root."""
    # Not below pytest's folder, which every other session shuts again for everybody but its owner.
    with tempfile.TemporaryDirectory(prefix="remit-apache-") as folder:
        Path(folder).chmod(0o755)
        with _apache(
            Path(folder), issuer=issuer, introspection=introspection, client=client, resource=resource
        ) as base:
            yield base


@contextmanager
def _apache(folder: Path, *, issuer: str, introspection: str, client: Any, resource: Any) -> Iterator[str]:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    for name in ("private", "api"):
        (folder / "www" / name).mkdir(parents=True)
        (folder / "www" / name / "index.html").write_text(f"the {name} page", "utf-8")
    with tls_in_front_of(introspection, folder) as safe:
        text = CONFIGURATION.format(
            port=port,
            base=base,
            folder=folder,
            issuer=issuer,
            introspection=safe,
            modules="\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in LOADED),
            # A server that root starts gives its rights away.
            account=f"User {ACCOUNT}\nGroup {ACCOUNT}" if os.geteuid() == 0 else "",
            client=client["client_id"],
            client_secret=client["client_secret"],
            resource=resource["client_id"],
            resource_secret=resource["client_secret"],
        )
        (folder / "apache.conf").write_text(text, "utf-8")
        words = [SERVER, "-X", "-d", str(folder), "-f", str(folder / "apache.conf")]
        with running(words, port, folder / "apache.log"):
            yield base


@contextmanager
def tls_in_front_of(endpoint: str, folder: Path) -> Iterator[str]:
    """Give an https address for a plain one: the module introspects at no other."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    subprocess.run(
        ["openssl", *made, "-keyout", str(key), "-out", str(certificate)], check=True, stderr=subprocess.DEVNULL
    )

    class Pass(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = {
                name: value for name, value in self.headers.items() if name.lower() in {"authorization", "content-type"}
            }
            body = self.rfile.read(int(self.headers["content-length"]))
            answer = httpx.post(endpoint, content=body, headers=sent)
            self.send_response(answer.status_code)
            self.send_header("content-type", answer.headers["content-type"])
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pass)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}/introspect"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
