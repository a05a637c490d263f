"""The first administrator of a new instance: a link that works once, for half an hour, while there is nobody.

The link is an opaque secret whose id carries its time and whose secret is a keyed tag over tenant and id, so nothing
has to be stored until it is used. There is never a default password.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from remit.core.audit.events import SetupFinished, SignInRefused, UserCreated
from remit.core.errors import RemitError
from remit.core.names import Opaque, Secret, SecretKind, parse_opaque, time_of
from remit.core.oauth.verdicts import Refusal
from remit.core.tenants import DEFAULT_SLUG, Tenant
from remit.core.users import Role, User
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.origin import Origin
from remit.services.provisioning.users import judge_person, prepare_user

LIFETIME = timedelta(minutes=30)
PATH = "/setup"

SPENT = Refusal("not_found", "this setup link is not good, or no longer: start the server again to get a new one")
"""One answer to a link that is wrong, too old or used: whoever guesses learns nothing."""

DONE = Refusal("not_found", "this instance has its first user already: sign in")

_FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


async def create_setup_link(deps: Deps, base_url: str) -> str:
    """Return a new link. The caller shows it to whoever runs the machine, and to nobody else.

    Raises:
        RemitError: there is no default tenant yet.
    """
    tenant = await _default_tenant(deps)
    if tenant is None:
        raise RemitError("the default tenant comes before its setup link")
    text = _link(tenant, deps.fresh.ordinal(), deps).text().reveal()
    return f"{base_url}{PATH}?token={text}"


async def check_setup_link(deps: Deps, token: str) -> Refusal | None:
    """Say whether the form behind a link should be shown. Uses nothing up."""
    tenant = await _default_tenant(deps)
    if tenant is None or _good_until(tenant, token, deps) is None:
        return SPENT
    async with deps.db.read(tenant.id) as work:
        return DONE if await work.users.list() else None


async def redeem_setup_link(
    deps: Deps, origin: Origin, *, token: str, name: str, email: str, password: str
) -> User | Refusal:
    """Create the first administrator. A mistake in the form does not use the link up; of two at once one wins."""
    tenant = await _default_tenant(deps)
    until = None if tenant is None else _good_until(tenant, token, deps)
    if tenant is None:
        return SPENT
    if until is None:
        async with deps.db.work(tenant.id) as work:
            return await _refuse(work, SPENT, deps, origin)
    if (flaw := judge_person(email, name, password)) is not None:
        return flaw
    user = await prepare_user(deps, email=email, name=name, role=Role.ADMIN, password=password)
    async with deps.db.work(tenant.id) as work:
        now = deps.clock.now()
        if now >= until:
            return await _refuse(work, SPENT, deps, origin)
        if await work.users.list():
            return await _refuse(work, DONE, deps, origin)
        if not await work.once.claim("setup", token.partition(".")[0], until=until, at=now):
            return await _refuse(work, SPENT, deps, origin)
        # Two good links may race as well: there is one first administrator, whichever link made him.
        if not await work.once.claim("setup", "first administrator", until=_FOREVER, at=now):
            return await _refuse(work, DONE, deps, origin)
        if not await work.users.add(user, at=now):
            raise RemitError("a user appeared in a tenant without users")
        who = replace(origin.user(user.id), user=user.id)
        await work.events.append(UserCreated(who=who, subject=user.id, role=user.role), at=now)
        await work.events.append(SetupFinished(who=who, administrator=user.id), at=now)
    return user


async def _refuse(work: Work, refusal: Refusal, deps: Deps, origin: Origin) -> Refusal:
    reason = "setup link: " + refusal.hint
    await work.events.tally(SignInRefused(who=origin.nobody(), reason=reason), reason=reason, at=deps.clock.now())
    return refusal


async def _default_tenant(deps: Deps) -> Tenant | None:
    async with deps.db.system() as system:
        return await system.tenant_by_slug(DEFAULT_SLUG)


def _link(tenant: Tenant, ordinal: str, deps: Deps) -> Opaque:
    return Opaque(kind=SecretKind.SETUP, id=ordinal, secret=Secret(deps.digester.tag("setup", tenant.id, ordinal)))


def _good_until(tenant: Tenant, token: str, deps: Deps) -> datetime | None:
    """Return when a link ends; None when it is none of ours, or has ended."""
    opaque = parse_opaque(token, SecretKind.SETUP)
    if opaque is None:
        return None
    expected = _link(tenant, opaque.id, deps).secret.reveal()
    if not hmac.compare_digest(expected.encode(), opaque.secret.reveal().encode()):
        return None
    until = datetime.fromtimestamp(time_of(opaque.id) / 1000, UTC) + LIFETIME
    return until if deps.clock.now() < until else None
