"""Typical views of the console."""

from dataclasses import replace

from remit.http._kit.render import View
from remit.http._kit.views import (
    EventRow,
    FieldError,
    GrantRow,
    HeldLine,
    Integrity,
    Link,
    StopNote,
    StopTarget,
)
from remit.http.console.agents.page import AgentRow, AgentsPage
from remit.http.console.audit.page import AuditFilter, AuditPage
from remit.http.console.event.page import ChainStop, EventPage, Fact, Stand
from remit.http.console.grants.page import GrantsFilter, GrantsPage
from remit.http.console.overview.page import DeniedScope, OverviewPage, Step, StopInForce
from remit.http.console.search.page import HitRow, SearchPage
from tests.http.pages.account_samples import CALENDAR, DANA, INVOICES, NOW, WAYS, ago, ahead, frame
from tests.http.pages.agent_samples import agent_views
from tests.http.pages.taking_samples import TAKING_BACK

SCHEDULER = StopTarget(kind="agent", id="agt_1", name="Meeting scheduler")
GRANT = GrantRow(
    user="alice@acme.example",
    approver="",
    agent="Meeting scheduler",
    agent_href="/console/agents/agt_1",
    client="Meeting scheduler",
    resource=CALENDAR,
    scopes=("read:calendar", "write:calendar"),
    state="active",
    granted_at=ago(days=2),
    expires_at=ahead(days=28),
    held=(HeldLine(since=ago(days=2), ways=WAYS),),
    revoke="/console/grants/grt_1/revoke",
)
GRANTS = (
    GRANT,
    replace(
        GRANT,
        user="",
        approver="dana@acme.example",
        agent="Nightly report",
        client="report-runner",
        scopes=("read:calendar",),
        expires_at=None,
    ),
    replace(
        GRANT, user="bob@acme.example", agent="Invoice helper", client="invoice-cli", resource=INVOICES, state="stopped"
    ),
    replace(GRANT, user="bob@acme.example", state="revoked", revoke=""),
)
EVENTS = (
    EventRow(
        href="/console/audit/evt_4",
        at=ago(seconds=20),
        type="call.denied",
        outcome="denied",
        summary="delete:calendar was not granted",
        who="Meeting scheduler",
        who_kind="agent",
        agent="",
        stop=SCHEDULER,
    ),
    EventRow(
        href="/console/audit/evt_3",
        at=ago(minutes=4),
        type="grant.made",
        outcome="ok",
        summary="Alice let Meeting scheduler read and change the calendar",
        who="alice@acme.example",
        who_kind="user",
        agent="Meeting scheduler",
    ),
    EventRow(
        href="/console/audit/evt_2",
        at=ago(hours=2),
        type="token.refused",
        outcome="refused",
        summary="The code verifier did not match",
        who="desk-cli",
        who_kind="client",
    ),
    EventRow(
        href="/console/audit/evt_1",
        at=ago(days=1),
        type="refresh.reused",
        outcome="alarm",
        summary="A spent refresh token came back; its line was revoked",
        who="remit",
        who_kind="system",
        agent="Invoice helper",
    ),
)
SEAL = Integrity(ok=True, entries=12_408, checked_at=ago(seconds=40), href="/console/audit")

AGENT_ROW = AgentRow(
    name="Meeting scheduler",
    href="/console/agents/agt_1",
    state="active",
    owner="dana@acme.example",
    purpose="Finds a time that suits everybody and books the room.",
    auth=("private_key_jwt",),
    granted=11,
    used=3,
    last_seen=ago(minutes=3),
    stop="/console/agents/agt_1/stop",
)

OVERVIEW = OverviewPage(
    frame=frame(DANA, "Overview"),
    steps=(
        Step(title="Make an administrator", done=True),
        Step(title="Name the API or MCP server to protect", done=True),
        Step(title="Register an agent", done=False, command="remit agent add scheduler --owner dana@acme.example"),
        Step(title="See the first guarded call", done=False, href="/console/audit"),
    ),
    agents=12,
    grants=31,
    calls=18_204,
    denials=47,
    denied=(
        DeniedScope(
            scope="delete:calendar",
            agent="Meeting scheduler",
            reason="not granted",
            count=31,
            href="/console/audit?outcome=denied",
            stop=SCHEDULER,
        ),
        DeniedScope(
            scope="payments.create",
            agent="Invoice helper",
            reason="agent stopped",
            count=16,
            href="/console/audit?outcome=denied",
        ),
    ),
    stops=(
        StopInForce(
            target_kind="agent",
            target="Invoice helper",
            by="dana@acme.example",
            reason="paid twice",
            since=ago(minutes=12),
            until=ahead(hours=8),
            resume="/console/agents/agt_2/resume",
            href="/console/agents/agt_2",
        ),
        StopInForce(
            target_kind="grant",
            target="Travel desk for bob@acme.example",
            by="dana@acme.example",
            reason="",
            since=ago(days=3),
            until=None,
        ),
    ),
    integrity=SEAL,
    agents_href="/console/agents",
    grants_href="/console/grants",
    audit_href="/console/audit",
    denials_href="/console/audit?outcome=denied",
)

EVENT = EventPage(
    frame=frame(DANA, "Audit"),
    back="/console/audit",
    id="evt_01jbt6k2v7e8rs4w9xh3m5n0qf",
    type="call.denied",
    outcome="denied",
    at=ago(seconds=20),
    why="Meeting scheduler wanted to delete an event. Alice had unticked “Delete events” when she gave her consent.",
    chain=(
        Fact(
            term="Who",
            text="Meeting scheduler",
            id="agt_01jbt6k2v7e8rs4w9xh3m5n0qd",
            kind="agent",
            href="/console/agents/a",
        ),
        Fact(term="For whom", text="alice@acme.example", id="usr_01jbt6k2v7e8rs4w9xh3m5n0qg", kind="user"),
        Fact(term="Owner", text="dana@acme.example", kind="user"),
        Fact(
            term="Under which approval",
            text="Alice’s consent of 1 Nov 2026, for 30 days",
            id="grt_01jbt6k2v7e8rs4w9xh3m5n0qh",
        ),
        Fact(term="On what", text="Calendar", id="https://calendar.acme.example/", kind="resource"),
        Fact(term="Purpose", text="Finds a time that suits everybody and books the room."),
        Fact(term="From where", text="192.0.2.17", id="req_01jbt6k2v7e8rs4w9xh3m5n0qi"),
    ),
    steps=(
        Stand(
            kind="Token",
            id="tok_01jbt6k2v7e8rs4w9xh3m5n0qj",
            said="issued for read:calendar",
            at=ago(minutes=4),
            href="/console/audit/evt_1",
            all_href="/console/audit?about=tok_1",
        ),
        Stand(kind="Grant", id="grt_01jbt6k2v7e8rs4w9xh3m5n0qh", said="active, holds read:calendar", at=ago(days=2)),
    ),
    stops=(
        ChainStop(what="agent agt_1", by="dana@acme.example", reason="INC-42", since=ago(days=1), in_force=True),
        ChainStop(what="user usr_1", by="dana@acme.example", reason="", since=ago(days=9), in_force=False),
    ),
    json='{"type":"call.denied","outcome":"denied","at":1762178587000,"who":{"actor_kind":"agent","actor":"agt_01jbt6k2v7"},'
    '"scope":"delete:calendar","reason":"not_granted"}',
    stop=SCHEDULER,
    leaf=12_407,
    hash="9f2b4c1d8e7a6f5039c1b2a4d6e8f0123456789abcdef0123456789abcdef012",
)

ACCESS_TABS = (
    Link(label="Grants", href="/console/grants", current=True),
    Link(label="Resources and scopes", href="/console/resources"),
)
CHIPS = (Link(label="All", href="/console/agents", current=True), Link(label="No owner", href="/console/agents?show=n"))

CONSOLE: dict[str, View] = {
    "overview": OVERVIEW,
    "agents": AgentsPage(
        frame=frame(DANA, "Agents"),
        chips=CHIPS,
        rows=(
            AGENT_ROW,
            replace(
                AGENT_ROW,
                name="Invoice helper",
                state="stopped",
                owner="sam@acme.example",
                purpose="Reads invoices and prepares payment runs.",
                auth=("client_secret_basic", "none"),
                granted=4,
                used=4,
                last_seen=ago(hours=5),
                stop="",
                resume="/console/agents/agt_2/resume",
            ),
            replace(
                AGENT_ROW,
                name="Desk assistant",
                state="staged",
                owner="",
                purpose="",
                auth=(),
                granted=0,
                used=0,
                last_seen=None,
            ),
            replace(
                AGENT_ROW, name="Old crawler", state="retired", granted=2, used=0, last_seen=ago(days=200), stop=""
            ),
        ),
        command="remit agent add scheduler",
        more="/console/agents?before=agt_9",
    ),
    "agents, narrowed to nothing": AgentsPage(
        frame=frame(DANA, "Agents"), chips=CHIPS, rows=(), command="remit agents create x", narrowed=True
    ),
    **agent_views(EVENTS),
    "access": GrantsPage(
        frame=frame(DANA, "Access"),
        tabs=ACCESS_TABS,
        action="/console/grants",
        filter=GrantsFilter(),
        rows=GRANTS,
        newer="/console/grants",
        older="/console/grants?before=grt_9",
    ),
    "access, narrowed to nothing": GrantsPage(
        frame=frame(DANA, "Access"),
        tabs=ACCESS_TABS,
        action="/console/grants",
        filter=GrantsFilter(user="alice@acme.example", state="revoked"),
        rows=(),
    ),
    "access, found to be taken back": GrantsPage(
        frame=frame(DANA, "Access"),
        tabs=ACCESS_TABS,
        action="/console/grants",
        filter=GrantsFilter(agent="agt_1", unused="30"),
        rows=GRANTS[:1],
        revoke_all="/console/grants/revoke?agent=agt_1",
        trim_all="/console/grants/trim?agent=agt_1",
    ),
    "revoke many": TAKING_BACK,
    "revoke many, typed wrong": replace(
        TAKING_BACK,
        more=True,
        users_more=480,
        errors=(
            FieldError(name="reason", text="Say why."),
            FieldError(name="typed", text="Type 2, the number of grants."),
        ),
    ),
    "trim many": replace(
        TAKING_BACK, trims=True, days=30, look="/console/grants/trim", word="", action="/console/grants/trim"
    ),
    "revoke many, nothing found": replace(
        TAKING_BACK,
        count=0,
        rows=(),
        nothing="No grant that still gives anything is found by this.",
        action="",
        word="",
    ),
    "audit": AuditPage(
        frame=frame(DANA, "Audit"),
        action="/console/audit",
        filter=AuditFilter(agent="agt_1"),
        types=("call.denied", "grant.made", "token.refused", "refresh.reused"),
        rows=EVENTS,
        integrity=SEAL,
        older="/console/audit?before=evt_1",
    ),
    "audit, damaged": AuditPage(
        frame=frame(DANA, "Audit"),
        action="/console/audit",
        filter=AuditFilter(),
        types=("call.denied",),
        rows=EVENTS[:1],
        integrity=Integrity(ok=False, entries=811, checked_at=NOW, problem="entry 812 was changed"),
    ),
    "event": EVENT,
    "search": SearchPage(
        frame=frame(DANA, "Search"),
        action="/console/search",
        text="scheduler",
        hits=(
            HitRow(
                kind="agent",
                name="Meeting scheduler",
                id="agt_01jbt6k2v7e8rs4w9xh3m5n0qd",
                href="/console/agents/agt_1",
                state="active",
                stop=SCHEDULER,
            ),
            HitRow(
                kind="client",
                name="scheduler",
                id="cli_01jbt6k2v7e8rs4w9xh3m5n0qd",
                href="/console/agents/agt_1/credentials",
                state="active",
                note=StopNote(by="dana@acme.example", reason="INC-42", since=ago(days=1)),
                resume="/console/stops/stp_1/lift",
            ),
            HitRow(kind="event", name="token.issued", id="evt_1", href="/console/audit/evt_1", state="ok"),
        ),
        more=(Link(label="Grants that hold scheduler", href="/console/grants?scope=scheduler"),),
    ),
    "search, nothing found": SearchPage(
        frame=frame(DANA, "Search"), action="/console/search", text="nobody", hits=(), more=()
    ),
}
