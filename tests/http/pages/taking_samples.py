"""A typical view of what would be taken back."""

from remit.http.console.taking_back.page import TakenRow, TakingBackPage
from tests.http.pages.account_samples import CALENDAR, DANA, INVOICES, frame

TAKING_BACK = TakingBackPage(
    frame=frame(DANA, "Access"),
    back="/console/grants?agent=agt_1",
    trims=False,
    days=0,
    sought=(("Agent", "Meeting scheduler"), ("Days unused", "30")),
    count=2,
    more=False,
    effect="Ends 3 sessions of 1 agent and 2 users within a second, for ever.",
    users=("alice@acme.example", "bob@acme.example"),
    users_more=0,
    agents=("Meeting scheduler",),
    agents_more=0,
    rows=(
        TakenRow(
            user="alice@acme.example",
            agent="Meeting scheduler",
            agent_href="/console/agents/agt_1",
            client="scheduler-cli",
            resource=CALENDAR,
            scopes=("delete:calendar", "write:calendar"),
            left=("openid", "read:calendar"),
        ),
        TakenRow(
            user="",
            agent="Meeting scheduler",
            agent_href="/console/agents/agt_1",
            client="Meeting scheduler",
            resource=INVOICES,
            scopes=("invoices.read",),
            left=(),
        ),
    ),
    nothing="",
    hidden=(("agent", "agt_1"), ("unused", "30"), ("mark", "0f3a")),
    action="/console/grants/revoke",
    word="2",
    reason="spring cleaning",
)
