"""The second factor of a user: set up, asked for at sign-in, taken away (RFC 6238).

INVARIANT: whatever asks for a code asks here: there is one rule, one count of tries, and a code works once (B-KEY-07).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from remit.core.audit.events import (
    RecoveryCodesRenewed,
    SecondFactorAdded,
    SecondFactorRemoved,
    SignInRefused,
    Who,
)
from remit.core.errors import RemitError
from remit.core.names import Secret, TenantId, UserId
from remit.core.oauth.verdicts import Refusal, TooMany
from remit.core.registration import check_text
from remit.core.sessions import WITH_CODE
from remit.core.totp import (
    RECOVERY_BYTES,
    RECOVERY_CODES,
    SECRET_BYTES,
    SecondFactor,
    matching_step,
    read_code,
    read_recovery_code,
    recovery_code,
)
from remit.core.users import User
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.origin import Origin
from remit.services.provisioning.users import NO_USER
from remit.services.sessions import HalfWay, SignedInUser, barred, may_try, open_session

TRIES = 5
TRIES_SECONDS = 300

HALF_WAY = timedelta(minutes=5)
"""How long the password may have been right before the code."""

WRONG_CODE = Refusal("access_denied", "that code is not right, or it was used: wait for the next one")
WRONG_PASSWORD = Refusal("access_denied", "that is not your password")
TOO_LATE = Refusal("invalid_request", "this took too long: begin again")
NONE = Refusal("conflict", "no second factor is set up")
THERE = Refusal("conflict", "a second factor is set up already: remove it first")


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolling:
    """What the page of a user's second factor shows."""

    factor: SecondFactor | None
    secret: bytes | None = field(repr=False)
    """Only while it waits for its first code: afterwards it is never shown again."""
    codes_left: int


async def look(tenant: TenantId, user: UserId, deps: Deps) -> Enrolling:
    """Return what a user has, and what he has begun to set up."""
    async with deps.db.read(tenant) as work:
        factor = await work.second_factors.find(user)
        left = await work.second_factors.recovery_left(user)
    if factor is None or not (factor.active or factor.pending(deps.clock.now())):
        return Enrolling(factor=None, secret=None, codes_left=0)
    secret = None if factor.active else _open(tenant, factor, deps)
    return Enrolling(factor=factor, secret=secret, codes_left=left)


async def begin(tenant: TenantId, user: User, password: str, deps: Deps, origin: Origin) -> Refusal | TooMany | None:
    """Draw a secret for a user who shows his password once more: an open browser alone sets nothing up."""
    if (wait := await may_try(tenant, user.email, deps, origin)) is not None:
        return wait
    if not await deps.passwords.verify(user.password_hash, password):
        async with deps.db.work(tenant) as work:
            event = SignInRefused(who=origin.user(user.id), reason="wrong password before a second factor")
            await work.events.tally(event, reason=event.reason, at=deps.clock.now())
        return WRONG_PASSWORD
    sealed = deps.sealer.seal(deps.fresh.random(SECRET_BYTES), context=_context(tenant, user.id))
    factor = SecondFactor(user=user.id, sealed=sealed, last_step=0, created_at=deps.clock.now(), confirmed_at=None)
    async with deps.db.work(tenant) as work:
        return None if await work.second_factors.begin(factor) else THERE


async def confirm(
    tenant: TenantId, user: UserId, code: str, deps: Deps, who: Who
) -> tuple[Secret, ...] | Refusal | TooMany:
    """Take the first code of a new secret: from now on it is asked for. Return the recovery codes, told this once."""
    now = deps.clock.now()
    if (wait := _count(tenant, user, deps)) is not None:
        return wait
    async with deps.db.work(tenant) as work:
        factor = await work.second_factors.find(user)
        if factor is None or not factor.pending(now):
            return TOO_LATE
        typed = read_code(code)
        step = None if typed is None else matching_step(_open(tenant, factor, deps), typed, now)
        if step is None:
            return await _refuse(work, who, deps)
        if not await work.second_factors.confirm(factor, step=step, at=now):
            return TOO_LATE
        await work.events.append(SecondFactorAdded(who=who, subject=user), at=now)
        return await _new_recovery_codes(work, user, deps)


async def renew(
    tenant: TenantId, user: UserId, code: str, deps: Deps, who: Who
) -> tuple[Secret, ...] | Refusal | TooMany:
    """Replace the recovery codes, for somebody who shows a code. Return the new ones, told this once."""
    if (wait := _count(tenant, user, deps)) is not None:
        return wait
    async with deps.db.work(tenant) as work:
        if not await _spend(work, user, code, deps):
            return await _refuse(work, who, deps)
        await work.events.append(RecoveryCodesRenewed(who=who, subject=user), at=deps.clock.now())
        return await _new_recovery_codes(work, user, deps)


async def remove(tenant: TenantId, user: UserId, code: str, deps: Deps, who: Who) -> Refusal | TooMany | None:
    """Take the second factor away, for somebody who shows a code."""
    if (wait := _count(tenant, user, deps)) is not None:
        return wait
    async with deps.db.work(tenant) as work:
        if not await _spend(work, user, code, deps):
            return await _refuse(work, who, deps)
        await work.second_factors.drop(user)
        event = SecondFactorRemoved(who=who, subject=user, reason="removed by himself")
        await work.events.append(event, at=deps.clock.now())
    return None


async def reset(tenant: TenantId, user: UserId, deps: Deps, who: Who, *, reason: str) -> User | Refusal:
    """Take the second factor of somebody away who lost it. An administrator vouches for who that is."""
    if (flaw := check_text("reason", reason)) is not None:
        return flaw
    async with deps.db.work(tenant) as work:
        found = await work.users.get(user)
        if found is None:
            return NO_USER
        if not await work.second_factors.drop(user):
            return NONE
        await work.events.append(SecondFactorRemoved(who=who, subject=user, reason=reason), at=deps.clock.now())
        return found


async def finish_sign_in(
    tenant: TenantId, half: HalfWay, code: str, deps: Deps, origin: Origin, *, earlier: SignedInUser | None = None
) -> tuple[SignedInUser, Secret] | Refusal | TooMany:
    """Take the second factor of somebody whose password was right, and open his session."""
    now = deps.clock.now()
    if not half.at <= now < half.at + HALF_WAY:
        return TOO_LATE
    wait = _count(tenant, half.user, deps)
    async with deps.db.work(tenant) as work:
        user = await work.users.get(half.user)
        if user is None or await barred(work, user) is not None:
            return TOO_LATE
        if wait is not None:
            event = SignInRefused(who=origin.user(user.id), reason="too many codes")
            await work.events.tally(event, reason=event.reason, at=now)
            return wait
        if not await _spend(work, user.id, code, deps):
            return await _refuse(work, origin.user(user.id), deps)
        return await open_session(work, user, WITH_CODE, deps, origin, method="password and code", earlier=earlier)


async def _spend(work: Work, user: UserId, code: str, deps: Deps) -> bool:
    """Use a code up: of the app, by its step, or one for recovery. Each is spent by a single statement."""
    factor, now = await work.second_factors.find(user), deps.clock.now()
    if factor is None or not factor.active:
        return False
    if (typed := read_code(code)) is not None:
        step = matching_step(_open(work.tenant, factor, deps), typed, now)
        return step is not None and await work.second_factors.spend_step(user, step)
    recovering = read_recovery_code(code)
    return recovering is not None and await work.second_factors.spend_recovery(
        user, _tag(work.tenant, user, recovering, deps), at=now
    )


def _count(tenant: TenantId, user: UserId, deps: Deps) -> TooMany | None:
    now = deps.clock.now()
    wait = deps.throttle.allow("second factor", f"{tenant}:{user}", limit=TRIES, per_seconds=TRIES_SECONDS, now=now)
    return TooMany(wait) if wait else None


async def _refuse(work: Work, who: Who, deps: Deps) -> Refusal:
    event = SignInRefused(who=who, reason="wrong code")
    await work.events.tally(event, reason=event.reason, at=deps.clock.now())
    return WRONG_CODE


async def _new_recovery_codes(work: Work, user: UserId, deps: Deps) -> tuple[Secret, ...]:
    codes = tuple(recovery_code(deps.fresh.random(RECOVERY_BYTES)) for _ in range(RECOVERY_CODES))
    tags = [_tag(work.tenant, user, read_recovery_code(code) or "", deps) for code in codes]
    await work.second_factors.set_recovery(user, tags)
    return tuple(Secret(code) for code in codes)


def _tag(tenant: TenantId, user: UserId, code: str, deps: Deps) -> str:
    return deps.digester.tag("recovery code", tenant, user, code)


def _open(tenant: TenantId, factor: SecondFactor, deps: Deps) -> bytes:
    """Unseal a secret.

    Raises:
        RemitError: it was sealed under another master key, or for somebody else.
    """
    secret = deps.sealer.unseal(factor.sealed, context=_context(tenant, factor.user))
    if secret is None:
        raise RemitError("the secret of a second factor does not open: another master key, or damage")
    return secret


def _context(tenant: TenantId, user: UserId) -> tuple[str, str, str]:
    return tenant, user, "second factor"
