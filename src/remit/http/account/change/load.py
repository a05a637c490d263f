"""Fill the page that narrows a grant."""

from __future__ import annotations

from remit.http._kit.views import Permission, Resource
from remit.http.account.change.page import ChangePage
from remit.http.account.my_agents.load import words
from remit.http.browser import frame
from remit.http.visits import Visit
from remit.services.directory import OwnGrant


def load(visit: Visit, own: OwnGrant, *, error: str = "") -> ChangePage:
    facts = own.facts
    sensitive = {scope.name for scope in facts.resource.scopes if scope.sensitive}
    base = f"{visit.issuer}/account/agents/{facts.grant.id}"
    return ChangePage(
        frame=frame(visit.browser, visit.deps),
        action=f"{base}/change",
        stop=f"{base}/stop",
        back=f"{visit.issuer}/account",
        agent=facts.agent.name,
        client=facts.client.name,
        owner=facts.owner.email if facts.owner else "",
        purpose=facts.grant.purpose,
        resource=Resource(name=facts.resource.name, uri=facts.resource.uri),
        permissions=tuple(
            Permission(
                name=row.name,
                sentence=row.sentence,
                risk=row.risk,
                ticked=True,
                held=True,
                sensitive=row.name in sensitive,
            )
            for row in words(facts.grant.scopes, facts.resource)
        ),
        granted_at=facts.grant.created_at,
        expires_at=facts.grant.expires_at,
        error=error,
    )
