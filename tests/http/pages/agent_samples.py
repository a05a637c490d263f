"""Typical views of one agent, of the catalogue and of the settings."""

from dataclasses import replace

from remit.http._kit.render import View
from remit.http._kit.views import AgentHead, CredentialRow, EventRow, FieldError, GrantRow, Link, StopNote, StopTarget
from remit.http.console.agent.page import AgentPage
from remit.http.console.agent_access.page import AgentAccessPage, RemitOnResource, ScopeUse
from remit.http.console.agent_credentials.page import AgentCredentialsPage, ClientCard
from remit.http.console.agent_log.page import AgentLogPage
from remit.http.console.register.page import KindChoice, RegisterPage, ResourceChoice, ScopeChoice
from remit.http.console.resources.page import ResourceCard, ResourcesPage, ScopeRow
from remit.http.console.secret.page import SecretPage
from remit.http.console.settings.page import KeyRow, LifetimeField, SettingsPage
from tests.http.pages.account_samples import CALENDAR, DANA, ago, ahead, frame

TABS = tuple(
    Link(label=label, href=f"/console/agents/agt_1/{label}", current=label == "Access")
    for label in ("Summary", "Access", "Activity", "Credentials", "History")
)
HEAD = AgentHead(
    back="/console/agents",
    id="agt_01jbt6k2v7e8rs4w9xh3m5n0qd",
    name="Meeting scheduler",
    state="active",
    effect="ends 4 sessions of 2 users within a second, and can be taken back.",
    tabs=TABS,
    stop="/console/agents/agt_1/stop",
)
STOPPED = replace(
    HEAD,
    state="stopped",
    stop="",
    resume="/console/agents/agt_1/resume",
    stopped=StopNote(by="dana@acme.example", reason="Booked 400 rooms", since=ago(minutes=12), until=ahead(hours=8)),
)
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
    revoke="/console/grants/grt_1/revoke",
)
SECRET = CredentialRow(
    id="01jbt6k2v7e8rs4w9xh3m5n0qd",
    kind="secret",
    live=True,
    created_at=ago(days=70),
    expires_at=ahead(hours=20),
    last_used=ago(minutes=3),
    revoke="/console/clients/cli_1/credentials/01jbt6k2v7e8rs4w9xh3m5n0qd/revoke",
)
AGENT = AgentPage(
    frame=frame(DANA, "Agents"),
    head=HEAD,
    purpose="Finds a time that suits everybody and books the room.",
    owner="dana@acme.example",
    sponsor="priya@acme.example",
    role="assistant",
    model="any",
    created_at=ago(days=40),
    last_seen=ago(minutes=3),
    granted=11,
    used=3,
    remit_version=3,
    remit_scopes=12,
    remit_expires_at=ahead(days=90),
    token_seconds=300,
    dpop_bound=True,
    grants=(GRANT,),
)
READ = ScopeUse(
    name="read:calendar",
    sentence="See events and who attends",
    risk="read",
    grants=2,
    calls=18_204,
    denied=0,
    last_used=ago(minutes=3),
)
ACCESS = AgentAccessPage(
    frame=frame(DANA, "Agents"),
    head=HEAD,
    remit_version=3,
    parts=(
        RemitOnResource(
            resource=CALENDAR,
            scopes=(
                READ,
                replace(READ, name="write:calendar", sentence="Add and change events", risk="change", calls=0),
                replace(READ, name="delete:calendar", risk="destroy", grants=0, calls=0, denied=3, last_used=None),
            ),
        ),
    ),
)
LIFETIME = LifetimeField(
    name="access_seconds", label="Access tokens live", unit="seconds", chosen="300", instance=900, holds=300
)
SETTINGS = SettingsPage(
    frame=frame(DANA, "Settings"),
    lifetimes=(LIFETIME, replace(LIFETIME, name="refresh_idle_days", unit="days", chosen="", instance=14, holds=14)),
    keys=(
        KeyRow(kid="k_01jbt6k2v7e8rs4w9xh3m5n0qd", use="access tokens", alg="ES256", state="active", since=ago(days=3)),
        KeyRow(kid="k_01jbt6k2v7e8rs4w9xh3m5n0qe", use="access tokens", alg="ES256", state="next", since=ago(days=3)),
        KeyRow(kid="k_01jbt6k2v7e8rs4w9xh3m5n0qf", use="ID tokens", alg="RS256", state="retiring", since=ago(hours=1)),
    ),
    devices="They may ask: a user types in the code that a device shows, and then decides as always.",
    registration="Off for the whole instance (setting registration.mode).",
    registered=3,
    quota=200,
    save="/console/settings/lifetimes",
    rotate="/console/settings/rotate",
    take_out="/console/settings/keys/revoke",
)
SCOPE = ScopeRow(
    name="read:calendar",
    sentence="See events and who attends",
    risk="read",
    sensitive=False,
    agents=(Link(label="Meeting scheduler", href="/console/agents/agt_1"),),
    more=3,
    grants=12,
    grants_href="/console/grants?scope=read%3Acalendar",
)
CARD = ResourceCard(
    name="Calendar",
    uri="https://calendar.acme.example/",
    state="active",
    token_seconds=300,
    dpop_bound=True,
    own=False,
    scopes=(SCOPE, replace(SCOPE, name="delete:calendar", risk="destroy", sensitive=True, agents=(), more=0, grants=0)),
    credentials=(SECRET,),
    roll="/console/resources/res_1/roll",
    stop=StopTarget(kind="resource", id="res_1", name="Calendar"),
    server=Link(label="Meeting scheduler", href="/console/agents/agt_1"),
)
CLIENT = ClientCard(
    id="cli_01jbt6k2v7e8rs4w9xh3m5n0qe",
    name="Meeting scheduler",
    auth="client_secret_basic",
    redirects=("https://scheduler.acme.example/callback",),
    sign_outs=("after sign-out https://scheduler.acme.example/bye",),
    registered="registered by an administrator",
    document="",
    state="active",
    credentials=(
        SECRET,
        replace(SECRET, id="01jbt6k2v7e8rs4w9xh3m5n0qa", live=False, expires_at=ago(days=1), revoke=""),
    ),
    roll="/console/clients/cli_1/roll",
    stop=StopTarget(kind="client", id="cli_1", name="Meeting scheduler"),
)


REGISTER = RegisterPage(
    frame=frame(DANA, "Agents"),
    back="/console/agents",
    action="/console/agents/register",
    name="Invoice helper",
    purpose="Reads invoices and prepares payment runs.",
    owner="dana@acme.example",
    sponsor="",
    resources=(
        ResourceChoice(
            resource=CALENDAR,
            own=False,
            scopes=(
                ScopeChoice(
                    key="res_1 read:calendar", name="read:calendar", sentence="See events", risk="read", ticked=True
                ),
                ScopeChoice(
                    key="res_1 delete:calendar",
                    name="delete:calendar",
                    sentence="Delete events for everybody",
                    risk="destroy",
                    ticked=False,
                ),
            ),
        ),
        ResourceChoice(
            resource=replace(CALENDAR, name="Remit"),
            own=True,
            scopes=(
                ScopeChoice(
                    key="res_2 agents:read", name="agents:read", sentence="See agents", risk="read", ticked=False
                ),
            ),
        ),
    ),
    more=False,
    kinds=(
        KindChoice(value="web", label="For users, from a server", hint="It keeps a secret.", chosen=True),
        KindChoice(value="none", label="No client yet", hint="It can ask for no token.", chosen=False),
    ),
    client_name="",
    redirect="https://invoices.acme.example/callback",
)


def agent_views(events: tuple[EventRow, ...]) -> dict[str, View]:
    return {
        "agent": AGENT,
        "agent, stopped": replace(AGENT, head=STOPPED),
        "agent's access": ACCESS,
        "agent's activity": AgentLogPage(
            frame=frame(DANA, "Agents"),
            head=HEAD,
            history=False,
            rows=events,
            audit_href="/console/audit?agent=agt_1",
            older="/older",
        ),
        "agent's credentials": AgentCredentialsPage(
            frame=frame(DANA, "Agents"),
            head=HEAD,
            clients=(
                CLIENT,
                replace(
                    CLIENT,
                    name="batch",
                    auth="private_key_jwt",
                    credentials=(replace(SECRET, id="keys-2", kind="key", expires_at=None, revoke=""),),
                    roll="",
                    keys="/console/clients/cli_1/keys",
                ),
                replace(CLIENT, name="desk", auth="none", state="retired", credentials=(), roll=""),
            ),
        ),
        "agent's history": AgentLogPage(
            frame=frame(DANA, "Agents"),
            head=STOPPED,
            history=True,
            rows=events,
            audit_href="/console/audit?agent=agt_1",
            newer="/n",
        ),
        "resources": ResourcesPage(
            frame=frame(DANA, "Access"),
            tabs=(Link(label="Grants", href="/console/grants"), Link(label="Resources", href="/r", current=True)),
            cards=(CARD, replace(CARD, name="Acme administration", own=True, roll="", state="disabled")),
            command="remit resources create https://calendar.example.com",
            partial=True,
            more="/console/resources?before=res_9",
        ),
        "register an agent": REGISTER,
        "register an agent, wrong": replace(
            REGISTER,
            more=True,
            errors=(
                FieldError(name="purpose", text="Say what the agent is for: people read it before they agree."),
                FieldError(name="scope", text="The calendar defines no such scope."),
            ),
        ),
        "register an agent, for an auditor": replace(REGISTER, action=""),
        "settings": SETTINGS,
        "settings, wrong": replace(
            SETTINGS, errors=(FieldError(name="access_seconds", text="Access tokens live 60 to 1800 seconds."),)
        ),
        "settings, for an auditor": replace(SETTINGS, save="", rotate="", take_out=""),
        "a new secret": SecretPage(
            frame=frame(DANA, "Agents"),
            back="/console/agents/agt_1/credentials",
            back_label="Credentials",
            kind="client",
            holder="Meeting scheduler",
            client_id="cli_01jbt6k2v7e8rs4w9xh3m5n0qe",
            secret="rmt_cs_01jbt6k2v7e8rs4w9xh3m5n0qd.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA000000",
            until=ahead(hours=24),
        ),
    }
