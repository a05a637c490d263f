"""The device flow before its consent (RFC 8628 §3.1-3.3): a device asks, and a user types in the code that it shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from remit.core.audit.events import DeviceAsked
from remit.core.clients import GrantType, Party
from remit.core.names import SECRET_BYTES, Secret, SecretKind, TenantId, UserId
from remit.core.oauth import scopes as oauth_scopes
from remit.core.oauth.authorize import AuthorizeRequest, judge_acr, read_max_age
from remit.core.oauth.client_auth import Presented
from remit.core.oauth.device import (
    DEVICE_LIFETIME,
    INTERVAL,
    OFF,
    AskedByDevice,
    DeviceRequest,
    DeviceState,
    draw,
    judge_open,
    read_user_code,
)
from remit.core.oauth.dpop import Proven
from remit.core.oauth.form import Form
from remit.core.oauth.verdicts import Refusal, TooMany
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.arrivals import crowded
from remit.services.authorize import choose_asked, note_refused
from remit.services.client_auth import authenticate
from remit.services.grants.refusing import before_proof, refuse_stranger
from remit.services.origin import Origin
from remit.services.possession import use_up

STARTS = 120
PUBLIC_STARTS = 30
"""So many requests of one client a minute; of all public clients behind one address fewer."""

_DRAWS = 5
"""User codes to try before giving up: even with a million that wait, the first is free but once in 25,000."""

GUESSES: Final = (("user", 5, 1800), ("address", 20, 300), ("tenant", 200, 300))
"""Who may try how many codes at once, and in which seconds as many more.

Five of one user, then one each six minutes: in the five minutes that a code lives nobody tries more than five of 20^8,
a chance of less than 2^-32 to hit a given one. Right ones count against the user, too: none forgives a wrong one.
"""

MISREAD: Final = Refusal("invalid_request", "a code is eight letters, as in BCDF-GHJK: check what the device shows")
NOBODY_WAITS: Final = Refusal(
    "invalid_request", "no device waits with this code: check the letters; a code works once, for five minutes"
)
NO_CODE_FREE: Final = Refusal("temporarily_unavailable", "no code is free: wait a moment and ask again")


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What the device is told. Its user types the code in at the pages of the issuer."""

    issuer: str
    device_code: Secret
    user_code: str
    expires_in: int
    interval: int


async def start(
    tenant: TenantId, presented: Presented, form: Form, proven: Proven | None, deps: Deps, origin: Origin
) -> Started | Refusal | TooMany:
    """Check what a device asks for as the authorization endpoint would, and give it its pair of codes.

    A proof binds the device code to its key, as it does a pushed request (RFC 9449 §10.1).
    """
    wait = crowded("device", tenant, presented, deps, origin, proven=STARTS, public=PUBLIC_STARTS)
    if wait:
        return TooMany(wait)
    async with deps.db.work(tenant) as work:
        party = await authenticate(work, presented, deps)
        if isinstance(party, Refusal):
            return await refuse_stranger(work, party, presented, deps, origin, grant_type="device request")
        outcome = await _start(work, party, form, proven, deps, origin)
        if isinstance(outcome, Refusal):
            await note_refused(work, outcome, before_proof(party, origin), deps)
    return outcome


async def _start(
    work: Work, party: Party, form: Form, proven: Proven | None, deps: Deps, origin: Origin
) -> Started | Refusal:
    tenant = await work.tenants.current()
    if not tenant.device_flow:
        return OFF
    if GrantType.DEVICE_CODE not in party.client.grant_types:
        return Refusal("unauthorized_client", "this client is not registered for device_code")
    max_age = read_max_age(form.one("max_age"))
    if isinstance(max_age, Refusal):
        return max_age
    acr = judge_acr(form.one("acr_values"), ())
    if isinstance(acr, Refusal):
        return acr
    scope = form.one("scope")
    wanted = oauth_scopes.parse(scope) if scope is not None else None
    if isinstance(wanted, Refusal):
        return wanted
    chosen = await choose_asked(
        work,
        party,
        resources=form.many("resource"),
        scopes=wanted,
        details=form.one("authorization_details"),
        deps=deps,
    )
    if isinstance(chosen, Refusal):
        return chosen
    if proven is not None and (used := await use_up(work, proven, deps)) is not None:
        return used
    opaque, now = deps.fresh.opaque(SecretKind.DEVICE), deps.clock.now()
    for _ in range(_DRAWS):
        user_code = draw(deps.fresh.random(SECRET_BYTES))
        request = DeviceRequest(
            id=opaque.id,
            digest=deps.digester.digest(opaque),
            user_code=_tag(work.tenant, user_code, deps),
            client=party.client.id,
            client_version=party.client.version,
            resource=chosen.resource.id,
            scopes=chosen.scopes,
            details=chosen.details,
            max_age=max_age,
            acr=acr,
            peer=origin.peer,
            jkt=proven.jkt if proven is not None else None,
            state=DeviceState.PENDING,
            interval=INTERVAL,
            next_at=now,
            created_at=now,
            expires_at=now + DEVICE_LIFETIME,
        )
        if await work.devices.add(request):
            who = before_proof(party, origin)
            event = DeviceAsked(
                who=who,
                device=request.id,
                target=chosen.resource.uri,
                scopes=request.scopes,
                details=request.details,
                expires_at=request.expires_at.isoformat(timespec="seconds"),
            )
            await work.events.append(event, at=now)
            return Started(
                issuer=tenant.issuer,
                device_code=opaque.text(),
                user_code=user_code,
                expires_in=int(DEVICE_LIFETIME.total_seconds()),
                interval=INTERVAL,
            )
    return NO_CODE_FREE


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """What a right code leads to: the request as the consent engine takes it, and who asks."""

    request: AuthorizeRequest
    device: DeviceRequest
    party: Party


async def enter(tenant: TenantId, text: str, user: UserId, deps: Deps, origin: Origin) -> Entered | Refusal | TooMany:
    """Look for the device that shows a code. Each try counts, whatever becomes of it (RFC 8628 §5.1)."""
    code = read_user_code(text)
    if code is None:
        return MISREAD
    if wait := _held_back(tenant, user, deps, origin):
        return TooMany(wait)
    async with deps.db.read(tenant) as work:
        allowed = (await work.tenants.current()).device_flow
        found = judge_open(await work.devices.by_code(_tag(tenant, code, deps)), allowed=allowed, now=deps.clock.now())
        party = None if isinstance(found, Refusal) else await work.clients.party(found.client)
    if found is OFF:
        return OFF
    if isinstance(found, Refusal) or party is None:
        # Unknown, answered and too old look alike, so that a guess tells nothing.
        _count_miss(tenant, deps, origin)
        return NOBODY_WAITS
    return Entered(request=_asked(found, code), device=found, party=party)


def _asked(found: DeviceRequest, code: str) -> AuthorizeRequest:
    """Return the request as one without an address to answer at: the device fetches the answer itself."""
    return AuthorizeRequest(
        id=found.id,
        client=found.client,
        client_version=found.client_version,
        redirect_uri="",
        redirect_sent=False,
        resource=found.resource,
        scopes=found.scopes,
        state=None,
        nonce=None,
        challenge="",
        prompt=(),
        max_age=found.max_age,
        acr=found.acr,
        login_hint=None,
        hinted=None,
        posted=False,
        cross_site=True,
        at_ms=int(found.created_at.timestamp() * 1000),
        details=found.details,
        device=AskedByDevice(id=found.id, code=code, expires_ms=int(found.expires_at.timestamp() * 1000)),
    )


def _held_back(tenant: TenantId, user: UserId, deps: Deps, origin: Origin) -> int:
    """Count a try of this user, and return the seconds to wait for whoever tried too often."""
    now, keys = deps.clock.now(), _keys(tenant, origin)
    for what, limit, seconds in GUESSES[1:]:
        if wait := deps.throttle.wait(f"user-code-{what}", keys[what], limit=limit, per_seconds=seconds, now=now):
            return wait
    what, limit, seconds = GUESSES[0]
    return deps.throttle.allow(f"user-code-{what}", f"{tenant} {user}", limit=limit, per_seconds=seconds, now=now)


def _count_miss(tenant: TenantId, deps: Deps, origin: Origin) -> None:
    now, keys = deps.clock.now(), _keys(tenant, origin)
    for what, limit, seconds in GUESSES[1:]:
        deps.throttle.allow(f"user-code-{what}", keys[what], limit=limit, per_seconds=seconds, now=now)


def _keys(tenant: TenantId, origin: Origin) -> dict[str, str]:
    return {"address": f"{tenant} {origin.peer}", "tenant": tenant}


def _tag(tenant: TenantId, code: str, deps: Deps) -> str:
    """Return what is stored of a user code: whoever reads the database cannot type it in."""
    return deps.digester.tag("user code", tenant, code)
