"""Signing keys through their states: next, active, retiring, gone; and the emergency exit."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from remit.core.audit.events import SYSTEM, KeyStateChanged, Who
from remit.core.authority import MAX_TOKEN_SECONDS
from remit.core.keys import USES, KeyState, KeyUse, SigningKey
from remit.core.names import Kid, TenantId
from remit.core.oauth.verdicts import Refusal
from remit.core.stops import Stop, Target, TargetKind
from remit.core.tenants import Tenant
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.stop_rows import stop_in

PUBLISHED_AHEAD = timedelta(seconds=300)
"""How long a checker may keep the key set (its max-age): a key signs only when every checker can know it."""

RETIRING_FOR = timedelta(seconds=MAX_TOKEN_SECONDS + 60)
"""The longest life of a token, and a minute for clocks."""

ROTATE_AFTER = timedelta(days=90)

_Pair = tuple[KeyUse, str]

Spares = Mapping[_Pair, SigningKey]
"""Keys that were made before the work that needs them."""


async def rotate_keys(
    tenant: TenantId,
    deps: Deps,
    who: Who,
    *,
    use: KeyUse | None = None,
    at_once: bool = False,
    spares: Spares | None = None,
) -> tuple[SigningKey, ...] | Refusal:
    """Move every key of a use, or of all, one state on. Returns those that sign from now on.

    Refuses while a next key may be unknown to somebody; with `at_once` tokens of the new key can fail there.
    `spares` were made before, where this runs inside a work.
    """
    pairs = _pairs(use)
    fresh = await make_spares(tenant, deps, use=use) if spares is None else spares
    async with deps.db.work(tenant) as work:
        keys = await work.keys.all()
        early = [f"{use} {alg}" for use, alg in pairs if not at_once and not _known(keys, (use, alg), deps)]
        if early:
            return Refusal(
                "conflict", f"the next key of {', '.join(early)} was published less than 5 minutes ago: wait"
            )
        return tuple([await _step(work, keys, pair, fresh[pair], deps, who) for pair in pairs])


async def keep_keys(tenant: TenantId, deps: Deps) -> None:
    """Let go of keys whose last token is past, and rotate those that signed for long enough."""
    now = deps.clock.now()
    async with deps.db.read(tenant) as work:
        keys = await work.keys.all()
    pairs = [
        (key.use, key.alg) for key in keys if key.state is KeyState.ACTIVE and key.changed_at <= now - ROTATE_AFTER
    ]
    fresh = await _make(tenant, pairs, deps)
    async with deps.db.work(tenant) as work:
        # Another process may have done it since we looked.
        keys = await work.keys.all()
        for key in keys:
            if key.state is KeyState.RETIRING and key.changed_at <= now - RETIRING_FOR:
                await _change(work, key, KeyState.GONE, deps, SYSTEM)
            if key.state is KeyState.ACTIVE and key.changed_at <= now - ROTATE_AFTER:
                pair = (key.use, key.alg)
                if pair in fresh and _known(keys, pair, deps):
                    await _step(work, keys, pair, fresh[pair], deps, SYSTEM)


async def revoke_key(
    tenant: TenantId, kid: Kid, deps: Deps, who: Who, *, reason: str, spares: Spares | None = None
) -> Stop | Refusal:
    """Refuse from now on whatever a key signed, and take it out of the key set; its successor signs at once."""
    fresh = await spares_for(tenant, kid, deps) if spares is None else spares
    async with deps.db.work(tenant) as work:
        keys = await work.keys.all()
        key = _find(keys, kid)
        if key is None:
            return Refusal("not_found", "no such key")
        pair = (key.use, key.alg)
        stop = await stop_in(work, Target(TargetKind.KID, kid), deps, who, reason=reason)
        if isinstance(stop, Refusal):
            return stop
        if key.state is KeyState.ACTIVE:
            await _step(work, keys, pair, fresh[pair], deps, who)
        elif key.state is KeyState.NEXT:
            await _add(work, fresh[pair], deps, who)
        if key.state is not KeyState.GONE:
            await _change(work, key, KeyState.GONE, deps, who)
        return stop


async def make_spares(tenant: TenantId, deps: Deps, *, use: KeyUse | None = None) -> Spares:
    """Make the keys that a rotation will need."""
    return await _make(tenant, _pairs(use), deps)


async def spares_for(tenant: TenantId, kid: Kid, deps: Deps) -> Spares:
    """Make what takes the place of one key; nothing where there is no such key."""
    async with deps.db.read(tenant) as work:
        key = _find(await work.keys.all(), kid)
    return {} if key is None else await _make(tenant, [(key.use, key.alg)], deps)


def _pairs(use: KeyUse | None) -> list[_Pair]:
    return [pair for pair in USES if use is None or pair[0] is use]


async def _make(tenant: TenantId, pairs: Sequence[_Pair], deps: Deps) -> dict[_Pair, SigningKey]:
    """Make keys before the work and away from the event loop: an RSA key takes a moment to find."""
    async with deps.db.read(tenant) as work:
        current = await work.tenants.current()

    def make(tenant: Tenant) -> dict[_Pair, SigningKey]:
        return {(use, alg): deps.keyring.create(tenant, use, alg, now=deps.clock.now()) for use, alg in pairs}

    return await asyncio.to_thread(make, current) if pairs else {}


def _known(keys: Sequence[SigningKey], pair: _Pair, deps: Deps) -> bool:
    """Say whether every checker can have read the next key."""
    ours = [key for key in keys if (key.use, key.alg) == pair]
    if pair[0] is KeyUse.AUDIT or all(key.state in (KeyState.NEXT, KeyState.ACTIVE) for key in ours):
        # Audit keys are in no key set; and the first next key is as old as the tenant's first key set.
        return True
    latest = deps.clock.now() - PUBLISHED_AHEAD
    return all(key.created_at <= latest for key in ours if key.state is KeyState.NEXT)


async def _step(
    work: Work, keys: Sequence[SigningKey], pair: _Pair, fresh: SigningKey, deps: Deps, who: Who
) -> SigningKey:
    """Move the keys of one use and algorithm on; return the one that signs now."""
    ours = [key for key in keys if (key.use, key.alg) == pair]
    for key in ours:
        if key.state is KeyState.ACTIVE:
            await _change(work, key, KeyState.RETIRING, deps, who)
    waiting = next((key for key in ours if key.state is KeyState.NEXT), None)
    if waiting is None:
        # Nobody fetches audit keys ahead of time, so a new one may sign at once.
        await _add(work, replace(fresh, state=KeyState.ACTIVE), deps, who)
        return replace(fresh, state=KeyState.ACTIVE)
    await _change(work, waiting, KeyState.ACTIVE, deps, who)
    await _add(work, fresh, deps, who)
    return replace(waiting, state=KeyState.ACTIVE)


async def _change(work: Work, key: SigningKey, state: KeyState, deps: Deps, who: Who) -> None:
    await work.keys.change(key.kid, state, at=deps.clock.now())
    await _tell(work, key, state, deps, who)


async def _add(work: Work, key: SigningKey, deps: Deps, who: Who) -> None:
    await work.keys.add(key)
    await _tell(work, key, key.state, deps, who)


async def _tell(work: Work, key: SigningKey, state: KeyState, deps: Deps, who: Who) -> None:
    event = KeyStateChanged(who=who, kid=key.kid, alg=key.alg, use=key.use, state=state)
    await work.events.append(event, at=deps.clock.now())


def _find(keys: Sequence[SigningKey], kid: Kid) -> SigningKey | None:
    return next((key for key in keys if key.kid == kid), None)
