"""`remit login`, `remit logout`: sign in to a running server in the browser, as any other client does."""

from __future__ import annotations

import hmac
import secrets
import sys
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Annotated, Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from cyclopts import Parameter

from remit.cli.exits import AUTH, NOT_FOUND, OK, SERVER
from remit.cli.here import Ended, end, say
from remit.cli.output import write_record
from remit.cli.remote import Login, asking, body_of, read_logins, renewal, write_logins
from remit.core.oauth.pkce import METHOD, challenge_of

PATIENCE = 300.0
"""Seconds that a person has for signing in and agreeing."""

_DONE = b"<!doctype html><title>Signed in</title><p>You can close this window and go back to the terminal.</p>"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    """What a server says about itself (RFC 8414)."""

    issuer: str
    authorize: str
    token: str


def login(
    issuer: Annotated[str, Parameter(help="URL of the issuer, as in https://remit.example.com/t/acme.")],
    /,
    *,
    client: Annotated[
        str | None, Parameter(help="Id of the client for this, once: `remit clients for-login` makes one.")
    ] = None,
    scope: Annotated[
        tuple[str, ...], Parameter(help="A permission; repeat for more. [default: all you agree to]", negative="")
    ] = (),
    no_browser: Annotated[
        bool, Parameter(negative="", show_default=False, help="Print the address instead of opening a browser.")
    ] = False,
    json: Annotated[bool, Parameter(negative="", show_default=False, help="Write JSON.")] = False,
) -> int:
    """Sign in to a running server. The tokens are kept in a file that only you can read."""
    try:
        made = _sign_in(issuer.rstrip("/"), client, scope, browse=not no_browser)
        logins = read_logins()
        logins.logins[made.issuer] = made
        logins.default = made.issuer
        write_logins(logins)
    except Ended as ended:
        return ended.code
    write_record({"issuer": made.issuer, "scopes": made.scopes}, json=json)
    say("Signed in. `remit api get agents` asks this server; `remit logout` ends it.")
    return OK


def logout(
    issuer: Annotated[str | None, Parameter(help="Which one; the last one signed in to, if not named.")] = None, /
) -> int:
    """Give back the tokens of a sign-in and forget them."""
    try:
        logins = read_logins()
        wanted = (issuer or logins.default or "").rstrip("/")
        found = logins.logins.pop(wanted, None)
        if found is None:
            raise end("not signed in there", NOT_FOUND)
        if logins.default == wanted:
            logins.default = next(iter(logins.logins), None)
        write_logins(logins)
        if found.refresh_token is not None:
            with asking() as http:
                revoke = found.token_endpoint.removesuffix("/token") + "/revoke"
                http.post(revoke, data={"token": found.refresh_token, "client_id": found.client_id})
    except Ended as ended:
        return ended.code
    say(f"Signed out of {wanted}.")
    return OK


def _sign_in(issuer: str, client: str | None, scopes: tuple[str, ...], *, browse: bool) -> Login:
    known = read_logins().logins.get(issuer)
    client = client or (known.client_id if known is not None else None)
    if client is None:
        raise end("name the client to sign in with (--client): `remit clients for-login` makes one", AUTH)
    server = _discover(issuer)
    verifier, state, api = secrets.token_urlsafe(48), secrets.token_urlsafe(24), f"{issuer}/api"
    waiting = _Waiting(state)
    with waiting:
        asked = {
            "response_type": "code",
            "client_id": client,
            "redirect_uri": waiting.address,
            "resource": api,
            "state": state,
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": METHOD,
            **({"scope": " ".join(scopes)} if scopes else {}),
        }
        address = f"{server.authorize}?{urlencode(asked)}"
        say(f"Sign in and agree here:\n  {address}")
        if browse:
            import webbrowser

            webbrowser.open(address)
        answer = waiting.answer()
    if answer.get("iss") != server.issuer:
        raise end("the answer came from another issuer than the one that was asked (RFC 9207)", AUTH)
    if "code" not in answer:
        raise end(f"not signed in: {answer.get('error_description') or answer.get('error') or 'no code'}", AUTH)
    with asking() as http:
        redeemed = http.post(
            server.token,
            data={
                "grant_type": "authorization_code",
                "code": answer["code"],
                "code_verifier": verifier,
                "client_id": client,
                "redirect_uri": waiting.address,
                "resource": api,
            },
        )
        told = body_of(redeemed)
    if redeemed.status_code != 200:
        raise end(f"not signed in: {told.get('error_description', 'the code was refused')}", AUTH)
    return Login(issuer=issuer, api=api, token_endpoint=server.token, client_id=client, **renewal(told))


def _discover(issuer: str) -> _Server:
    """Ask a server what it is, and believe it only about itself (RFC 8414 §3.3)."""
    parts = urlsplit(issuer)
    where = f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{parts.path}"
    if parts.scheme not in ("http", "https") or (parts.scheme == "http" and parts.hostname not in _LOOPBACK):
        raise end("the issuer is an https URL; http only on 127.0.0.1, [::1] or localhost", AUTH)
    with asking() as http:
        answer = http.get(where)
        told = body_of(answer)
    if answer.status_code != 200 or told.get("issuer") != issuer:
        raise end(f"{issuer} is no issuer of Remit (asked {where})", NOT_FOUND)
    return _Server(issuer=issuer, authorize=str(told["authorization_endpoint"]), token=str(told["token_endpoint"]))


_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class _Waiting:
    """A listener on the loopback that waits for one answer to one question (RFC 8252 §7.3)."""

    def __init__(self, state: str) -> None:
        found: dict[str, str] = {}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                fields = dict(parse_qsl(parts.query, keep_blank_values=True))
                # Any page can make the browser come here; only the answer knows the state.
                ours = parts.path == "/callback" and hmac.compare_digest(
                    fields.get("state", "").encode(), state.encode()
                )
                self.send_response(200 if ours else 404)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.send_header("cache-control", "no-store")
                self.end_headers()
                if ours:
                    self.wfile.write(_DONE)
                    found.update(fields)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing: the address holds a code."""

        self._found = found
        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._server.timeout = 1.0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/callback"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.server_close()

    def answer(self) -> dict[str, str]:
        sys.stderr.flush()
        deadline = time.monotonic() + PATIENCE
        while not self._found:
            if time.monotonic() > deadline:
                raise end("nobody signed in within five minutes", SERVER)
            self._server.handle_request()
        return self._found
