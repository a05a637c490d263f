"""What several console pages show: rows of grants and events, the frame with its notice, the integrity badge."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from remit.core.credentials import Credential, CredentialKind
from remit.core.stops import Target, TargetKind
from remit.core.tenants import DEFAULT_SLUG
from remit.http._kit.views import (
    CredentialRow,
    EventRow,
    Frame,
    GrantRow,
    Integrity,
    Link,
    Resource,
    StopNote,
    StopTarget,
    console_menu,
)
from remit.http.account.consent.limits import held_lines
from remit.http.browser import frame
from remit.http.console.notices import notice_of
from remit.http.console.sentences import actor, summary
from remit.http.trail import with_query
from remit.http.visits import Visit
from remit.services.activity import Told
from remit.services.directory import GrantFacts, Standing, StopInForce
from remit.services.integrity import Seal
from remit.services.provisioning.credentials import OLD_KEYS


async def console_frame(visit: Visit, current: str) -> Frame:
    menu = console_menu(visit.issuer, current)
    whole = frame(visit.browser, visit.deps, menu=menu, notice=await notice_of(visit))
    base = f"{visit.issuer}/console"
    return replace(whole, search=f"{base}/search", stop=f"{base}/stops" if visit.may_write else "")


def agent_url(visit: Visit, agent: str) -> str:
    return f"{visit.issuer}/console/agents/{agent}"


def grant_row(visit: Visit, facts: GrantFacts, *, back: str = "") -> GrantRow:
    grant = facts.grant
    over = facts.standing in {Standing.REVOKED, Standing.EXPIRED}
    revoke = f"{visit.issuer}/console/grants/{grant.id}/revoke{back}" if visit.may_write and not over else ""
    return GrantRow(
        user=facts.user.email if facts.user else "",
        approver=facts.approver.email if facts.approver and grant.user is None else "",
        agent=facts.agent.name,
        agent_href=agent_url(visit, facts.agent.id),
        client=facts.client.name,
        resource=Resource(name=facts.resource.name, uri=facts.resource.uri),
        scopes=tuple(sorted(grant.scopes)),
        state=facts.standing,
        granted_at=grant.created_at,
        expires_at=grant.expires_at,
        held=held_lines(facts.held),
        revoke=revoke,
    )


async def agents_at_large(visit: Visit, rows: Sequence[Told]) -> frozenset[str]:
    """Return the agents in these events that nothing stops now."""
    agents = frozenset(told.who["agent"] for told in rows if "agent" in told.who)
    return agents - await stopped_among(visit, TargetKind.AGENT, agents)


async def stopped_among(visit: Visit, kind: TargetKind, ids: Collection[str]) -> frozenset[str]:
    """Return those of one kind that are stopped now."""
    now = visit.deps.clock.now()
    async with visit.deps.db.read(visit.tenant) as work:
        stops = await work.stops.on([Target(kind, id_) for id_ in sorted(ids)])
    return frozenset(stop.target.id for stop in stops if stop.in_force(now))


def event_row(visit: Visit, told: Told, *, at_large: frozenset[str] = frozenset()) -> EventRow:
    kind, name = actor(told)
    id_ = told.who.get("agent", "")
    agent = told.name(id_)
    return EventRow(
        href=f"{visit.issuer}/console/audit/{told.stored.id}",
        at=told.stored.at,
        type=told.stored.type,
        outcome=told.stored.outcome,
        summary=summary(told),
        who=name,
        who_kind=kind,
        # An agent acts through its client; about everybody else it would say that he acted as the agent.
        agent=agent if kind == "client" else "",
        stop=StopTarget(kind="agent", id=id_, name=agent) if id_ in at_large else None,
    )


def stop_note(stopped: StopInForce | None) -> StopNote | None:
    if stopped is None:
        return None
    stop = stopped.stop
    return StopNote(by=stopped.by, reason=stop.reason, since=stop.started_at, until=stop.ends_at)


def integrity(visit: Visit, seal: Seal) -> Integrity:
    return Integrity(
        ok=not seal.problem,
        entries=seal.entries,
        checked_at=seal.looked_at,
        problem=seal.problem,
        href=f"{visit.issuer}/console/audit",
    )


def audit_url(visit: Visit, **narrowed: str) -> str:
    return with_query(f"{visit.issuer}/console/audit", **narrowed)


def grants_url(visit: Visit, **narrowed: str) -> str:
    return with_query(f"{visit.issuer}/console/grants", **narrowed)


def access_tabs(visit: Visit, current: str) -> tuple[Link, ...]:
    """Return the two pages of Access."""
    tabs = (("Grants", "grants"), ("Resources and scopes", "resources"))
    return tuple(
        Link(label=text, href=f"{visit.issuer}/console/{path}", current=text == current) for text, path in tabs
    )


def credential_rows(visit: Visit, url: str, credentials: Sequence[Credential]) -> tuple[CredentialRow, ...]:
    """Show what the client or resource at `url` proves itself by. Only what is live and not the last key set ends."""
    return tuple(
        CredentialRow(
            id=item.id,
            kind=item.kind,
            live=item.live,
            created_at=item.created_at,
            expires_at=item.expires_at,
            last_used=item.last_used_at,
            revoke=f"{url}/credentials/{item.id}/revoke" if visit.may_write and _may_end(item) else "",
        )
        for item in credentials
    )


def _may_end(item: Credential) -> bool:
    return item.live and (item.kind is CredentialKind.SECRET or item.id == OLD_KEYS)


def days_in(text: str) -> int:
    """Read a number of days that somebody typed; 0 where it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0


def tenant_flag(visit: Visit) -> str:
    """Return what a command line needs to reach this tenant; the default one needs nothing."""
    slug = visit.browser.tenant.slug
    return "" if slug == DEFAULT_SLUG else f" --tenant {slug}"


def register_command(visit: Visit) -> str:
    return f'remit agents create scheduler --purpose "book meetings" --owner {visit.user.email}{tenant_flag(visit)}'
