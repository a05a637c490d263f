"""Tell a tenant that a token of its own was shown to another one: both keep a trace of it."""

from __future__ import annotations

from remit.core.audit.events import TokenRefused, Who
from remit.core.names import Secret, TenantId
from remit.core.tenants import DEFAULT_SLUG, issuer_of
from remit.ports.deps import Deps
from remit.services.origin import Origin

REASON = "shown at the token endpoint of another issuer"


async def tell_its_tenant(
    shown_at: TenantId, token: Secret | None, deps: Deps, origin: Origin, *, asked_at: str
) -> None:
    """Write the refusal into the log of the tenant whose key signed the token, if it is one of this instance.

    What the token says of its issuer only finds the keys; they decide. The tenant learns the request and nothing else
    about who asked: that is the other tenant's.
    """
    text = token.reveal() if token is not None else ""
    issuer = deps.keyring.issuer_of(text)
    if issuer is None:
        return
    _, _, slug = issuer.partition(f"{deps.base_url}/t/")
    async with deps.db.system() as system:
        tenant = await system.tenant_by_slug(slug or DEFAULT_SLUG)
    if tenant is None or tenant.id == shown_at or issuer != issuer_of(deps.base_url, tenant.slug):
        return
    async with deps.db.work(tenant.id) as work:
        now = deps.clock.now()
        claims = deps.keyring.read_access(tenant, await work.keys.all(), text, now=now)
        if claims is None:
            return
        jti = str(claims["jti"])
        who = Who(
            actor_kind="unknown",
            actor="unknown",
            agent=str(claims["agent_id"]),
            client=str(claims["client_id"]),
            grant=str(claims["grant_id"]),
            jti=jti,
            request=origin.request,
        )
        event = TokenRefused(who=who, grant_type=asked_at, code="invalid_request", reason=REASON)
        await work.events.tally(event, reason=f"{asked_at} {jti}: {REASON}", at=now)
