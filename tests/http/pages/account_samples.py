"""Typical views of the user's own pages and of the first run."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from remit.http._kit.render import View
from remit.http._kit.views import (
    FieldError,
    Frame,
    HeldLine,
    HeldTo,
    LimitRow,
    Link,
    Notice,
    Onward,
    Permission,
    Resource,
    SignedIn,
    StopNote,
    Words,
    console_menu,
)
from remit.http.account.activity.page import ActivityPage, ActivityRow
from remit.http.account.change.page import ChangePage
from remit.http.account.consent.page import DURATIONS, IDENTITY_SENTENCES, ConsentPage
from remit.http.account.device.page import DevicePage
from remit.http.account.device_check.page import DeviceCheckPage
from remit.http.account.device_done.page import DeviceDonePage
from remit.http.account.error.page import ErrorPage
from remit.http.account.my_agents.page import AgentCard, MyAgentsPage
from remit.http.account.posting.page import PostingPage
from remit.http.account.second_factor.page import SecondFactorPage
from remit.http.account.security.page import SecurityPage
from remit.http.account.sign_in.page import SignInPage
from remit.http.account.sign_out.page import SignOutPage
from remit.http.account.signed_out.page import SignedOutPage
from remit.http.docs.page import DocsPage, ErrorRow
from remit.http.docs.reference import Group, Kind, Member, OperationRow, ReferencePage, ShapeRow
from remit.http.setup.page import SetupPage

NOW = datetime(2026, 11, 3, 14, 3, 7, tzinfo=UTC)
CALENDAR = Resource(name="Calendar", uri="https://calendar.acme.example/")
INVOICES = Resource(name="Invoices", uri="https://billing.acme.example/api/v2")
DANA = SignedIn(
    name="Dana Okafor",
    email="dana@acme.example",
    sign_out="/account/sign-out",
    my_agents="/account",
    console="/console",
    activity="/account/activity",
    security="/account/security",
    theme="/account/theme",
)
ALICE = replace(DANA, name="Alice Moreau", email="alice@acme.example", console="")


def ago(**distance):
    return NOW - timedelta(**distance)


def ahead(**distance):
    return NOW + timedelta(**distance)


def frame(user=None, current="", notice=None):
    menu = console_menu("", current) if current else ()
    whole = Frame(tenant="Acme EU", now=NOW, csrf="c5rf-t0ken", user=user, menu=menu, notice=notice)
    return (
        replace(whole, search="/console/search", stop="/console/stops", here="/console/audit?user=a") if menu else whole
    )


READ = Permission(name="read:calendar", sentence="See your events and who attends", risk="read", ticked=True)
WRITE = Permission(name="write:calendar", sentence="Add and change events", risk="change", ticked=True)
DELETE = Permission(
    name="delete:calendar", sentence="Delete events for everybody", risk="destroy", ticked=False, sensitive=True
)
IDENTITY = Permission(name="openid", sentence=IDENTITY_SENTENCES["openid"], risk="identity", ticked=True)

WAYS = (
    HeldTo(
        tools=("book_room", "create_event"),
        rows=(
            LimitRow(label="How often", text="at most 5 times"),
            LimitRow(label="seats", text="from 1 to 12", argument=True),
            LimitRow(label="Only on", text="“Team <calendar>”"),
        ),
        until=ahead(minutes=50),
    ),
    HeldTo(tools=("list_rooms",), rows=(), until=None),
)

CONSENT = ConsentPage(
    frame=frame(ALICE),
    action="/oauth/consent",
    ix="ix_01",
    switch="/account/sign-in?ix=ix_01&switch=1",
    client="Meeting scheduler",
    agent="Meeting scheduler",
    owner="dana@acme.example",
    badge="organisation",
    registered_from="",
    purpose="Finds a time that suits everybody and books the room.",
    permissions=(IDENTITY, READ, WRITE, DELETE),
    resource=CALENDAR,
    durations=(DURATIONS[0], replace(DURATIONS[1], chosen=True), DURATIONS[2]),
    away=True,
    redirect_host="scheduler.acme.example",
    loopback=False,
    my_agents="/account",
    expires_at=ahead(minutes=10),
)

LIMITED = replace(
    CONSENT,
    held_to=WAYS,
)

DELTA = replace(
    CONSENT,
    client="desk-cli",
    agent="Desk assistant",
    owner="",
    badge="self-registered",
    registered_from="tools.example.net",
    permissions=(replace(READ, held=True), replace(WRITE, new=True, optional=True), replace(DELETE, new=True)),
    redirect_host="",
    loopback=True,
    error="Tick at least one permission, or deny.",
)
IMITATION = replace(DELTA, agent="P\u0430yPal \u202ehelper", error="", badge="unverified", purpose="")

FOR_DEVICE = replace(CONSENT, redirect_host="", device_code="BCDF-GHJK")
DEVICE = DevicePage(frame=frame(ALICE), action="/device", code="BCDF-GHJK")
DEVICE_CHECK = DeviceCheckPage(
    frame=frame(ALICE),
    action="/device/answer",
    ix="ix_01",
    code="BCDF-GHJK",
    client="desk-cli",
    agent="Desk assistant",
    peer="203.0.113.9",
    asked_at=ago(minutes=2),
    expires_at=ahead(minutes=3),
)
DEVICE_DONE = DeviceDonePage(frame=frame(ALICE), allowed=True, my_agents="/account")

CARD = AgentCard(
    agent="Meeting scheduler",
    client="Meeting scheduler",
    owner="dana@acme.example",
    purpose="Finds a time that suits everybody and books the room.",
    resource=CALENDAR,
    can=(
        Words(name="read:calendar", sentence="See your events and who attends", risk="read"),
        Words(name="write:calendar", sentence="Add and change events", risk="change"),
    ),
    state="active",
    granted_at=ago(days=2),
    last_used=ago(minutes=3),
    expires_at=ahead(days=28),
    held=(HeldLine(since=ago(days=2), ways=WAYS),),
    effect="Ends 2 sessions within a second.",
    stop="/account/grants/grt_1/stop",
    change="/account/grants/grt_1/change",
)
STOPPED = AgentCard(
    agent="Invoice helper",
    client="invoice-cli",
    owner="sam@acme.example",
    purpose="Reads invoices and prepares payment runs.",
    resource=INVOICES,
    can=(
        Words(name="invoices.read", sentence="Read invoices", risk="read"),
        Words(name="payments.create", sentence="Pay up to 500 EUR a day", risk="destroy"),
    ),
    state="stopped",
    granted_at=ago(days=9),
    last_used=ago(hours=5),
    expires_at=ahead(days=21),
    stopped=StopNote(by="alice@acme.example", reason="asked for by me", since=ago(minutes=12)),
    resume="/account/grants/grt_2/resume",
)
EXPIRED = replace(
    CARD,
    agent="Travel desk",
    client="Travel desk",
    state="expired",
    expires_at=ago(days=1),
    stop="",
    change="",
    effect="",
)

SETUP = SetupPage(frame=frame(), action="/setup", token="rmt_su_x", name="Dana", email="dana@acme.example")

AGENT_NAME = Member(
    name="name", kind=Kind(before="text", after=", 1 to 80 characters"), about="Left out: `x`.", required=True
)
AGENT_STATE = Member(name="state", kind=Kind(before="list of ", of="AgentState", after=" or null"))

ACCOUNT: dict[str, View] = {
    "my activity": ActivityPage(
        frame=replace(frame(ALICE), theme="dark", here="/account/activity?show=calls"),
        back="/account",
        chips=(Link(label="Everything", href="/account/activity", current=True),),
        rows=(
            ActivityRow(
                at=ago(minutes=2),
                summary="Used read:calendar",
                agent="Meeting scheduler",
                resource="Calendar",
                outcome="ok",
            ),
            ActivityRow(at=ago(hours=2), summary="You signed in", agent="", resource="", outcome="ok"),
        ),
        older="/account/activity?before=7",
    ),
    "sign in": SignInPage(frame=frame(), action="/account/sign-in", ix="ix_01", client="Meeting scheduler"),
    "sign in again after a mistake": SignInPage(
        frame=frame(),
        action="/account/sign-in",
        ix="",
        email="alice@acme.example",
        error="That address and password do not fit together.",
    ),
    "consent": CONSENT,
    "consent within limits": LIMITED,
    "consent to more, for an app on this computer": DELTA,
    "consent for an imitation": IMITATION,
    "consent to what a device asks": FOR_DEVICE,
    "the code of a device": DEVICE,
    "the code of a device, mistyped": replace(DEVICE, code="BCDF", error="A code is eight letters, as in BCDF-GHJK."),
    "did you start this yourself": DEVICE_CHECK,
    "back to the device": DEVICE_DONE,
    "the device is told no": replace(DEVICE_DONE, allowed=False),
    "error": ErrorPage(
        frame=frame(),
        title="This link cannot be followed",
        happened="The app that sent you here named an address that it has not registered. You were not sent there.",
        todo="Go back to the app and start again. If this repeats, tell whoever runs it and quote the request below.",
        request_id="req_01jbt6k2v7e8rs4w9xh3m5n0qi",
        code="invalid_request",
        explained="/docs#invalid_request",
        back="/account",
        back_label="My agents",
    ),
    "docs": DocsPage(
        frame=frame(),
        issuer="https://id.acme.example",
        metadata="https://id.acme.example/.well-known/openid-configuration",
        reference="https://id.acme.example/docs/api",
        errors=(ErrorRow(code="invalid_target", means="It is unknown.", todo="Send `resource` with its URI."),),
    ),
    "API reference": ReferencePage(
        frame=frame(),
        title="REST API",
        about="Every call needs an access token for `{issuer}/api`.",
        base="https://id.acme.example",
        document="https://id.acme.example/api/v1/openapi.json",
        groups=(
            Group(
                name="agents",
                operations=(
                    OperationRow(
                        id="change_agent",
                        method="PATCH",
                        path="/api/v1/agents/{agent}",
                        summary="Change an agent",
                        permission="agents:write",
                        parameters=(Member(name="agent", kind=Kind(before="text"), where="path", required=True),),
                        body="AgentChanges",
                        answer="AgentView",
                        statuses=(("200", "Done."), ("404", "There is nothing here.")),
                    ),
                ),
            ),
        ),
        shapes=(
            ShapeRow(name="AgentChanges", about="What shall be different.", members=(AGENT_NAME,)),
            ShapeRow(name="AgentView", about="An agent.", members=(AGENT_STATE,)),
            ShapeRow(name="AgentState", about="", values=("staged", "active", "retired")),
        ),
    ),
    "error of an app nobody vouched for": ErrorPage(
        frame=frame(ALICE),
        title="This cannot go on",
        happened="None of the scopes is open to this agent here.",
        todo="Go back to the app that sent you here and start again.",
        request_id="req_01jbt6k2v7e8rs4w9xh3m5n0qi",
        code="invalid_scope",
        back="/account",
        back_label="My agents",
        onward=Onward(href="https://notes.example/cb?error=invalid_scope&state=a%22b", host="notes.example"),
    ),
    "my agents": MyAgentsPage(
        frame=frame(
            ALICE,
            notice=Notice(text="Invoice helper is stopped. 2 sessions ended.", undo="/account/grants/grt_2/resume"),
        ),
        cards=(CARD, STOPPED, EXPIRED),
        stop_all="/account/stop-all",
        stop_all_effect="Ends 2 sessions within a second.",
    ),
    "change": ChangePage(
        frame=frame(ALICE),
        action="/account/grants/grt_1/change",
        stop="/account/grants/grt_1/stop",
        back="/account",
        agent="Meeting scheduler",
        client="Meeting scheduler",
        owner="dana@acme.example",
        purpose="Finds a time that suits everybody and books the room.",
        resource=CALENDAR,
        permissions=(READ, WRITE),
        granted_at=ago(days=2),
        expires_at=ahead(days=28),
    ),
    "an answer in a form": PostingPage(
        frame=frame(),
        action="https://app.example/cb?a=1&b=2",
        fields=(("code", "c"), ("state", '"><b>')),
        host="app.example",
    ),
    "signed out": SignedOutPage(frame=frame(), sign_in="/account/sign-in", agents_still_work=True),
    "signed out by an app": SignedOutPage(
        frame=frame(),
        sign_in="/account/sign-in",
        agents_still_work=False,
        onward=Onward(href="https://app.example/bye?state=s", host="app.example"),
    ),
    "second step": SecondFactorPage(
        frame=frame(),
        action="/login/code",
        ix="ix_01",
        half="h_01",
        again="/login",
        error="That code is not right, or it was used: wait for the next one.",
    ),
    "security, password alone": SecurityPage(
        frame=frame(ALICE),
        back="/account",
        state="off",
        base="/account/security",
        error=FieldError(name="password", text="That is not your password."),
    ),
    "security, begun": SecurityPage(
        frame=frame(ALICE),
        back="/account",
        state="pending",
        base="/account/security",
        secret="JBSW Y3DP EHPK 3PXP",
        address="otpauth://totp/Acme%20EU:alice@acme.example?secret=JBSWY3DPEHPK3PXP&issuer=Acme%20EU",
    ),
    "security, two steps": SecurityPage(
        frame=frame(ALICE),
        back="/account",
        state="on",
        base="/account/security",
        codes=("0abcd-efgh1", "2jkmn-pqrs3"),
        codes_left=10,
    ),
    "asked to sign out": SignOutPage(
        frame=frame(ALICE),
        action="/logout",
        ix="ix_02",
        client="Meeting scheduler",
        name="Alice Moreau",
        email="alice@acme.example",
        host="scheduler.acme.example",
        stay="/account",
    ),
    "setup": SETUP,
    "setup after a mistake": SetupPage(
        frame=frame(),
        action="/setup",
        token="rmt_su_x",
        name="Dana",
        errors=(
            FieldError(name="email", text="Enter an e-mail address"),
            FieldError(name="password", text="Use at least 12 characters"),
            FieldError(name="password_again", text="Type the same password twice"),
        ),
    ),
}
