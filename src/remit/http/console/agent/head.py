"""What stands above every tab of an agent."""

from __future__ import annotations

from remit.core.agents import AgentState
from remit.http._kit.views import AgentHead, Link
from remit.http.console.rows import agent_url, stop_note
from remit.http.visits import Visit
from remit.services.directory import AgentFacts, AgentRecord

TABS = (
    ("Summary", ""),
    ("Access", "/access"),
    ("Activity", "/activity"),
    ("Credentials", "/credentials"),
    ("History", "/history"),
)


def head_of(visit: Visit, record: AgentRecord, tab: str) -> AgentHead:
    facts = record.facts
    url = agent_url(visit, facts.agent.id)
    return AgentHead(
        back=f"{visit.issuer}/console/agents",
        id=facts.agent.id,
        name=facts.agent.name,
        state="stopped" if facts.stopped else facts.agent.state,
        effect=_effect(record),
        tabs=tuple(Link(label=label, href=f"{url}{path}", current=label == tab) for label, path in TABS),
        stopped=stop_note(facts.stopped),
        stop=f"{url}/stop" if may_stop(visit, facts) else "",
        resume=f"{url}/resume" if visit.may_write and facts.stopped else "",
    )


def may_stop(visit: Visit, facts: AgentFacts) -> bool:
    return visit.may_write and facts.stopped is None and facts.agent.state is not AgentState.RETIRED


def _effect(record: AgentRecord) -> str:
    sessions = f"{record.sessions} session{'' if record.sessions == 1 else 's'}"
    users = f"{record.users} user{'' if record.users == 1 else 's'}"
    least = "at least " if record.partial else ""
    return f"ends {least}{sessions} of {users} within a second, and can be taken back."
