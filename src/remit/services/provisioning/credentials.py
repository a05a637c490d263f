"""Change over from one credential to the next without an outage, and end one at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from remit.core.audit.events import CredentialAdded, CredentialRevoked, CredentialRotated, Who
from remit.core.clients import AuthMethod, Client, Party
from remit.core.credentials import (
    Credential,
    CredentialKind,
    StoredSecret,
    judge_overlap,
    judge_rotation,
)
from remit.core.names import ClientId, Opaque, ResourceId, Secret, SecretKind, TenantId
from remit.core.oauth.verdicts import Refusal
from remit.ports.deps import Deps
from remit.ports.work import Work

SECRET_METHODS = frozenset({AuthMethod.SECRET_BASIC, AuthMethod.SECRET_POST})
NO_CLIENT = Refusal("not_found", "no such client in this tenant")
NO_RESOURCE = Refusal("not_found", "no such resource in this tenant")
NO_SECRET = Refusal("not_found", "no such secret: it is named by its id, the part of it before the full stop")
OVER = Refusal("conflict", "it ended before: nothing is left to revoke")

OLD_KEYS = "old-keys"
"""What the key set before a rotation is called where a credential is named."""

HolderId = TypeVar("HolderId", ClientId, ResourceId)
_Id_contra = TypeVar("_Id_contra", contravariant=True)


class SecretTable(Protocol[_Id_contra]):
    """The part of a repository that keeps secrets."""

    async def secrets(self, holder: _Id_contra, /) -> tuple[StoredSecret, ...]: ...
    async def add_secret(self, holder: _Id_contra, secret: StoredSecret, /) -> None: ...
    async def end_secret(self, holder: _Id_contra, secret: str, /, *, at: datetime) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder(Generic[HolderId]):
    """A client or resource in an open work: where its secrets are kept, and of what kind they are."""

    id: HolderId
    table: SecretTable[HolderId]
    kind: SecretKind
    work: Work


def of_client(work: Work, client: ClientId) -> Holder[ClientId]:
    return Holder(id=client, table=work.clients, kind=SecretKind.CLIENT, work=work)


def of_resource(work: Work, resource: ResourceId) -> Holder[ResourceId]:
    return Holder(id=resource, table=work.resources, kind=SecretKind.RESOURCE, work=work)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What came of a rotation. The secret, where there is one, is told this once."""

    secret: Secret | None = field(repr=False)
    replaced: tuple[str, ...]
    until: datetime
    """When what was replaced ends."""


async def rotate_client_secret(
    tenant: TenantId, deps: Deps, who: Who, *, client: ClientId, overlap: timedelta
) -> Rotated | Refusal:
    """Give a client a new secret and let the one before it end after the overlap."""
    async with deps.db.work(tenant) as work:
        party = await work.clients.party(client)
        if party is None:
            return NO_CLIENT
        if (flaw := proven_otherwise(party.client)) is not None:
            return flaw
        return await _rotate_secret(of_client(work, client), deps, _of(who, party), overlap=overlap)


async def rotate_resource_secret(
    tenant: TenantId, deps: Deps, who: Who, *, resource: ResourceId, overlap: timedelta
) -> Rotated | Refusal:
    """Give a resource a new secret and let the one before it end after the overlap."""
    async with deps.db.work(tenant) as work:
        found = await work.resources.get(resource)
        if found is None:
            return NO_RESOURCE
        who = replace(who, resource=found.uri)
        return await _rotate_secret(of_resource(work, resource), deps, who, overlap=overlap)


async def rotate_client_keys(
    tenant: TenantId, deps: Deps, who: Who, *, client: ClientId, jwks: str, overlap: timedelta
) -> Rotated | Refusal:
    """Replace a client's public keys; those before prove it until the overlap is over."""
    flaw = judge_overlap(overlap)
    if flaw is None and (clause := deps.keyring.flaw_of_jwks(jwks)) is not None:
        flaw = Refusal("invalid_request", f"the client's key set {clause}")
    if flaw is not None:
        return flaw
    async with deps.db.work(tenant) as work:
        party = await work.clients.party(client)
        if party is None:
            return NO_CLIENT
        now, before = deps.clock.now(), party.client
        if before.auth_method is not AuthMethod.PRIVATE_KEY_JWT:
            return Refusal("conflict", f"this client authenticates by {before.auth_method}: keys prove nothing")
        if overlap and before.old_keys(now) is not None:
            return Refusal("conflict", "two key sets are good already: revoke the one before the last rotation first")
        until = now + overlap
        after = replace(
            before,
            jwks=jwks,
            jwks_at=now,
            old_jwks=before.jwks,
            old_jwks_until=until,
            version=before.version + 1,
        )
        await work.clients.set_keys(after)
        event = CredentialRotated(
            who=_of(who, party),
            holder=client,
            credential=f"keys-{after.version}",
            replaced=(f"keys-{before.version}",),
            until=until.isoformat(timespec="seconds"),
        )
        await work.events.append(event, at=now)
        return Rotated(secret=None, replaced=(OLD_KEYS,), until=until)


async def revoke_client_credential(
    tenant: TenantId, deps: Deps, who: Who, *, client: ClientId, credential: str
) -> Credential | Refusal:
    """End one secret of a client at once, or `old-keys`: its key set before the last rotation."""
    async with deps.db.work(tenant) as work:
        party = await work.clients.party(client)
        if party is None:
            return NO_CLIENT
        if credential != OLD_KEYS:
            return await _revoke_secret(of_client(work, client), credential, deps, _of(who, party))
        now, found = deps.clock.now(), party.client
        if found.old_keys(now) is None:
            return OVER
        await work.clients.set_keys(replace(found, old_jwks_until=now))
        await work.events.append(CredentialRevoked(who=_of(who, party), holder=client, credential=OLD_KEYS), at=now)
        return Credential(
            id=OLD_KEYS, kind=CredentialKind.KEY, created_at=None, expires_at=now, last_used_at=None, live=False
        )


async def revoke_resource_secret(
    tenant: TenantId, deps: Deps, who: Who, *, resource: ResourceId, secret: str
) -> Credential | Refusal:
    """End one secret of a resource at once."""
    async with deps.db.work(tenant) as work:
        found = await work.resources.get(resource)
        if found is None:
            return NO_RESOURCE
        return await _revoke_secret(of_resource(work, resource), secret, deps, replace(who, resource=found.uri))


async def client_credentials_of(tenant: TenantId, deps: Deps, client: ClientId) -> tuple[Credential, ...] | Refusal:
    """Return what a client proves itself by, newest first, with when each was last used."""
    async with deps.db.read(tenant) as work:
        found = await work.clients.get(client)
        return NO_CLIENT if found is None else await credentials_in(work, found, deps)


async def resource_credentials_of(
    tenant: TenantId, deps: Deps, resource: ResourceId
) -> tuple[Credential, ...] | Refusal:
    """Return what a resource proves itself by, newest first, with when each was last used."""
    async with deps.db.read(tenant) as work:
        if await work.resources.get(resource) is None:
            return NO_RESOURCE
        return await resource_credentials_in(work, resource, deps)


async def resource_credentials_in(work: Work, resource: ResourceId, deps: Deps) -> tuple[Credential, ...]:
    """Return what a resource proves itself by, in a work that is open."""
    used = await work.credentials.last_used(resource)
    return _secrets(await work.resources.secrets(resource), used, deps)


async def credentials_in(work: Work, client: Client, deps: Deps) -> tuple[Credential, ...]:
    """Return what a client proves itself by, in a work that is open."""
    used = await work.credentials.last_used(client.id)
    secrets = _secrets(await work.clients.secrets(client.id), used, deps)
    now = deps.clock.now()
    keys: list[tuple[str, str, datetime | None, datetime | None]] = []
    if client.jwks is not None:
        keys.append((f"keys-{client.version}", client.jwks, client.jwks_at or client.created_at, None))
    if client.old_jwks is not None:
        keys.append((OLD_KEYS, client.old_jwks, None, client.old_jwks_until))
    told = tuple(
        Credential(
            id=name,
            kind=CredentialKind.KEY,
            created_at=made,
            expires_at=until,
            last_used_at=max((used[kid] for kid in deps.keyring.kids_of(jwks) if kid in used), default=None),
            live=until is None or now < until,
        )
        for name, jwks, made, until in keys
    )
    return (*told, *secrets)


def proven_otherwise(client: Client) -> Refusal | None:
    """Refuse a secret for a client that does not prove itself by one."""
    if client.auth_method in SECRET_METHODS:
        return None
    return Refusal("conflict", f"this client authenticates by {client.auth_method}: a secret proves nothing")


async def store_secret(
    holder: Holder[HolderId], opaque: Opaque, deps: Deps, who: Who, *, expires_at: datetime | None = None
) -> None:
    """Store a further secret of a client or resource, and tell that there is one."""
    await _put(holder, opaque, deps, expires_at=expires_at)
    event = CredentialAdded(who=who, holder=holder.id, credential=opaque.id)
    await holder.work.events.append(event, at=deps.clock.now())


async def _rotate_secret(holder: Holder[HolderId], deps: Deps, who: Who, *, overlap: timedelta) -> Rotated | Refusal:
    now = deps.clock.now()
    verdict = judge_rotation(await holder.table.secrets(holder.id), overlap=overlap, now=now)
    if isinstance(verdict, Refusal):
        return verdict
    until = now + overlap
    for secret in verdict:
        await holder.table.end_secret(holder.id, secret, at=until)
    opaque = deps.fresh.opaque(holder.kind)
    await _put(holder, opaque, deps, expires_at=None)
    event = CredentialRotated(
        who=who, holder=holder.id, credential=opaque.id, replaced=verdict, until=until.isoformat(timespec="seconds")
    )
    await holder.work.events.append(event, at=now)
    return Rotated(secret=opaque.text(), replaced=verdict, until=until)


async def _revoke_secret(holder: Holder[HolderId], secret: str, deps: Deps, who: Who) -> Credential | Refusal:
    now = deps.clock.now()
    found = next((item for item in await holder.table.secrets(holder.id) if item.id == secret), None)
    if found is None:
        return NO_SECRET
    if not found.usable(now):
        return OVER
    await holder.table.end_secret(holder.id, secret, at=now)
    await holder.work.events.append(CredentialRevoked(who=who, holder=holder.id, credential=secret), at=now)
    used = await holder.work.credentials.last_used(holder.id)
    return _secrets([replace(found, expires_at=now)], used, deps)[0]


async def _put(holder: Holder[HolderId], opaque: Opaque, deps: Deps, *, expires_at: datetime | None) -> None:
    stored = StoredSecret(
        id=opaque.id, digest=deps.digester.digest(opaque), created_at=deps.clock.now(), expires_at=expires_at
    )
    await holder.table.add_secret(holder.id, stored)


def _secrets(secrets: Sequence[StoredSecret], used: dict[str, datetime], deps: Deps) -> tuple[Credential, ...]:
    now = deps.clock.now()
    return tuple(
        Credential(
            id=secret.id,
            kind=CredentialKind.SECRET,
            created_at=secret.created_at,
            expires_at=secret.expires_at,
            last_used_at=used.get(secret.id),
            live=secret.usable(now),
        )
        for secret in reversed(secrets)
    )


def _of(who: Who, party: Party) -> Who:
    return replace(who, agent=party.agent.id, owner=party.agent.owner, client=party.client.id)
