"""Sign-in and login sessions of people, server-side: the cookie only names a row and proves it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from remit.core.audit.events import SignedIn, SignedOut, SignInRefused
from remit.core.authority import Dead
from remit.core.grants import GrantState
from remit.core.names import Opaque, Prefix, Secret, SecretKind, SessionId, TenantId, UserId, parse_opaque
from remit.core.oauth.verdicts import Refusal, TooMany
from remit.core.sessions import WITH_PASSWORD, LoginSession
from remit.core.stops import Target, TargetKind
from remit.core.tenants import TenantState
from remit.core.users import User, UserState
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.origin import Origin
from remit.services.stop_rows import stop_in

WRONG = Refusal("access_denied", "that email address and password do not belong together here")
"""One answer whether the address, the password or the account is the problem (B-KEY-08)."""

TRIES = 10
TRIES_SECONDS = 300

MOST_EARLIER = 50
"""Sign-ins in one browser, one after the other, that end together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedInUser:
    session: LoginSession
    user: User


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfWay:
    """Somebody whose password was right, and who has a second factor to show."""

    user: UserId
    at: datetime


async def sign_in(
    tenant: TenantId, email: str, password: str, deps: Deps, origin: Origin, *, earlier: SignedInUser | None = None
) -> tuple[SignedInUser, Secret] | HalfWay | Refusal | TooMany:
    """Check a password and open a new session, where that is enough. The session id is new every time (GEN-11).

    `earlier` is who was signed in to this browser until now.
    """
    now = deps.clock.now()
    if (wait := await may_try(tenant, email, deps, origin)) is not None:
        return wait
    async with deps.db.read(tenant) as work:
        user = await work.users.by_email(email)
    # The slow comparison happens outside any work, and takes as long when there is nobody to compare with.
    right = await deps.passwords.verify(user.password_hash if user else None, password)
    async with deps.db.work(tenant) as work:
        user = await work.users.by_email(email)
        verdict = None if user is None else await barred(work, user)
        if user is None or not right or verdict is not None:
            reason = "wrong address or password" if user is None or not right else verdict.hint if verdict else ""
            await work.events.tally(SignInRefused(who=origin.nobody(), reason=reason), reason=reason, at=now)
            return WRONG
        factor = await work.second_factors.find(user.id)
        if factor is not None and factor.active:
            return HalfWay(user=user.id, at=now)
        return await open_session(work, user, WITH_PASSWORD, deps, origin, method="password", earlier=earlier)


async def may_try(tenant: TenantId, email: str, deps: Deps, origin: Origin) -> TooMany | None:
    """Count a try of a password, of one person and from one address (GEN-13)."""
    now = deps.clock.now()
    name = email.strip().casefold()
    for what, who in (("sign-in", f"{tenant}:{name}"), ("sign-in-peer", f"{tenant}:{origin.peer}")):
        limit = TRIES if what == "sign-in" else TRIES * 10
        wait = deps.throttle.allow(what, who, limit=limit, per_seconds=TRIES_SECONDS, now=now)
        if wait:
            async with deps.db.work(tenant) as work:
                event = SignInRefused(who=origin.nobody(), reason="too many tries")
                await work.events.tally(event, reason=event.reason, at=now)
            return TooMany(wait)
    return None


async def open_session(
    work: Work,
    user: User,
    amr: tuple[str, ...],
    deps: Deps,
    origin: Origin,
    *,
    method: str,
    earlier: SignedInUser | None,
) -> tuple[SignedInUser, Secret]:
    """Open the session of somebody who has proven who he is. `amr`: by what."""
    now, opaque = deps.clock.now(), deps.fresh.opaque(SecretKind.LOGIN)
    session = LoginSession(
        id=SessionId(f"{Prefix.SESSION}_{opaque.id}"),
        digest=deps.digester.digest(opaque),
        user=user.id,
        auth_time=now,
        amr=amr,
        last_seen=now,
        ended_at=None,
        follows=earlier.session.id if earlier is not None and earlier.user.id == user.id else None,
    )
    await work.sessions.add(session)
    await work.events.append(SignedIn(who=origin.user(user.id, session=session.id), method=method), at=now)
    return SignedInUser(session=session, user=user), opaque.text()


async def who_is(work: Work, cookie: str | None, deps: Deps) -> SignedInUser | None:
    """Return who a session cookie belongs to in this tenant, if the session and the user are live now."""
    opaque = parse_opaque(cookie, SecretKind.LOGIN) if cookie else None
    if opaque is None:
        return None
    session = await work.sessions.find(_session_id(opaque))
    now = deps.clock.now()
    if session is None or not deps.digester.matches(opaque, session.digest) or not session.live(now):
        return None
    user = await work.users.get(session.user)
    if user is None or await barred(work, user) is not None:
        return None
    return SignedInUser(session=session, user=user)


async def sign_out(tenant: TenantId, cookie: str | None, deps: Deps, origin: Origin) -> bool:
    """End the session, and those that it followed in its browser; True when some agent works on.

    Lines approved as "not while I am away" end with them (LOGO-7), and clients that want to be told are told.
    """
    async with deps.db.work(tenant) as work:
        found = await who_is(work, cookie, deps)
        if found is None:
            return False
        who = origin.user(found.user.id, session=found.session.id)
        for session in await _and_earlier(work, found.session):
            await stop_in(work, Target(TargetKind.SESSION, session), deps, who, reason="signed out")
        now = deps.clock.now()
        await work.events.append(SignedOut(who=who), at=now)
        for grant in await work.grants.list(user=found.user.id):
            for line in await work.lines.list(grant.id):
                if line.while_away and line.state is GrantState.ACTIVE and now < line.expires_at:
                    return True
        return False


async def _and_earlier(work: Work, session: LoginSession) -> tuple[SessionId, ...]:
    """Return a session and those before it in the same browser, whose approvals nobody would end else."""
    found = [session.id]
    before = session.follows
    while before is not None and len(found) < MOST_EARLIER:
        found.append(before)
        row = await work.sessions.find(before)
        before = None if row is None else row.follows
    return tuple(found)


async def keep_alive(tenant: TenantId, found: SignedInUser, deps: Deps) -> None:
    """Note that the session is in use, at most once a minute."""
    now = deps.clock.now()
    if (now - found.session.last_seen).total_seconds() >= 60:
        async with deps.db.work(tenant) as work:
            await work.sessions.touch(found.session.id, at=now)


async def barred(work: Work, user: User) -> Dead | None:
    """Say what keeps a user from being signed in at all: his own state or his tenant's.

    A stop does not: it ends what acts for him, and he must be able to sign in and see it.
    """
    if user.state is not UserState.ACTIVE:
        return Dead("user", "is inactive")
    if (await work.tenants.current()).state is not TenantState.ACTIVE:
        return Dead("tenant", "is suspended")
    return None


def _session_id(opaque: Opaque) -> SessionId:
    return SessionId(f"{Prefix.SESSION}_{opaque.id}")
