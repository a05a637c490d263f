"""Token revocation (RFC 7009): a client gives back what it holds."""

from __future__ import annotations

from remit.core.clients import Party
from remit.core.names import SecretKind, TenantId
from remit.core.oauth.client_auth import Presented
from remit.core.oauth.verdicts import Refusal
from remit.core.stops import Target, TargetKind
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.client_auth import authenticate
from remit.services.grants.family import find_refresh
from remit.services.grants.refusing import end_leaked_line, refuse_stranger
from remit.services.origin import Origin
from remit.services.stop_rows import stop_in


async def revoke(tenant: TenantId, presented: Presented, token: str, deps: Deps, origin: Origin) -> Refusal | None:
    """Revoke a token of the calling client. Unknown, expired and foreign tokens answer alike (REV-2, REV-4).

    The hint is not needed: the two kinds of token cannot be confused (REV-3).
    """
    async with deps.db.work(tenant) as work:
        party = await authenticate(work, presented, deps)
        if isinstance(party, Refusal):
            return await refuse_stranger(work, party, presented, deps, origin, grant_type="revocation")
        if token.startswith(f"rmt_{SecretKind.REFRESH}_"):
            await _revoke_refresh(work, party, token, deps, origin)
        else:
            await _revoke_access(work, party, token, deps, origin)
        return None


async def _revoke_refresh(work: Work, party: Party, text: str, deps: Deps, origin: Origin) -> None:
    """End the whole line: its refresh family and its access tokens (REV-5)."""
    found = await find_refresh(work, text, deps)
    line = await work.lines.get(found[1].line) if found is not None else None
    if line is None:
        return
    if line.client != party.client.id:
        # The bearer showed that the token leaked. It is ended silently; he learns nothing.
        await end_leaked_line(work, line, origin.party(party), deps, reason="presented_by_another_client")
        return
    who = origin.party(party)
    await stop_in(work, Target(TargetKind.LINE, line.id), deps, who, reason="revoked by its client")


async def _revoke_access(work: Work, party: Party, text: str, deps: Deps, origin: Origin) -> None:
    tenant = await work.tenants.current()
    claims = deps.keyring.read_access(tenant, await work.keys.all(), text, now=deps.clock.now())
    if claims is None or claims["client_id"] != party.client.wire_id:
        return
    target = Target(TargetKind.TOKEN, str(claims["jti"]))
    await stop_in(work, target, deps, origin.party(party), reason="revoked by its client")
