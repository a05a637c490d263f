"""The composition root: from an open instance to a running application. The only module that knows everything."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from remit.http._kit.render import STATIC_PREFIX, Pages
from remit.http.account.devices import ROUTES as DEVICES
from remit.http.account.routes import ROUTES as SIGN_IN
from remit.http.account.second_factor.routes import ROUTES as SECOND_FACTOR
from remit.http.account.security.routes import ROUTES as SECURITY
from remit.http.account.self_service import ROUTES as SELF_SERVICE
from remit.http.api.routes import ROUTES as API
from remit.http.console.routes import ROUTES as CONSOLE
from remit.http.context import Context, context_of
from remit.http.docs.routes import ROUTES as DOCS
from remit.http.feed import decisions_endpoint, feed_endpoint
from remit.http.hub import Hub
from remit.http.oauth.authorize import authorize_endpoint
from remit.http.oauth.device import device_authorization_endpoint
from remit.http.oauth.inspect import introspection_endpoint, revocation_endpoint, userinfo_endpoint
from remit.http.oauth.logout import end_session_endpoint
from remit.http.oauth.metadata import jwks_endpoint, metadata_endpoint, protected_resource_endpoint
from remit.http.oauth.par import pushed_request_endpoint
from remit.http.oauth.register import configuration_endpoint, registration_endpoint
from remit.http.oauth.token import token_endpoint
from remit.http.routing import SECURITY_TXT, TenantRouter, not_found, wrong_method
from remit.http.security_txt import security_txt_endpoint
from remit.http.setup.routes import ROUTES as SETUP
from remit.ports.deps import Deps
from remit.settings import Settings
from remit.telemetry.metrics import Meter
from remit.wire.call import Plain
from remit.wire.conditional import render_tagged
from remit.worker import Teller, Worker

ANY = ["GET", "POST", "PUT", "PATCH", "DELETE"]
"""Protocol endpoints answer a wrong method themselves, in the form of their standard."""


def routes() -> Sequence[BaseRoute]:
    """Return every route below an issuer, in one place."""
    return [
        Route("/oauth/authorize", authorize_endpoint, methods=ANY),
        Route("/oauth/token", Plain(token_endpoint)),
        Route("/oauth/par", Plain(pushed_request_endpoint)),
        Route("/oauth/device_authorization", Plain(device_authorization_endpoint)),
        Route("/oauth/introspect", Plain(introspection_endpoint)),
        Route("/oauth/revoke", Plain(revocation_endpoint)),
        Route("/oauth/register", registration_endpoint, methods=ANY),
        Route("/oauth/register/{client}", configuration_endpoint, methods=ANY),
        Route("/oauth/end-session", end_session_endpoint, methods=ANY),
        Route("/oauth/userinfo", Plain(userinfo_endpoint)),
        Route("/oauth/jwks", jwks_endpoint, methods=["GET"]),
        Route("/.well-known/oauth-authorization-server", metadata_endpoint, methods=["GET"]),
        Route("/.well-known/openid-configuration", metadata_endpoint, methods=["GET"]),
        Route("/.well-known/oauth-protected-resource/api", protected_resource_endpoint, methods=["GET"]),
        Route("/feed", feed_endpoint, methods=["GET"]),
        Route("/decisions", decisions_endpoint, methods=["POST"]),
        Route(SECURITY_TXT, security_txt_endpoint, methods=["GET"]),
        Route(STATIC_PREFIX + "{name}", static_endpoint, methods=["GET"]),
        *API,
        *SIGN_IN,
        *SECOND_FACTOR,
        *SECURITY,
        *DEVICES,
        *SELF_SERVICE,
        *CONSOLE,
        *SETUP,
        *DOCS,
    ]


async def static_endpoint(request: Request) -> Response:
    """Serve a static file by its hashed name; it never changes under that name."""
    found = context_of(request).pages.static(request.path_params["name"])
    if found is None:
        return await not_found(request, LookupError())
    headers = {
        "cache-control": "public, max-age=31536000, immutable",
        "x-content-type-options": "nosniff",
    }
    return render_tagged(request, found.body, found.content_type, tag=found.etag, headers=headers)


class Application(Starlette):
    """Starlette without its last resort, which would answer 500 before `TenantRouter` learns what broke."""

    def build_middleware_stack(self) -> ASGIApp:
        return ExceptionMiddleware(self.router, handlers=self.exception_handlers)


def build(deps: Deps, settings: Settings, meter: Meter | None = None) -> tuple[ASGIApp, Hub]:
    """Build the application around its dependencies. The hub ends the open feeds on shutdown."""
    hub, meter = Hub(), meter or Meter()
    worker = Worker(
        deps,
        checkpoints=Path(settings.audit.checkpoints),
        seconds=settings.audit.checkpoint_seconds,
        events=settings.audit.checkpoint_events,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(hub.watch(deps.db)), asyncio.create_task(worker.run())]
        tasks.append(asyncio.create_task(Teller(deps).run()))
        yield
        hub.stop()
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await worker.write_uses()
        await worker.checkpoint()

    table = list(routes())
    app = Application(
        routes=table,
        lifespan=lifespan,
        exception_handlers={404: not_found, 405: wrong_method},
    )
    context = Context(deps=deps, pages=Pages(), hub=hub, meter=meter, security_contact=settings.server.security_contact)
    plain = {row.path: row.endpoint for row in table if isinstance(row, Route) and isinstance(row.endpoint, Plain)}
    return TenantRouter(app, context, plain), hub
