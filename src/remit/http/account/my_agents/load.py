"""Fill My agents."""

from __future__ import annotations

from remit.core.oauth.scopes import IDENTITY_SCOPES
from remit.core.resources import Resource as Api
from remit.http._kit.views import Notice, Resource, StopNote, Words
from remit.http.account.consent.limits import held_lines
from remit.http.account.consent.page import IDENTITY_SENTENCES
from remit.http.account.my_agents.page import AgentCard, MyAgentsPage
from remit.http.browser import frame
from remit.http.visits import Visit
from remit.services.directory import OwnGrant, Standing, allowed_before, list_own_grants


async def load(visit: Visit) -> MyAgentsPage:
    owned = await list_own_grants(visit.tenant, visit.user.id, visit.deps)
    before = not owned and await allowed_before(visit.tenant, visit.user.id, visit.deps)
    return MyAgentsPage(
        frame=frame(visit.browser, visit.deps, notice=_notice(visit, owned)),
        cards=tuple(_card(visit, own) for own in owned),
        stop_all=f"{visit.issuer}/account/stop-everything",
        before=before,
        stop_all_effect="What they hold is refused within a second. Each has to ask you again.",
    )


def words(names: frozenset[str], resource: Api) -> tuple[Words, ...]:
    """Put scopes into plain words: the resource's own, and ours for the scopes that belong to no resource."""
    own = tuple(
        Words(name=scope.name, sentence=scope.sentence, risk=scope.risk)
        for scope in resource.scopes
        if scope.name in names
    )
    identity = tuple(
        Words(name=name, sentence=IDENTITY_SENTENCES.get(name, name), risk="identity")
        for name in sorted(names & IDENTITY_SCOPES)
    )
    return identity + own


def _card(visit: Visit, own: OwnGrant) -> AgentCard:
    facts = own.facts
    base = f"{visit.issuer}/account/agents/{facts.grant.id}"
    stopped = facts.stopped
    return AgentCard(
        agent=facts.agent.name,
        client=facts.client.name,
        owner=facts.owner.email if facts.owner else "",
        purpose=facts.grant.purpose,
        resource=Resource(name=facts.resource.name, uri=facts.resource.uri),
        can=words(own.can, facts.resource),
        state=facts.standing,
        granted_at=facts.grant.created_at,
        last_used=facts.last_used,
        expires_at=facts.grant.expires_at,
        held=held_lines(facts.held),
        effect="Ends it within a second; to go on it has to ask you again.",
        stopped=StopNote(
            by=stopped.by, reason=stopped.stop.reason, since=stopped.stop.started_at, until=stopped.stop.ends_at
        )
        if stopped
        else None,
        stop=f"{base}/stop",
        change=f"{base}/change" if facts.standing is Standing.ACTIVE else "",
    )


def _notice(visit: Visit, owned: tuple[OwnGrant, ...]) -> Notice | None:
    """Say what the last form did. Anybody can make a link to a notice, so each is shown only where it is true."""
    said, about = visit.query.one("said"), visit.query.one("about")
    held = next((own.facts for own in owned if own.facts.grant.id == about), None)
    match said:
        case "stopped" if held is None:
            return Notice(text="Stopped. That agent has to ask you again before it can do anything for you there.")
        case "all-stopped" if not owned:
            return Notice(text="Everything is stopped. Nothing works for you any more.")
        case "changed" if held is not None:
            return Notice(text=f"Changed. {held.agent.name} may do what you see below, and no more.")
        case _:
            return None
