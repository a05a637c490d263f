"""Opening an instance: from settings to everything that use cases ask for.

Commands need no more than this, and so load nothing of HTTP: that is most of what a start costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING

from remit.cache.memory import MemoryThrottle
from remit.cache.uses import MemoryUses
from remit.core.errors import RemitError
from remit.crypto.digest import HmacDigester
from remit.crypto.fresh import SystemClock, SystemFresh
from remit.crypto.keyring import TenantKeyring
from remit.crypto.passwords import Argon2Passwords
from remit.crypto.sealing import AesGcmSealer
from remit.crypto.secrets_file import key_check, load_secrets
from remit.outbound.fetch import SafeFetcher
from remit.ports.deps import Clock, Database, Deps, Lifetimes, RegistrationLimits
from remit.services.provisioning.instance import BASE_URL, MASTER_KEY, PEPPER, Fact, agree, base_url_fact, remembered
from remit.settings import Settings
from remit.store.migrate import open_sqlite
from remit.store.sqlite import SqliteDatabase

if TYPE_CHECKING:
    from remit.store.postgres import PostgresDatabase


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
            dpop_nonces=settings.dpop.nonces,
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
