"""Fill the page of one event: the whole chain behind it."""

from __future__ import annotations

from remit.core.audit.tree import leaf_hash
from remit.core.names import EventId
from remit.http.console.event.page import EventPage, Fact
from remit.http.console.rows import agent_url, audit_url, console_frame
from remit.http.console.sentences import actor, why
from remit.http.visits import Visit
from remit.services.activity import Told, find_event


async def load(visit: Visit, event: EventId) -> EventPage | None:
    told = await find_event(visit.tenant, event, visit.deps)
    if told is None:
        return None
    stored = told.stored
    return EventPage(
        frame=await console_frame(visit, "Audit"),
        back=f"{visit.issuer}/console/audit",
        id=stored.id,
        type=stored.type,
        outcome=stored.outcome,
        at=stored.at,
        why=why(told),
        chain=tuple(_chain(visit, told)),
        json=stored.body.decode("utf-8", "replace"),
        leaf=stored.seq,
        hash=leaf_hash(stored.body).hex(),
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
