"""Create users, and say what each may do himself."""

from __future__ import annotations

from dataclasses import replace

from remit.core.audit.events import RightsChanged, UserCreated, UserStateChanged, Who
from remit.core.names import Prefix, ResourceId, TenantId, UserId
from remit.core.oauth.verdicts import Refusal
from remit.core.registration import LEAST_PASSWORD, check_email, check_known, check_name, check_password, check_text
from remit.core.stops import Target, TargetKind
from remit.core.users import Role, User, UserState
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.stop_rows import put_row, stop_in

_FEWER = "the user's rights allow less"

NO_USER = Refusal("not_found", "no such user in this tenant")


async def create_user(
    tenant: TenantId,
    deps: Deps,
    who: Who,
    *,
    email: str,
    name: str,
    role: Role = Role.USER,
    password: str | None = None,
    least: int = LEAST_PASSWORD,
    hashed: str | None = None,
) -> User | Refusal:
    """Create a user. Without a password he exists, can own agents, and cannot sign in by one.

    `hashed` is the password's hash where it was made before, because this runs inside a work.
    """
    if (flaw := judge_person(email, name, password, least=least)) is not None:
        return flaw
    if hashed is None:
        user = await prepare_user(deps, email=email, name=name, role=role, password=password)
    else:
        user = replace(await prepare_user(deps, email=email, name=name, role=role, password=None), password_hash=hashed)
    async with deps.db.work(tenant) as work:
        now = deps.clock.now()
        if not await work.users.add(user, at=now):
            return Refusal("conflict", f"somebody in this tenant has the address {email} already")
        await work.events.append(UserCreated(who=who, subject=user.id, role=user.role), at=now)
    return user


def judge_person(email: str, name: str, password: str | None, *, least: int = LEAST_PASSWORD) -> Refusal | None:
    """Say what is wrong with a new user, before anything is hashed or written."""
    flaw = check_email(email) or check_name("user", name)
    if flaw is None and password is not None:
        flaw = check_password(password, least=least)
    return flaw


async def prepare_user(deps: Deps, *, email: str, name: str, role: Role, password: str | None) -> User:
    """Make the user with his password hashed, which takes too long for a work."""
    hashed = None if password is None else await deps.passwords.hash(password)
    return User(
        id=UserId(deps.fresh.id(Prefix.USER)),
        email=email,
        name=name,
        role=role,
        state=UserState.ACTIVE,
        password_hash=hashed,
    )


async def set_rights(
    tenant: TenantId, deps: Deps, who: Who, *, user: UserId, resource: ResourceId, scopes: frozenset[str]
) -> frozenset[str] | Refusal:
    """Say which scopes of one resource a user holds; they count once the tenant has turned rights on."""
    async with deps.db.work(tenant) as work:
        if await work.users.get(user) is None:
            return NO_USER
        found = await work.resources.get(resource)
        if found is None:
            return Refusal("not_found", "no such resource in this tenant")
        if found.uri == (await work.tenants.current()).api:
            return Refusal("conflict", "what a user may administer follows from his role: change the role")
        if (flaw := check_known(scopes, found)) is not None:
            return flaw
        before = (await work.users.rights(user, resource)).scopes
        await work.users.set_rights(user, resource, scopes)
        if before is not None and before - scopes:
            await put_row(work, Target(TargetKind.USER, user), deps, who, reason=_FEWER, over_at_once=True)
        event = RightsChanged(who=who, subject=user, target=found.uri, scopes=tuple(sorted(scopes)))
        await work.events.append(event, at=deps.clock.now())
    return scopes


async def turn_rights_on(tenant: TenantId, deps: Deps, who: Who) -> None:
    """From now on a user holds only what he was given; until then everybody holds everything."""
    async with deps.db.work(tenant) as work:
        await work.tenants.turn_rights_on()
        for user in sorted({grant.user for grant in await work.grants.list() if grant.user is not None}):
            await put_row(work, Target(TargetKind.USER, user), deps, who, reason=_FEWER, over_at_once=True)
        event = RightsChanged(who=who, subject=tenant, target="every resource", scopes=())
        await work.events.append(event, at=deps.clock.now())


async def set_user_state(
    tenant: TenantId, deps: Deps, who: Who, *, user: UserId, state: UserState, reason: str
) -> User | Refusal:
    """Make a user inactive, which ends what acts for him, or active again."""
    if not reason:
        return Refusal("invalid_request", "say why: the change carries a reason")
    if (flaw := check_text("reason", reason)) is not None:
        return flaw
    async with deps.db.work(tenant) as work:
        found = await work.users.get(user)
        if found is None:
            return NO_USER
        if state is UserState.INACTIVE and (flaw := await judge_last_administrator(work, found)) is not None:
            return flaw
        await work.users.set_state(user, state)
        if state is UserState.INACTIVE:
            # Guards read tokens without asking, and hear of an end by its epoch alone.
            await put_row(work, Target(TargetKind.USER, user), deps, who, reason=reason, over_at_once=True)
            await _end_sessions(work, user, deps, who, reason=reason)
        await work.events.append(
            UserStateChanged(who=who, subject=user, state=state, reason=reason), at=deps.clock.now()
        )
        return await work.users.get(user) or NO_USER


async def _end_sessions(work: Work, user: UserId, deps: Deps, who: Who, *, reason: str) -> None:
    """End the logins from which something was approved, so that clients hear of it that want to."""
    grants = await work.grants.list(user=user, active=False)
    for id_ in sorted({line.session for grant in grants for line in await work.lines.list(grant.id)}):
        session = await work.sessions.find(id_)
        if session is not None and session.live(deps.clock.now()):
            await stop_in(work, Target(TargetKind.SESSION, id_), deps, who, reason=reason)


async def judge_last_administrator(work: Work, leaving: User) -> Refusal | None:
    """Refuse to lose the only one who can administer the tenant."""
    if leaving.role is not Role.ADMIN or leaving.state is not UserState.ACTIVE:
        return None
    others = (
        user
        for user in await work.users.list()
        if user.id != leaving.id and user.role is Role.ADMIN and user.state is UserState.ACTIVE
    )
    if next(others, None) is None:
        return Refusal("conflict", "nobody else administers this tenant: make another administrator first")
    return None
