"""From a URL to a tenant: path issuers, well-known documents at the web root, request ids, and the last line of errors.

A plain ASGI callable around the routes. It finds the tenant once; no route ever chooses one itself.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from remit.core.errors import StoreUnavailable
from remit.core.names import Prefix
from remit.core.tenants import DEFAULT_SLUG, Tenant
from remit.http._kit.render import STATIC_PREFIX
from remit.http.context import Context
from remit.telemetry.logs import answered
from remit.wire.call import Plain
from remit.wire.docs import explain_at
from remit.wire.oauth_errors import render_unavailable
from remit.wire.problems import render_no_document, render_problem
from remit.wire.trace import trace_of

WELL_KNOWN: Final = frozenset({"oauth-authorization-server", "openid-configuration", "oauth-protected-resource"})
"""Documents whose URL is made by inserting `/.well-known/<name>` between host and issuer path (RFC 8414 §3)."""

SECURITY_TXT: Final = "/.well-known/security.txt"

_INSERTED = re.compile(r"/\.well-known/([a-z-]+)(/.*)?")
_TENANT = re.compile(r"/t/([a-z0-9][a-z0-9-]{0,62})(/.*)?")
_CORS_PATHS: Final = frozenset(
    {
        "/oauth/token",
        "/oauth/par",
        "/oauth/revoke",
        "/oauth/register",
        "/oauth/userinfo",
        "/oauth/jwks",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-protected-resource/api",
    }
)

_CORS_HEADERS: Final = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"www-authenticate, dpop-nonce"),
]

log = structlog.get_logger()


UNMATCHED: Final = "unmatched"
UNKNOWN_TENANT: Final = "unknown tenant"


@dataclass(slots=True)
class _Seen:
    """What became of a request, for its line in the log. Without a status nobody waited for the answer."""

    route: str = UNMATCHED
    tenant: str | None = None
    status: int = 0
    cors: bool = False


class TenantRouter:
    """Find the tenant of a request, hand it on with the path below its issuer, and catch what broke."""

    def __init__(self, app: ASGIApp, context: Context, plain: Mapping[str, Plain]) -> None:
        """Route to `app`. The endpoints in `plain`, by path, are asked directly and learn only the tenant's id."""
        self._app = app
        self._plain = plain
        self._context = context
        self._meter = context.meter
        self._deps = context.deps
        self._known: dict[str, Tenant] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._deps.fresh.id(Prefix.REQUEST)
        scope["remit.request"] = request_id
        scope["remit.context"] = self._context
        seen = _Seen()
        began = time.perf_counter()
        try:
            await self._guarded(scope, receive, send, seen)
        finally:
            self._meter.answered(seen.route, seen.status)
            answered(
                request=request_id,
                trace=trace_of(scope),
                tenant=seen.tenant,
                method=scope["method"],
                route=seen.route,
                status=seen.status,
                ms=round((time.perf_counter() - began) * 1000, 1),
            )

    async def _guarded(self, scope: Scope, receive: Receive, send: Send, seen: _Seen) -> None:
        request_id = scope["remit.request"]
        extra = [(b"x-request-id", request_id.encode())]

        async def tagged(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                seen.status = message["status"]
                message["headers"] = [*message["headers"], *extra]
                if seen.cors:
                    message["headers"] += _CORS_HEADERS
            await send(message)

        try:
            await self._route(scope, receive, tagged, seen)
        except StoreUnavailable:
            log.warning("store.unavailable", request=request_id, route=seen.route)
            if seen.status:
                raise
            await render_unavailable()(scope, receive, tagged)
        except ClientDisconnect:
            # Nobody is there to be told; the line in the log says status 0.
            return
        except Exception:
            log.exception("request.failed", request=request_id, route=seen.route)
            if seen.status:
                raise
            detail = "nothing was changed by this request; give its id to whoever runs this server"
            await render_problem("internal", detail, request=request_id)(scope, receive, tagged)

    async def _route(self, scope: Scope, receive: Receive, send: Send, seen: _Seen) -> None:
        if scope["path"].startswith(STATIC_PREFIX) or scope["path"] == SECURITY_TXT:
            # These belong to no tenant, and are there also where the default tenant is not.
            seen.route = SECURITY_TXT if scope["path"] == SECURITY_TXT else STATIC_PREFIX + "{name}"
            await self._app(scope, receive, send)
            return
        slug, path = split(scope["path"])
        if (plain := self._plain.get(path)) is not None and (known := await self._issuer(slug)) is not None:
            explain_at(known)
            scope["remit.tenant_id"] = known.id
            scope["remit.address"] = known.issuer + path
            seen.tenant, seen.route, seen.cors = slug, path, path in _CORS_PATHS
            if seen.cors and scope["method"] == "OPTIONS":
                await _preflight()(scope, receive, send)
            else:
                await plain(scope, receive, send)
            return
        tenant = await self._tenant(slug)
        explain_at(tenant)
        if tenant is None:
            seen.route = UNKNOWN_TENANT
            await _nothing_at(scope["path"], "no such issuer or page")(scope, receive, send)
            return
        # `path` is what routes match; the tenant's own prefix never reaches them.
        inner = {**scope, "path": path, "raw_path": path.encode(), "remit.tenant": tenant}
        inner |= {"remit.tenant_id": tenant.id, "remit.address": tenant.issuer + quote(path)}
        seen.tenant = tenant.slug
        try:
            if path in _CORS_PATHS:
                seen.route = path
                seen.cors = True
                app = _preflight() if scope["method"] == "OPTIONS" else self._app
                await app(inner, receive, send)
            else:
                await self._app(inner, receive, send)
        finally:
            # What the router matched: a template, so that neither log nor metrics hold ids or what somebody made up.
            if (route := inner.get("route")) is not None:
                seen.route = route.path

    async def _issuer(self, slug: str) -> Tenant | None:
        """Return a tenant for its id and issuer, which never change; its name and state here may be old."""
        known = self._known.get(slug)
        if known is None and (known := await self._tenant(slug)) is not None:
            self._known[slug] = known
        return known

    async def _tenant(self, slug: str) -> Tenant | None:
        async with self._deps.db.system() as system:
            return await system.tenant_by_slug(slug)


def split(path: str) -> tuple[str, str]:
    """Return the tenant's slug and the path below its issuer. `/t/default` does not exist (one URL a document)."""
    inserted = _INSERTED.fullmatch(path)
    if inserted is not None and inserted[1] in WELL_KNOWN:
        slug, rest = _below(inserted[2] or "")
        return slug, f"/.well-known/{inserted[1]}" + ("" if rest == "/" else rest)
    return _below(path)


def _below(path: str) -> tuple[str, str]:
    found = _TENANT.fullmatch(path)
    if found is None:
        return DEFAULT_SLUG, path or "/"
    if found[1] == DEFAULT_SLUG:
        return "", path
    return found[1], found[2] or "/"


def _preflight() -> Response:
    """Let pages of any origin call, without cookies (GEN-10). The authorization endpoint is not among these."""
    allow = {
        "access-control-allow-methods": "GET, POST",
        # MCP clients in a browser send their protocol version with discovery, which makes it a preflighted request.
        "access-control-allow-headers": "authorization, content-type, dpop, mcp-protocol-version",
        "access-control-max-age": "600",
    }
    return Response(b"", 204, allow)


async def not_found(request: Request, _: Exception) -> Response:
    return _nothing_at(request.scope["path"], "no such page or endpoint", request.scope.get("remit.request", ""))


def _nothing_at(path: str, detail: str, request: str = "") -> Response:
    if "/.well-known/" in path:
        return render_no_document()
    return render_problem("not_found", detail, request=request)


async def wrong_method(request: Request, error: Exception) -> Response:
    """Say that the method is wrong here, and which ones are right (RFC 9110 §15.5.6)."""
    detail = f"{request.method} is not possible here"
    headers = dict(getattr(error, "headers", None) or {})
    return render_problem("method_not_allowed", detail, request=request.scope.get("remit.request", ""), headers=headers)
