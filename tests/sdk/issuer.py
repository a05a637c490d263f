"""A small, real authorization server for the SDK's tests: it speaks the wire contract and nothing of our code."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import secrets
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.sdk.host import host, hosting

RESOURCE = "http://127.0.0.1:9400"
CREDENTIALS = ("res calendar", "s3cret:+&%")


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def compact(value: object) -> str:
    return b64(value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode())


ACCESS = {"use": "sig", "remit_typ": "at+jwt"}
"""What a published key says of itself that signs access tokens."""


class SigningKey:
    """A P-256 key that signs whatever it is told to, also what no server would."""

    def __init__(self, kid: str) -> None:
        self.kid = kid
        self.private = ec.generate_private_key(ec.SECP256R1())

    def sign(self, header: object, claims: object) -> str:
        message = f"{compact(header)}.{compact(claims)}"
        der = self.private.sign(message.encode(), ec.ECDSA(hashes.SHA256()))
        r, s = utils.decode_dss_signature(der)
        return f"{message}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def public(self) -> dict[str, str]:
        numbers = self.private.public_key().public_numbers()
        x, y = (b64(n.to_bytes(32, "big")) for n in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": self.kid, "alg": "ES256", **ACCESS}


@dataclass
class Issuer:
    """The server's state; tests read and write it while it serves."""

    now: float | None = None
    keys: list[SigningKey] = field(default_factory=lambda: [SigningKey("k1")])
    resource: str = RESOURCE
    lifetime: int = 900
    seq: int = 0
    stops: list[dict[str, Any]] = field(default_factory=list)
    feed_status: int = 200
    feed_ready: bool = True
    introspection_status: int = 200
    inactive: set[str] = field(default_factory=set)
    narrowed: str | None = None
    jwks_status: int = 200
    decision_failures: int = 0
    decisions: list[dict[str, Any]] = field(default_factory=list)
    batches: list[list[str]] = field(default_factory=list)
    hits: dict[str, int] = field(default_factory=dict)
    last_event_ids: list[str | None] = field(default_factory=list)
    metadata_extra: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    refresh_tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    granted: str = "read:calendar write:calendar"
    refresh_error: tuple[str, str] | None = None
    dpop: bool = False
    nonce: str | None = None
    """What each proof must hold at the token endpoint."""
    proofs: list[dict[str, Any]] = field(default_factory=list)
    refused_tokens: set[str] = field(default_factory=set)
    forms: list[dict[str, str]] = field(default_factory=list)
    base: str = ""
    _followers: list[asyncio.Queue[bytes | None]] = field(default_factory=list)

    # --- what the tests do to it

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(self.now if self.now is not None else time.time())
        claims = {
            "iss": self.base,
            "aud": self.resource,
            "sub": "usr_alice",
            "client_id": "cli_helper",
            "iat": now,
            "exp": now + self.lifetime,
            "jti": f"at_{secrets.token_hex(8)}",
            "scope": "read:calendar",
            "tenant": "ten_acme",
            "agent_id": "agt_helper",
            "agent_owner": "usr_dana",
            "purpose": "plan the week",
            "grant_id": "grt_1",
            "line_id": "lin_1",
            "sid": "ses_1",
            "epo": self.seq,
        } | changes
        return {name: value for name, value in claims.items() if value is not ...}

    def token(self, *, header: dict[str, Any] | None = None, key: SigningKey | None = None, **changes: Any) -> str:
        key = key or self.keys[0]
        full = {"typ": "at+jwt", "alg": "ES256", "kid": key.kid} | (header or {})
        return key.sign({name: value for name, value in full.items() if value is not ...}, self.claims(**changes))

    def stop(self, kind: str, name: str) -> None:
        self._run(self._stop, kind, name)

    def heartbeat(self, seq: int | None = None) -> None:
        self._run(self._send, "heartbeat", {"seq": self.seq if seq is None else seq}, None)

    def cut_feed(self) -> None:
        self._run(self._cut)

    # --- inside

    def _run(self, call: Any, *args: Any) -> None:
        done = threading.Event()

        def run() -> None:
            call(*args)
            done.set()

        host().loop.call_soon_threadsafe(run)
        assert done.wait(5)

    def _stop(self, kind: str, name: str) -> None:
        self.seq += 1
        entry = {"seq": self.seq, "kind": kind, "id": name, "epoch": self.seq}
        self.stops.append(entry)
        self._send("stop", entry, self.seq)

    def _send(self, name: str, data: dict[str, Any], seq: int | None) -> None:
        for follower in self._followers:
            follower.put_nowait(event(name, data, seq))

    def _cut(self) -> None:
        for follower in self._followers:
            follower.put_nowait(None)
        self._followers.clear()

    def count(self, name: str) -> None:
        self.hits[name] = self.hits.get(name, 0) + 1

    async def metadata(self, _: Request) -> Response:
        self.count("metadata")
        document = {
            "issuer": self.base,
            "jwks_uri": f"{self.base}/jwks",
            "token_endpoint": f"{self.base}/oauth/token",
            "authorization_endpoint": f"{self.base}/oauth/authorize",
            "introspection_endpoint": f"{self.base}/oauth/introspect",
            "revocation_endpoint": f"{self.base}/oauth/revoke",
            "remit_feed_endpoint": f"{self.base}/feed",
            "remit_decisions_endpoint": f"{self.base}/decisions",
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
        if self.dpop:
            document["dpop_signing_alg_values_supported"] = ["ES256"]
        return JSONResponse(document | self.metadata_extra)

    async def jwks(self, _: Request) -> Response:
        self.count("jwks")
        return JSONResponse({"keys": [key.public() for key in self.keys]}, self.jwks_status)

    async def feed(self, request: Request) -> Response:
        self.count("feed")
        if not authenticated(request):
            return JSONResponse({"error": "invalid_client"}, 401)
        if self.feed_status != 200:
            return Response(status_code=self.feed_status)
        after = request.headers.get("last-event-id")
        self.last_event_ids.append(after)
        follower: asyncio.Queue[bytes | None] = asyncio.Queue()
        for entry in self.stops:
            if entry["seq"] > int(after or 0):
                follower.put_nowait(event("stop", entry, entry["seq"]))
        if self.feed_ready:
            follower.put_nowait(event("ready", {"seq": self.seq}, None))
        self._followers.append(follower)

        async def lines() -> AsyncIterator[bytes]:
            while (line := await follower.get()) is not None:
                yield line

        return StreamingResponse(lines(), media_type="text/event-stream")

    async def introspect(self, request: Request) -> Response:
        self.count("introspect")
        if self.introspection_status != 200:
            return Response(status_code=self.introspection_status)
        if not authenticated(request):
            return JSONResponse({"error": "invalid_client"}, 401)
        form = dict(parse_qsl((await request.body()).decode()))
        claims = json.loads(unb64(form["token"].split(".")[1]))
        named = {claims["jti"], claims["agent_id"], claims["sub"]}
        if named & (self.inactive | {stop["id"] for stop in self.stops if stop["epoch"] > claims["epo"]}):
            return JSONResponse({"active": False})
        return JSONResponse({**claims, "active": True, "scope": self.narrowed or claims["scope"]})

    async def take_decisions(self, request: Request) -> Response:
        sent = json.loads(await request.body())["decisions"]
        if not authenticated(request):
            return JSONResponse({"error": "invalid_client"}, 401)
        self.batches.append([decision["id"] for decision in sent])
        if self.decision_failures:
            self.decision_failures -= 1
            return Response(status_code=500)
        known = {decision["id"] for decision in self.decisions}
        self.decisions.extend(decision for decision in sent if decision["id"] not in known)
        return JSONResponse({"accepted": len(sent)}, 202)

    async def authorize(self, request: Request) -> Response:
        """Approve at once, as a user would who allows everything that is granted."""
        query = dict(request.query_params)
        code = f"code_{secrets.token_hex(8)}"
        self.codes[code] = query
        answer = {"code": code, "state": query["state"], "iss": self.base}
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode(answer)}", 303)

    async def exchange(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        self.forms.append(form)
        self.count(form["grant_type"])
        bound: dict[str, Any] = {}
        if "dpop" in request.headers:
            header, claims = (json.loads(unb64(part)) for part in request.headers["dpop"].split(".")[:2])
            self.proofs.append({**claims, "jkt": thumbprint(header["jwk"])})
            if self.nonce is not None and claims.get("nonce") != self.nonce:
                return JSONResponse({"error": "use_dpop_nonce"}, 400, {"DPoP-Nonce": self.nonce})
            bound = {"cnf": {"jkt": thumbprint(header["jwk"])}}
        match form["grant_type"]:
            case "authorization_code":
                asked = self.codes.pop(form["code"], None)
                digest = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
                if asked is None or asked["code_challenge"] != digest or asked["redirect_uri"] != form["redirect_uri"]:
                    return JSONResponse({"error": "invalid_grant"}, 400)
                wanted = set(asked["scope"].split()) & set(self.granted.split())
                if asked.get("dpop_jkt", ...) != bound.get("cnf", {}).get("jkt", ...):
                    return JSONResponse({"error": "invalid_grant"}, 400)
                return self._token_set(" ".join(sorted(wanted)), bound)
            case "refresh_token":
                if self.refresh_error is not None:
                    error, description = self.refresh_error
                    return JSONResponse({"error": error, "error_description": description}, 400)
                spent = self.refresh_tokens.get(form["refresh_token"])
                if spent is None or spent["spent"]:
                    return JSONResponse({"error": "invalid_grant", "error_description": "already used"}, 400)
                if spent["bound"] not in ({}, bound):
                    return JSONResponse({"error": "invalid_grant"}, 400)
                spent["spent"] = True
                return self._token_set(spent["scope"], bound)
            case "client_credentials":
                if not client_authenticated(request, form):
                    return JSONResponse({"error": "invalid_client"}, 401)
                scope = form.get("scope", "read:calendar")
                return JSONResponse(self._access(scope, sub="agt_helper", line_id=..., **bound))
            case "urn:ietf:params:oauth:grant-type:token-exchange":
                if not client_authenticated(request, form):
                    return JSONResponse({"error": "invalid_client"}, 401)
                act = {"sub": "agt_calendar", "client_id": "cli_calendar"}
                via = {"agent": ["agt_helper"]}
                return JSONResponse(self._access(form["scope"], aud=form["resource"], act=act, via=via, **bound))
            case _:
                return JSONResponse({"error": "unsupported_grant_type"}, 400)

    def _access(self, scope: str, **changes: Any) -> dict[str, Any]:
        token = self.token(scope=scope, **changes)
        kind = "DPoP" if "cnf" in changes else "Bearer"
        return {"access_token": token, "token_type": kind, "expires_in": self.lifetime, "scope": scope}

    def _token_set(self, scope: str, bound: dict[str, Any]) -> Response:
        refresh = f"rmt_rt_{secrets.token_hex(16)}"
        self.refresh_tokens[refresh] = {"scope": scope, "spent": False, "bound": bound}
        return JSONResponse(self._access(scope, **bound) | {"refresh_token": refresh})

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/oauth-authorization-server", self.metadata),
                Route("/jwks", self.jwks),
                Route("/feed", self.feed),
                Route("/oauth/introspect", self.introspect, methods=["POST"]),
                Route("/decisions", self.take_decisions, methods=["POST"]),
                Route("/oauth/authorize", self.authorize),
                Route("/oauth/token", self.exchange, methods=["POST"]),
            ],
        )


def thumbprint(jwk: dict[str, str]) -> str:
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    return b64(hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest())


def event(name: str, data: dict[str, Any], seq: int | None) -> bytes:
    lines = [f"event: {name}", *([f"id: {seq}"] if seq is not None else []), f"data: {json.dumps(data)}"]
    return ("\n".join(lines) + "\n\n").encode()


def authenticated(request: Request) -> bool:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    client, _, secret = base64.b64decode(value).decode().partition(":")
    return (unquote_plus(client), unquote_plus(secret)) == CREDENTIALS


def client_authenticated(request: Request, form: dict[str, str]) -> bool:
    if "client_assertion" in form:
        header, claims, _ = form["client_assertion"].split(".")
        return json.loads(unb64(header))["typ"] == "client-authentication+jwt" and "aud" in json.loads(unb64(claims))
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return scheme == "Basic" and base64.b64decode(value) == b"cli_helper:secret"


@contextlib.contextmanager
def running_issuer(**state: Any) -> Iterator[Issuer]:
    """An issuer of its own for one test, a tenant among others on the same host."""
    issuer = Issuer(**state)
    with hosting("t", issuer.app()) as base:
        issuer.base = base
        try:
            yield issuer
        finally:
            issuer.cut_feed()
