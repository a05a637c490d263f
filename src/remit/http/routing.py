"""From a URL to a tenant: path issuers, well-known documents at the web root, request ids, and the last line of errors.

A plain ASGI callable around the routes. It finds the tenant once; no route ever chooses one itself.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any, Final

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from remit.core.errors import StoreUnavailable
from remit.core.names import Prefix
from remit.core.tenants import DEFAULT_SLUG, Tenant
from remit.http._kit.render import STATIC_PREFIX
from remit.ports.deps import Deps
from remit.wire.oauth_errors import render_unavailable
from remit.wire.problems import render_problem

WELL_KNOWN: Final = frozenset({"oauth-authorization-server", "openid-configuration", "oauth-protected-resource"})
"""Documents whose URL is made by inserting `/.well-known/<name>` between host and issuer path (RFC 8414 §3)."""

_INSERTED = re.compile(r"/\.well-known/([a-z-]+)(/.*)?")
_TENANT = re.compile(r"/t/([a-z0-9][a-z0-9-]{0,62})(/.*)?")
_CORS_PATHS: Final = frozenset(
    {
        "/oauth/token",
        "/oauth/revoke",
        "/oauth/register",
        "/oauth/userinfo",
        "/oauth/jwks",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-protected-resource/api",
    }
)

log = structlog.get_logger()


class TenantRouter:
    """Find the tenant of a request, hand it on with the path below its issuer, and catch what broke."""

    def __init__(self, app: ASGIApp, deps: Deps) -> None:
        self._app = app
        self._deps = deps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._deps.fresh.id(Prefix.REQUEST)
        scope["remit.request"] = request_id
        started = False

        async def tagged(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._route(scope, receive, tagged)
        except StoreUnavailable:
            log.warning("store.unavailable", request=request_id, path=scope["path"])
            if started:
                raise
            await render_unavailable()(scope, receive, tagged)
        except Exception:
            log.exception("request.failed", request=request_id, path=scope["path"])
            if started:
                raise
            detail = "nothing was changed by this request; give its id to whoever runs this server"
            await render_problem("internal", detail, request=request_id)(scope, receive, tagged)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(STATIC_PREFIX):
            # Style and script belong to no tenant, and are there also where the default tenant is not.
            await self._app(scope, receive, send)
            return
        slug, path = split(scope["path"])
        tenant = await self._tenant(slug)
        if tenant is None:
            await render_problem("not_found", "no such issuer or page")(scope, receive, send)
            return
        # `path` is what routes match; the tenant's own prefix never reaches them.
        inner = {**scope, "path": path, "raw_path": path.encode(), "remit.tenant": tenant}
        if path in _CORS_PATHS:
            await _with_cors(self._app, inner, receive, send)
            return
        await self._app(inner, receive, send)

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


async def _with_cors(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Let pages of any origin call, without cookies (GEN-10). The authorization endpoint is not among these."""
    allow = {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "GET, POST",
        # MCP clients in a browser send their protocol version with discovery, which makes it a preflighted request.
        "access-control-allow-headers": "authorization, content-type, mcp-protocol-version",
        "access-control-max-age": "600",
    }
    if scope["method"] == "OPTIONS":
        await Response(b"", 204, allow)(scope, receive, send)
        return

    async def opened(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            extra = [
                (b"access-control-allow-origin", b"*"),
                (b"access-control-expose-headers", b"www-authenticate"),
            ]
            message["headers"] = [*message["headers"], *extra]
        await send(message)

    await app(scope, receive, opened)


async def not_found(request: Request, _: Exception) -> Response:
    return render_problem("not_found", "no such page or endpoint", request=request.scope.get("remit.request", ""))


async def wrong_method(request: Request, _: Exception) -> Response:
    detail = f"{request.method} is not possible here"
    return render_problem("method_not_allowed", detail, request=request.scope.get("remit.request", ""))
