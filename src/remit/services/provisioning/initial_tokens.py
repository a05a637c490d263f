"""Initial access tokens: with one, a program that nobody set up may register so many clients (RFC 7591 §3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from remit.core.admission import LONGEST_TOKEN, MOST_USES, InitialToken
from remit.core.audit.events import InitialTokenAdded, InitialTokenEnded, Who
from remit.core.names import Secret, SecretKind, TenantId
from remit.core.oauth.verdicts import Refusal
from remit.core.registration import check_text
from remit.ports.deps import Deps

NO_TOKEN = Refusal("not_found", "no such registration token in this tenant")


async def add_initial_token(
    tenant: TenantId, deps: Deps, who: Who, *, note: str, uses: int, lives: timedelta
) -> tuple[InitialToken, Secret] | Refusal:
    """Make a token, told this once."""
    if (flaw := check_text("note", note)) is not None:
        return flaw
    if uses not in range(1, MOST_USES + 1):
        return Refusal("invalid_request", f"a token is good for 1 to {MOST_USES} registrations")
    if not timedelta(0) < lives <= LONGEST_TOKEN:
        return Refusal("invalid_request", f"a token lives at most {LONGEST_TOKEN.days} days")
    opaque, now = deps.fresh.opaque(SecretKind.INITIAL), deps.clock.now()
    token = InitialToken(
        id=opaque.id,
        digest=deps.digester.digest(opaque),
        note=note,
        uses=uses,
        created_at=now,
        expires_at=now + lives,
    )
    async with deps.db.work(tenant) as work:
        await work.registrations.add(token)
        until = token.expires_at.isoformat(timespec="seconds")
        event = InitialTokenAdded(who=who, token=token.id, note=note, uses=uses, expires_at=until)
        await work.events.append(event, at=now)
    return token, opaque.text()


async def end_initial_token(tenant: TenantId, deps: Deps, who: Who, *, token: str) -> InitialToken | Refusal:
    """End a token before its time. Clients that it let in stay."""
    async with deps.db.work(tenant) as work:
        found = await work.registrations.get(token)
        if found is None:
            return NO_TOKEN
        if not found.usable(deps.clock.now()):
            return Refusal("conflict", "this token is used up or over already")
        await work.registrations.end(token)
        await work.events.append(InitialTokenEnded(who=who, token=token, note=found.note), at=deps.clock.now())
    return replace(found, uses=0)
