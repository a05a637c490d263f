"""Fill the page of one event: the whole chain behind it."""

from __future__ import annotations

from remit.core.audit.tree import leaf_hash
from remit.core.names import EventId
from remit.http.console.event.page import ChainStop, EventPage, Fact, Stand
from remit.http.console.rows import agent_url, agents_at_large, audit_url, console_frame, event_row
from remit.http.console.sentences import actor, summary, why
from remit.http.visits import Visit
from remit.services.activity import Told, find_event
from remit.services.chain import Standpoint, trace
from remit.services.directory import StopInForce


async def load(visit: Visit, event: EventId) -> EventPage | None:
    told = await find_event(visit.tenant, event, visit.deps)
    if told is None:
        return None
    stored = told.stored
    stands = await trace(visit.tenant, told, visit.deps)
    return EventPage(
        frame=await console_frame(visit, "Audit"),
        back=f"{visit.issuer}/console/audit",
        id=stored.id,
        type=stored.type,
        outcome=stored.outcome,
        at=stored.at,
        why=why(told),
        chain=tuple(_chain(visit, told)),
        steps=tuple(_steps(visit, told, stands)),
        stops=tuple(_stop(visit, stopped) for stopped in stands.stops),
        json=stored.body.decode("utf-8", "replace"),
        leaf=stored.seq,
        hash=leaf_hash(stored.body).hex(),
        stop=event_row(visit, told, at_large=await agents_at_large(visit, [told])).stop,
    )


def _chain(visit: Visit, told: Told) -> list[Fact]:
    who = told.who
    kind, name = actor(told)
    facts = [_fact(visit, "Who", name, who["actor"], kind)]
    for term, part, of_kind in (
        ("For whom", "user", "user"),
        ("Agent", "agent", "agent"),
        ("Owner", "owner", "user"),
        ("Client", "client", "client"),
        ("On what", "resource", "resource"),
    ):
        if part in who and who[part] != who["actor"]:
            facts.append(_fact(visit, term, told.name(who[part]), who[part], of_kind))
    if "grant" in who:
        facts.append(Fact(term="Under which approval", text=_approval(told), id=who["grant"]))
    for term, part in (
        ("Line", "line"),
        ("Token", "jti"),
        ("Sign-in", "session"),
        ("Purpose", "purpose"),
        ("From where", "peer"),
        ("Request", "request"),
    ):
        if part in who:
            facts.append(Fact(term=term, text=who[part]))
    return facts


def _steps(visit: Visit, told: Told, stands: Standpoint) -> list[Stand]:
    """Show what the event stands on, from the token down to the yes of a person."""
    steps, issuer = [], visit.issuer
    if stands.token is not None:
        token = stands.token
        href = f"{issuer}/console/audit/{token.stored.id}" if token.stored.id != told.stored.id else ""
        steps.append(
            Stand(
                kind="Token",
                id=told.who["jti"],
                said=f"issued for {' '.join(token.listed('scopes'))}",
                at=token.stored.at,
                href=href,
                all_href=audit_url(visit, about=told.who["jti"]),
            )
        )
    if stands.line is not None:
        line = stands.line
        away = "may act while the user is away" if line.while_away else "ends with the sign-in"
        steps.append(
            Stand(
                kind="Line",
                id=line.id,
                said=f"{line.state}, for {' '.join(sorted(line.scopes))}; {away}",
                at=line.created_at,
                all_href=audit_url(visit, about=line.id),
            )
        )
    if stands.grant is not None:
        grant = stands.grant.grant
        said = f"{stands.grant.standing}, holds {' '.join(sorted(grant.scopes)) or 'nothing'}"
        all_href = audit_url(visit, about=grant.id)
        steps.append(Stand(kind="Grant", id=grant.id, said=said, at=grant.created_at, all_href=all_href))
    if stands.consent is not None:
        consent = stands.consent
        href = f"{issuer}/console/audit/{consent.stored.id}" if consent.stored.id != told.stored.id else ""
        said = summary(consent)
        if consent.what.get("device"):
            said += f", to a device with a code: request {consent.what['device']}"
        steps.append(Stand(kind="Consent", id=consent.stored.id, said=said, at=consent.stored.at, href=href))
    return steps


def _stop(visit: Visit, stopped: StopInForce) -> ChainStop:
    stop = stopped.stop
    return ChainStop(
        what=f"{stop.target.kind} {stop.target.id}",
        by=stopped.by,
        reason=stop.reason,
        since=stop.started_at,
        in_force=stop.in_force(visit.deps.clock.now()),
    )


def _fact(visit: Visit, term: str, text: str, id_: str, kind: str) -> Fact:
    href = ""
    if kind == "agent" and id_.startswith("agt_"):
        href = agent_url(visit, id_)
    elif kind in {"user", "client"} and id_.startswith(("usr_", "cli_")):
        href = audit_url(visit, **{kind: id_})
    shown = kind if kind in {"user", "agent", "client", "resource"} else ""
    return Fact(
        term=term,
        text=text,
        id=id_ if id_ != text and ("_" in id_ or kind == "resource") else "",
        kind=shown,
        href=href,
    )


def _approval(told: Told) -> str:
    user, approver = told.who.get("user"), told.who.get("approver")
    if user is not None and approver in {None, user}:
        return f"consent of {told.name(user)}"
    return f"approval of {told.name(approver)}" if approver else "approval of an operator"
