"""A forger at his strongest: he writes any header and claims, and signs with his own key or the issuer's real one."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from remit.core.keys import KeyState, KeyUse, SigningKey
from remit.crypto.compact import take_apart, write_base64url
from remit.crypto.jose import PrivateKey
from tests.kit.instance import Remit
from tests.kit.world import World


def compact(header: object, claims: object, signature: bytes | PrivateKey) -> str:
    """Write a token: objects as JSON, bytes as they are; signed by a key, or with bytes for a signature."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims)]
    message = b".".join(write_base64url(part) for part in parts)
    signed = signature.sign(message) if isinstance(signature, PrivateKey) else signature
    return f"{message.decode()}.{write_base64url(signed).decode()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forge:
    """A good token taken apart, and the keys to write another one."""

    token: str
    header: dict[str, Any]
    claims: dict[str, Any]
    real: PrivateKey
    """The issuer's own key: with it only header and claims are wrong."""
    own: PrivateKey

    @property
    def message(self) -> bytes:
        return self.token.rpartition(".")[0].encode()

    def write(self, header: dict[str, Any] | None = None, claims: dict[str, Any] | None = None) -> str:
        """Sign with the real key; a value of `...` leaves a member out."""
        return compact(_changed(self.header, header), _changed(self.claims, claims), self.real)

    def raw(self, claims: bytes) -> str:
        """Sign claims that are written just so."""
        return compact(self.header, claims, self.real)

    def mine(self, **header: Any) -> str:
        """Sign with the forger's own key."""
        return compact(_changed(self.header, header), self.claims, self.own)

    def signed(self, signature: bytes) -> str:
        """Put another signature behind the good token."""
        return f"{self.message.decode()}.{write_base64url(signature).decode()}"

    def unsigned(self, alg: str) -> str:
        return compact({**self.header, "alg": alg}, self.claims, b"").rstrip(".")


async def keys_of(remit: Remit, world: World, use: KeyUse = KeyUse.ACCESS) -> list[SigningKey]:
    async with remit.deps.db.read(world.tenant.id) as work:
        return [key for key in await work.keys.all() if key.use is use]


def opened(remit: Remit, world: World, key: SigningKey) -> PrivateKey:
    der = remit.deps.sealer.unseal(key.sealed, context=(world.tenant.id, key.kid))
    assert der is not None
    return PrivateKey.load(key.alg, der)


async def forge_from(remit: Remit, world: World, token: str) -> Forge:
    parts = take_apart(token)
    assert parts is not None
    header, claims = dict(parts.header), parts.claims()
    assert claims is not None
    (key,) = [key for key in await keys_of(remit, world) if key.kid == header["kid"]]
    assert key.state is KeyState.ACTIVE
    return Forge(
        token=token,
        header=header,
        claims=dict(claims),
        real=opened(remit, world, key),
        own=PrivateKey.generate("ES256"),
    )


def of_kind(forge: Forge, header: dict[str, Any], claims: dict[str, Any]) -> Forge:
    return replace(forge, header=header, claims=claims)


def _changed(members: dict[str, Any], changes: dict[str, Any] | None) -> dict[str, Any]:
    merged = {**members, **(changes or {})}
    return {name: value for name, value in merged.items() if value is not ...}
