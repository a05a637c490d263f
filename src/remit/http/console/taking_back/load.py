"""Fill the page of what would be taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from remit.core.display import sentence
from remit.core.oauth.verdicts import Refusal
from remit.core.trimming import USUAL_SPAN
from remit.http._kit.views import FieldError, Resource
from remit.http.console.grants.load import chosen_in, narrowed_by, wanted_by
from remit.http.console.grants.page import GrantsFilter
from remit.http.console.rows import agent_url, console_frame, days_in, grants_url
from remit.http.console.taking_back.page import TakenRow, TakingBackPage
from remit.http.visits import Visit
from remit.services.directory import GrantFacts
from remit.services.many_grants import Effect, Found, effect_of, find_taken
from remit.wire.parse import Form

TERMS = {
    "user": "User",
    "agent": "Agent",
    "client": "Client",
    "resource": "Resource",
    "scope": "Scope",
    "state": "State",
    "unused": "Days unused",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a form or an address asks to take back."""

    chosen: GrantsFilter
    span: timedelta | None

    @property
    def path(self) -> str:
        return "revoke" if self.span is None else "trim"

    @property
    def fields(self) -> Mapping[str, str]:
        days = {} if self.span is None else {"days": str(self.span.days)}
        return {**narrowed_by(self.chosen), **days}


def read(fields: Form, *, trims: bool) -> Asked:
    days = days_in(fields.one("days") or "") or USUAL_SPAN.days
    return Asked(chosen=chosen_in(fields), span=timedelta(days=days) if trims else None)


async def look(visit: Visit, asked: Asked) -> Found | Refusal:
    return await find_taken(visit.tenant, wanted_by(asked.chosen), visit.deps, span=asked.span)


async def load(
    visit: Visit, asked: Asked, found: Found | Refusal, *, reason: str = "", errors: tuple[FieldError, ...] = ()
) -> TakingBackPage:
    effect = await effect_of(visit.tenant, found, visit.deps) if isinstance(found, Found) else NOBODY
    taken = found.taken if isinstance(found, Found) else ()
    mark = found.mark if isinstance(found, Found) else ""
    trims = asked.span is not None
    offered = bool(taken) and visit.may_write
    return TakingBackPage(
        frame=await console_frame(visit, "Access"),
        back=grants_url(visit, **narrowed_by(asked.chosen)),
        trims=trims,
        days=asked.span.days if asked.span else 0,
        sought=tuple((TERMS[name], text) for name, text in narrowed_by(asked.chosen).items() if text),
        count=len(taken),
        more=isinstance(found, Found) and found.more,
        effect=_effect(effect, trims=trims),
        users=effect.user_names,
        users_more=effect.users - len(effect.user_names),
        agents=effect.agent_names,
        agents_more=effect.agents - len(effect.agent_names),
        rows=tuple(_row(visit, facts, scopes) for facts, scopes in effect.first),
        nothing=sentence(found.hint) if isinstance(found, Refusal) else "",
        hidden=(*((name, text) for name, text in asked.fields.items() if text), ("mark", mark)),
        look=f"{visit.issuer}/console/grants/trim" if trims else "",
        action=f"{visit.issuer}/console/grants/{asked.path}" if offered else "",
        word=str(len(taken)) if not trims else "",
        reason=reason,
        errors=errors,
    )


NOBODY = Effect(users=0, user_names=(), agents=0, agent_names=(), sessions=0, first=())


def _effect(effect: Effect, *, trims: bool) -> str:
    users = f"{effect.users} user{'' if effect.users == 1 else 's'}"
    agents = f"{effect.agents} agent{'' if effect.agents == 1 else 's'}"
    if trims:
        return f"Takes what nobody used from {agents} of {users}. They go on with the rest, with new tokens."
    sessions = f"{effect.sessions} session{'' if effect.sessions == 1 else 's'}"
    return f"Ends {sessions} of {agents} and {users} within a second, for ever."


def _row(visit: Visit, facts: GrantFacts, scopes: frozenset[str]) -> TakenRow:
    return TakenRow(
        user=facts.user.email if facts.user else "",
        agent=facts.agent.name,
        agent_href=agent_url(visit, facts.agent.id),
        client=facts.client.name,
        resource=Resource(name=facts.resource.name, uri=facts.resource.uri),
        scopes=tuple(sorted(scopes)),
        left=tuple(sorted(facts.grant.scopes - scopes)),
    )
