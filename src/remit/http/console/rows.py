"""What several console pages show: rows of grants and events, the frame with its notice, the integrity badge."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from remit.core.audit.events import GrantsRevoked, GrantsTrimmed
from remit.core.credentials import Credential, CredentialKind
from remit.core.grants import GrantState
from remit.core.keys import KeyState
from remit.core.names import AgentId, ClientId, EventId, GrantId, ResourceId, StopId
from remit.core.stops import Target, TargetKind
from remit.core.tenants import DEFAULT_SLUG
from remit.http._kit.views import (
    CredentialRow,
    EventRow,
    Frame,
    GrantRow,
    Integrity,
    Link,
    Notice,
    Resource,
    StopNote,
    console_menu,
)
from remit.http.browser import frame
from remit.http.console.sentences import actor, summary
from remit.http.trail import with_query
from remit.http.visits import Visit
from remit.ports.log import StoredEvent
from remit.services.activity import Told
from remit.services.directory import GrantFacts, Standing, StopInForce
from remit.services.integrity import Seal
from remit.services.provisioning.credentials import OLD_KEYS


async def console_frame(visit: Visit, current: str) -> Frame:
    menu = console_menu(visit.issuer, current)
    return frame(visit.browser, visit.deps, menu=menu, notice=await _notice(visit))


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
        revoke=revoke,
    )


def event_row(visit: Visit, told: Told) -> EventRow:
    kind, name = actor(told)
    agent = told.name(told.who.get("agent"))
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


def page_number(visit: Visit) -> int:
    text = visit.query.one("page") or "1"
    return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < 7 else 1


def page_url(base: str, number: int, **narrowed: str) -> str:
    return with_query(base, **narrowed, page="" if number == 1 else str(number))


def tenant_flag(visit: Visit) -> str:
    """Return what a command line needs to reach this tenant; the default one needs nothing."""
    slug = visit.browser.tenant.slug
    return "" if slug == DEFAULT_SLUG else f" --tenant {slug}"


def register_command(visit: Visit) -> str:
    return f'remit agents create scheduler --purpose "book meetings" --owner {visit.user.email}{tenant_flag(visit)}'


def _taken(event: StoredEvent) -> Notice | None:
    """Say what was taken back together, as its event tells it."""
    told = msgspec.json.decode(event.body)["what"] if event.type in {GrantsRevoked.type, GrantsTrimmed.type} else None
    if told is None:
        return None
    done = "revoked" if event.type == GrantsRevoked.type else "trimmed to what was used of them"
    grants = "1 grant is" if told["count"] == 1 else f"{told['count']} grants are"
    return Notice(text=f"{grants} {done}.")


async def _notice(visit: Visit) -> Notice | None:
    """Say what the last form did. Anybody can make a link to a notice, so each is shown only where it is true."""
    said, about = visit.query.one("said"), visit.query.one("about")
    if said is None or about is None:
        return None
    now = visit.deps.clock.now()
    async with visit.deps.db.read(visit.tenant) as work:
        match said:
            case "stopped" | "resumed":
                agent = await work.agents.get(AgentId(about))
                stops = await work.stops.on([Target(TargetKind.AGENT, about)])
                stopped = any(stop.in_force(now) for stop in stops)
                if agent is None or stopped != (said == "stopped"):
                    return None
                if not stopped:
                    return Notice(text=f"{agent.name} may work again. It needs new tokens; the old ones stay refused.")
                undo = f"{agent_url(visit, agent.id)}/resume" if visit.may_write else ""
                return Notice(text=f"{agent.name} is stopped, everywhere.", undo=undo, undo_label="Undo")
            case "revoked":
                grant = await work.grants.get(GrantId(about))
                over = grant is not None and grant.state is GrantState.REVOKED
                return Notice(text="That access is revoked. The agent has to ask for it again.") if over else None
            case "registered":
                agent = await work.agents.get(AgentId(about))
                return Notice(text=f"{agent.name} is registered.") if agent else None
            case "taken":
                event = await work.events.get(EventId(about))
                return None if event is None else _taken(event)
            case "lifted":
                stop = await work.stops.get(StopId(about))
                over = stop is not None and stop.lifted_at is not None
                return Notice(text="The stop is lifted. Tokens from before it stay refused.") if over else None
            case "rotated":
                signs = any(key.kid == about and key.state is KeyState.ACTIVE for key in await work.keys.all())
                return Notice(text="New keys sign from now on. Tokens of the old ones stay good.") if signs else None
            case "keys":
                client = await work.clients.get(ClientId(about))
                if client is None or client.jwks_at is None:
                    return None
                more = " Those before stay good as long as chosen." if client.old_keys(now) is not None else ""
                return Notice(text=f"The new keys are good.{more}")
            case "key-ended":
                gone = any(key.kid == about and key.state is KeyState.GONE for key in await work.keys.all())
                return Notice(text="That key is out. Whatever it signed is refused everywhere.") if gone else None
            case "lifetimes" if about == visit.tenant:
                return Notice(text="The lifetimes below hold for tokens from now on.")
            case "ended":
                secrets = (
                    *await work.clients.secrets(ClientId(about)),
                    *await work.resources.secrets(ResourceId(about)),
                )
                client = await work.clients.get(ClientId(about))
                over = client is not None and client.old_jwks is not None and client.old_keys(now) is None
                if not over and all(secret.usable(now) for secret in secrets):
                    return None
                return Notice(text="That credential is over. Tokens that it got live on until they expire.")
            case _:
                return None
