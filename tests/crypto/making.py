"""A tenant with keys, and whatever a forger would write with or without them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

from remit.core.keys import USES, KeyState, KeyUse, SigningKey
from remit.core.names import TenantId, TokenId
from remit.core.tenants import Tenant, TenantState
from remit.core.tokens import AccessClaims
from remit.crypto.compact import write_base64url
from remit.crypto.jose import PrivateKey
from remit.crypto.keyring import TenantKeyring
from remit.crypto.sealing import AesGcmSealer

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
SEALER = AesGcmSealer(bytes(range(32)))


def a_tenant(slug: str = "acme") -> Tenant:
    return Tenant(
        id=TenantId(f"tnt_{slug}"),
        slug=slug,
        name=slug.title(),
        issuer=f"https://id.example/t/{slug}",
        state=TenantState.ACTIVE,
        rights_on=False,
    )


ACME = a_tenant()
GLOBEX = a_tenant("globex")


def a_ring() -> TenantKeyring:
    return TenantKeyring(SEALER)


@cache
def keys_of(tenant: Tenant) -> tuple[SigningKey, ...]:
    ring = a_ring()
    return tuple(replace(ring.create(tenant, use, alg, now=NOW), state=KeyState.ACTIVE) for use, alg in USES)


def key_for(tenant: Tenant, use: KeyUse = KeyUse.ACCESS, alg: str = "ES256") -> SigningKey:
    return next(key for key in keys_of(tenant) if key.use is use and key.alg == alg)


def private_of(tenant: Tenant, key: SigningKey) -> PrivateKey:
    der = SEALER.unseal(key.sealed, context=(tenant.id, key.kid))
    assert der is not None
    return PrivateKey.load(key.alg, der)


def claims_for(tenant: Tenant = ACME, **changes) -> AccessClaims:
    claims = AccessClaims(
        jti=TokenId("tok_1"),
        issuer=tenant.issuer,
        audience="https://calendar.example/",
        subject="usr_1",
        client="cli_1",
        scopes=frozenset({"write:calendar", "read:calendar"}),
        issued_at=NOW,
        expires_at=NOW + timedelta(seconds=900),
        tenant=tenant.slug,
        agent="agt_1",
        owner="usr_2",
        purpose="plans meetings",
        grant="grt_1",
        line="lin_1",
        session="ses_1",
        auth_time=NOW - timedelta(seconds=5),
        amr=("pwd",),
        epoch=7,
    )
    return replace(claims, **changes)


def compact(header: object, claims: object, private: PrivateKey | None) -> str:
    """Sign whatever is given: objects are written as JSON, bytes are taken as they are."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims)]
    message = b".".join(write_base64url(part) for part in parts)
    signature = b"" if private is None else private.sign(message)
    return f"{message.decode()}.{write_base64url(signature).decode()}"


def without(members: Mapping[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in members.items() if name not in names}
