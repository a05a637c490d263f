"""The composition root: from settings to a running application. The only module that knows everything."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from remit.cache.memory import MemoryThrottle
from remit.cache.uses import MemoryUses
from remit.core.errors import RemitError
from remit.crypto.digest import HmacDigester
from remit.crypto.fresh import SystemClock, SystemFresh
from remit.crypto.keyring import TenantKeyring
from remit.crypto.passwords import Argon2Passwords
from remit.crypto.sealing import AesGcmSealer
from remit.crypto.secrets_file import key_check, load_secrets
from remit.http._kit.render import STATIC_PREFIX, Pages
from remit.http.account.routes import ROUTES as SIGN_IN
from remit.http.account.self_service import ROUTES as SELF_SERVICE
from remit.http.api.routes import ROUTES as API
from remit.http.console.routes import ROUTES as CONSOLE
from remit.http.context import Context, context_of
from remit.http.docs.routes import ROUTES as DOCS
from remit.http.feed import decisions_endpoint, feed_endpoint
from remit.http.hub import Hub
from remit.http.oauth.authorize import authorize_endpoint
from remit.http.oauth.inspect import introspection_endpoint, revocation_endpoint, userinfo_endpoint
from remit.http.oauth.metadata import jwks_endpoint, metadata_endpoint, protected_resource_endpoint
from remit.http.oauth.par import pushed_request_endpoint
from remit.http.oauth.register import configuration_endpoint, registration_endpoint
from remit.http.oauth.token import token_endpoint
from remit.http.routing import SECURITY_TXT, TenantRouter, not_found, wrong_method
from remit.http.security_txt import security_txt_endpoint
from remit.http.setup.routes import ROUTES as SETUP
from remit.outbound.fetch import SafeFetcher
from remit.ports.deps import Clock, Database, Deps, Lifetimes, RegistrationLimits
from remit.services.provisioning.instance import BASE_URL, MASTER_KEY, PEPPER, Fact, agree, base_url_fact, remembered
from remit.settings import Settings
from remit.store.migrate import open_sqlite
from remit.store.sqlite import SqliteDatabase
from remit.telemetry.metrics import Meter
from remit.wire.call import Plain
from remit.wire.conditional import render_tagged
from remit.worker import Worker

if TYPE_CHECKING:
    from remit.store.postgres import PostgresDatabase

ANY = ["GET", "POST", "PUT", "PATCH", "DELETE"]
"""Protocol endpoints answer a wrong method themselves, in the form of their standard."""


@asynccontextmanager
async def open_deps(
    settings: Settings, *, clock: Clock | None = None, create: bool = True, migrate: bool = False
) -> AsyncIterator[Deps]:
    """Open the data folder: secrets, migrated database, and everything built on them. Closes cleanly.

    With `create` an empty folder becomes an instance; without it a missing one is an error. `migrate` brings a
    PostgreSQL database to this version; a file is brought there always.
    """
    await asyncio.to_thread(Path(settings.data.dir).mkdir, mode=0o700, parents=True, exist_ok=True)
    key, pepper = Path(settings.secrets.master_key_file), Path(settings.secrets.pepper_file)
    db, base_url = await _open_database(settings, migrate=migrate)
    clock = clock or SystemClock()
    passwords, throttle = Argon2Passwords(), MemoryThrottle()
    outbound = _fetcher(settings, clock, throttle)
    try:
        # Beside a filled database a missing key file is a lost one, or another node's: one of our own opens nothing.
        secrets = load_secrets(key, pepper, create=create and not await _filled(db))
        sealer = AesGcmSealer(secrets.master)
        deps = Deps(
            db=db,
            base_url=base_url,
            clock=clock,
            fresh=SystemFresh(clock),
            digester=HmacDigester(secrets.pepper),
            sealer=sealer,
            passwords=passwords,
            keyring=TenantKeyring(sealer),
            throttle=throttle,
            uses=MemoryUses(),
            lifetimes=Lifetimes(
                access_seconds=settings.tokens.access_seconds,
                refresh_idle_days=settings.tokens.refresh_idle_days,
                refresh_absolute_days=settings.tokens.refresh_absolute_days,
                replay_seconds=settings.tokens.replay_seconds,
            ),
            registration=RegistrationLimits(
                mode=settings.registration.mode,
                quota=settings.registration.quota,
                per_peer=settings.registration.per_peer,
                documents=settings.registration.documents == "on",
                document_bytes=settings.outbound.document_bytes,
            ),
            outbound=outbound,
        )
        if await remembered(db, MASTER_KEY) is None:
            # What is there must open before this key is remembered as the right one.
            await _prove_master_key(deps)
        facts = [_secret_fact(MASTER_KEY, key, secrets.master), _secret_fact(PEPPER, pepper, secrets.pepper)]
        await agree(db, *facts, *([base_url_fact(base_url)] if create else []))
        yield deps
    finally:
        outbound.close()
        passwords.close()
        await db.close()


def _fetcher(settings: Settings, clock: Clock, throttle: MemoryThrottle) -> SafeFetcher:
    """Make the one way out.

    Raises:
        RemitError: the certificate authorities cannot be read.
    """
    outbound = settings.outbound
    networks = tuple(ip_network(network) for network in outbound.networks)
    ca_file = Path(outbound.ca_file) if outbound.ca_file else None
    try:
        return SafeFetcher(clock, throttle, networks=networks, ca_file=ca_file)
    except OSError as error:  # also what TLS says of a file that holds no certificates
        raise RemitError(f"outbound.ca_file: {outbound.ca_file} is no readable PEM file of certificates") from error


async def _open_database(settings: Settings, *, migrate: bool) -> tuple[Database, str]:
    """Open the database under the base URL that it was made for.

    Raises:
        RemitError: somebody gave another one.
    """
    if settings.storage.url and migrate:
        from remit.store.migrate_postgres import place_of, upgrade  # noqa: PLC0415 - needs remit[postgres]

        await upgrade(place_of(settings.storage))
    db = await _opened(settings)
    try:
        base_url = _base_url(settings, await remembered(db, BASE_URL))
    except BaseException:
        await db.close()
        raise
    db.move_to(base_url)
    return db, base_url


def _base_url(settings: Settings, known: str | None) -> str:
    wanted = settings.server.base_url
    if known is None or known == wanted:
        return wanted
    # The default follows from the port, so a port that was chosen is an address, too.
    chosen = "server.port" in settings.given and known.startswith("http://127.0.0.1:")
    if chosen or "server.base_url" in settings.given:
        raise RemitError(base_url_fact(wanted).otherwise(known))
    return known


async def _opened(settings: Settings) -> SqliteDatabase | PostgresDatabase:
    base_url = settings.server.base_url
    if not settings.storage.url:
        return await open_sqlite(Path(settings.storage.path), base_url)
    from remit.store.migrate_postgres import open_postgres, place_of  # noqa: PLC0415 - needs remit[postgres]

    return await open_postgres(place_of(settings.storage), base_url)


def _secret_fact(name: str, path: Path, secret: bytes) -> Fact:
    wrong = f"{path} does not hold the {name} that this database was made with: bring the right file, or its backup"
    return Fact(name=name, value=key_check(secret), otherwise=lambda _: wrong)


async def _filled(db: Database) -> bool:
    """Say whether there is anything that key files belong to."""
    async with db.system() as system:
        if await system.tenants():
            return True
    return await remembered(db, PEPPER) is not None


async def _prove_master_key(deps: Deps) -> None:
    """Refuse to go on with a master key that does not open what this database holds.

    Raises:
        KeyUnusable: the key file belongs to another database.
    """
    async with deps.db.system() as system:
        tenants = await system.tenants()
    for tenant in tenants[:1]:
        async with deps.db.read(tenant.id) as work:
            deps.keyring.sign_note(tenant, await work.keys.all(), b"")


def routes() -> Sequence[BaseRoute]:
    """Return every route below an issuer, in one place."""
    return [
        Route("/oauth/authorize", authorize_endpoint, methods=ANY),
        Route("/oauth/token", Plain(token_endpoint)),
        Route("/oauth/par", Plain(pushed_request_endpoint)),
        Route("/oauth/introspect", Plain(introspection_endpoint)),
        Route("/oauth/revoke", Plain(revocation_endpoint)),
        Route("/oauth/register", registration_endpoint, methods=ANY),
        Route("/oauth/register/{client}", configuration_endpoint, methods=ANY),
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
