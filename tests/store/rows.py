"""One of everything. Both tenants of a test hold rows of the same ids and names, so only the wall tells them apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from remit.core.admission import Admission, Documents, InitialToken, Registrations
from remit.core.agents import Agent, AgentState, Remit, ScopeKey
from remit.core.audit.events import Event, SignInRefused, TokenIntrospected, TokenIssued, Who
from remit.core.clients import AuthMethod, Client, ClientState, GrantType, Logout
from remit.core.credentials import StoredSecret, Use
from remit.core.grants import Code, CodeState, Grant, GrantState, Line
from remit.core.keys import KeyState, KeyUse, SigningKey
from remit.core.lifetimes import ChosenLifetimes
from remit.core.names import (
    AgentId,
    ClientId,
    GrantId,
    Kid,
    LineId,
    RemitId,
    ResourceId,
    SessionId,
    StopId,
    TenantId,
    UserId,
)
from remit.core.oauth.device import DeviceRequest, DeviceState
from remit.core.oauth.documents import Reading
from remit.core.oauth.logout import LogoutNotice
from remit.core.oauth.pushed import PushedRequest
from remit.core.resources import Resource, ResourceState, Risk, Scope
from remit.core.sessions import LoginSession
from remit.core.stops import Stop, Target, TargetKind
from remit.core.tenants import Tenant, TenantState, issuer_of
from remit.core.tokens import RefreshState, RefreshToken
from remit.core.totp import SecondFactor
from remit.core.users import Role, User, UserState
from remit.ports.work import Database, Reply, Work

BASE = "http://127.0.0.1:8700"
NOW = datetime(2026, 11, 25, 12, 0, 0, 123_000, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)

ACME = TenantId("tnt_acme")
GLOBEX = TenantId("tnt_globex")
USER = UserId("usr_1")
AGENT = AgentId("agt_1")
CLIENT = ClientId("cli_1")
RESOURCE = ResourceId("res_1")
GRANT = GrantId("grt_1")
ADMIN_GRANT = GrantId("grt_2")
LINE = LineId("lin_1")
SESSION = SessionId("ses_1")
STOP = StopId("stp_1")
KID = Kid("kid_1")
CODE = "ac_1"
PUSHED = "pr_1"
DEVICE = "dc_1"
TOKEN = "rt_1"
URI = "https://calendar.example/"
TARGET = Target(TargetKind.AGENT, AGENT)


def a_tenant(tenant: TenantId) -> Tenant:
    slug = tenant.removeprefix("tnt_")
    return Tenant(
        id=tenant,
        slug=slug,
        name=slug.title(),
        issuer=issuer_of(BASE, slug),
        state=TenantState.ACTIVE,
        rights_on=False,
        lifetimes=ChosenLifetimes(access_seconds=300, refresh_idle_days=2, refresh_absolute_days=20),
    )


KEY = SigningKey(
    kid=KID,
    alg="ES256",
    use=KeyUse.ACCESS,
    state=KeyState.NEXT,
    public="{}",
    sealed=b"sealed\0",
    created_at=NOW,
    changed_at=NOW,
)
A_USER = User(
    id=USER,
    email="Alice@Example.com",
    name="Alice",
    role=Role.ADMIN,
    state=UserState.ACTIVE,
    password_hash="$argon2id$",
)
AN_AGENT = Agent(
    id=AGENT,
    name="Planner",
    purpose="plans meetings",
    owner=USER,
    sponsor=None,
    role="assistant",
    model="m-1",
    state=AgentState.ACTIVE,
    created_at=NOW,
)
A_REMIT = Remit(
    id=RemitId("rem_1"),
    agent=AGENT,
    version=1,
    scopes=frozenset({ScopeKey(RESOURCE, "read:calendar"), ScopeKey(RESOURCE, "write:calendar")}),
    expires_at=LATER,
    token_seconds=600,
    dpop_bound=True,
)
A_REPLY = Reply(request=b"digest\0", status=201, body=b"{}")
A_RESOURCE = Resource(
    id=RESOURCE,
    uri=URI,
    name="Calendar",
    state=ResourceState.ACTIVE,
    token_seconds=None,
    scopes=(
        Scope(name="write:calendar", sentence="change your calendar", risk=Risk.CHANGE, sensitive=True),
        Scope(name="read:calendar", sentence="read your calendar", risk=Risk.READ),
    ),
    details_types=frozenset({"remit_tool_call"}),
    dpop_bound=True,
)
A_SECRET = StoredSecret(id="sec_1", digest=b"\0digest", created_at=NOW, expires_at=LATER)
A_USE = Use(holder=CLIENT, credential="sec_1", at=NOW)
DOCUMENT = ClientId("https://app.example/client.json")
A_CLIENT = Client(
    id=CLIENT,
    agent=AGENT,
    name="planner-web",
    auth_method=AuthMethod.SECRET_BASIC,
    application_type="web",
    redirect_uris=("https://b.example/cb", "https://a.example/cb"),
    grant_types=frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN}),
    default_resource=RESOURCE,
    default_scopes=frozenset({"read:calendar"}),
    jwks='{"keys":[]}',
    jwks_at=NOW,
    old_jwks='{"keys":[{}]}',
    old_jwks_until=LATER,
    self_registered=False,
    version=3,
    id_token_alg="RS256",
    require_pushed=True,
    require_signed=False,
    document=DOCUMENT,
    home="https://app.example/",
    details_types=frozenset({"remit_tool_call"}),
    logout=Logout(
        redirect_uris=("https://b.example/bye", "https://a.example/bye"),
        backchannel_uri="https://a.example/told",
        backchannel_session=True,
    ),
    state=ClientState.ACTIVE,
    created_at=NOW,
)
AN_ADMISSION = Admission(
    registration=Registrations.TOKEN, documents=Documents.LISTED, hosts=("b.example", "a.example"), same_origin=True
)
AN_INITIAL_TOKEN = InitialToken(id="it_1", digest=b"\0digest", note="laptops", uses=1, created_at=NOW, expires_at=LATER)
AN_ACCESS = StoredSecret(id="ra_1", digest=b"\0digest", created_at=NOW, expires_at=None)
A_READING = Reading(etag='"1"', read_at=NOW, fresh_until=LATER)
A_GRANT = Grant(
    id=GRANT,
    user=USER,
    agent=AGENT,
    client=CLIENT,
    resource=RESOURCE,
    scopes=frozenset({"read:calendar", "write:calendar"}),
    purpose="plans meetings",
    approver=USER,
    state=GrantState.ACTIVE,
    created_at=NOW,
    expires_at=LATER,
)
AN_ADMIN_GRANT = replace(A_GRANT, id=ADMIN_GRANT, user=None)
A_LINE = Line(
    id=LINE,
    grant=GRANT,
    user=USER,
    agent=AGENT,
    client=CLIENT,
    client_version=3,
    redirect_uri="https://a.example/cb",
    resource=RESOURCE,
    scopes=frozenset({"read:calendar"}),
    session=SESSION,
    while_away=True,
    state=GrantState.ACTIVE,
    created_at=NOW,
    expires_at=LATER,
    details='[{"tools":["create_event"],"type":"remit_tool_call"}]',
)
A_CODE = Code(
    id=CODE,
    digest=b"\x01code",
    line=LINE,
    client=CLIENT,
    redirect_uri="https://a.example/cb",
    redirect_sent=True,
    challenge="c",
    nonce=None,
    auth_time=NOW,
    amr=("pwd", "otp"),
    state=CodeState.LIVE,
    expires_at=LATER,
)
A_PUSHED = PushedRequest(
    id=PUSHED,
    digest=b"\x04pushed",
    client=CLIENT,
    parameters=(("client_id", CLIENT), ("state", "s")),
    expires_at=LATER,
)
A_DEVICE = DeviceRequest(
    id=DEVICE,
    digest=b"\x05device",
    user_code="tag",
    client=CLIENT,
    client_version=3,
    resource=RESOURCE,
    scopes=("read", "write"),
    details="[]",
    max_age=60,
    acr="level",
    peer="203.0.113.9",
    jkt="k",
    state=DeviceState.APPROVED,
    interval=10,
    next_at=NOW,
    created_at=NOW,
    expires_at=LATER,
    line=LINE,
    auth_time=NOW,
    amr=("pwd", "otp"),
)
A_WAITING_DEVICE = replace(
    A_DEVICE, id="dc_2", user_code="tag2", state=DeviceState.PENDING, line=None, auth_time=None, amr=()
)
A_TOKEN = RefreshToken(
    id=TOKEN,
    digest=b"\x02token",
    line=LINE,
    state=RefreshState.LIVE,
    issued_at=NOW,
    expires_at=LATER,
    spent_at=None,
    successor=None,
    sealed=None,
    successor_state=None,
)
A_STOP = Stop(
    id=STOP,
    target=TARGET,
    reason="looks odd",
    actor_kind="user",
    actor=USER,
    started_at=NOW,
    ends_at=None,
    lifted_at=None,
    lifted_by=None,
    epoch=0,
)
A_SESSION = LoginSession(
    id=SESSION,
    digest=b"\x03session",
    user=USER,
    auth_time=NOW,
    amr=("pwd",),
    last_seen=NOW,
    ended_at=None,
    follows=SessionId("ses_0"),
)
A_FACTOR = SecondFactor(user=USER, sealed=b"sealed\0", last_step=7, created_at=NOW, confirmed_at=None)
AN_ACTIVE_FACTOR = replace(A_FACTOR, last_step=9, confirmed_at=NOW)
A_NOTICE = LogoutNotice(id="ln_1", client=CLIENT, user=USER, session=SESSION, tries=0, created_at=NOW)
WHO = Who(actor_kind="client", actor=CLIENT, user=USER, agent=AGENT, client=CLIENT, grant=GRANT, jti="tok_1")
ISSUED: Event = TokenIssued(
    who=WHO,
    grant_type="refresh_token",
    requested=("read:calendar",),
    scopes=("read:calendar",),
    removed=(),
    expires_at="2026-11-25T13:00:00Z",
)
REFUSED: Event = SignInRefused(who=Who(actor_kind="stranger", actor="-", peer="192.0.2.7"), reason="password")
ASKED: Event = TokenIntrospected(who=WHO)


async def add_tenants(db: Database) -> None:
    async with db.system() as system:
        for tenant in (ACME, GLOBEX):
            assert await system.add_tenant(a_tenant(tenant), at=NOW)


async def furnish(work: Work) -> None:
    """Put one of everything into the tenant."""
    assert await work.facts.settle("settled", "first") == "first"
    await work.keys.add(KEY)
    assert await work.users.add(A_USER, at=NOW)
    assert await work.resources.add(A_RESOURCE, at=NOW)
    await work.resources.add_secret(RESOURCE, A_SECRET)
    await work.users.set_rights(USER, RESOURCE, frozenset({"read:calendar"}))
    assert await work.agents.add(AN_AGENT)
    await work.agents.publish(A_REMIT, at=NOW)
    await work.clients.add(A_CLIENT)
    await work.admission.choose(AN_ADMISSION)
    await work.registrations.add(AN_INITIAL_TOKEN)
    await work.registrations.set_access(CLIENT, AN_ACCESS)
    await work.readings.put(CLIENT, "document", A_READING)
    await work.replies.keep("cli_1", "key", A_REPLY, until=LATER)
    await work.clients.add_secret(CLIENT, A_SECRET)
    await work.credentials.used([A_USE])
    await work.grants.add(A_GRANT)
    await work.grants.add(AN_ADMIN_GRANT)
    await work.lines.add(A_LINE)
    await work.codes.add(A_CODE)
    await work.pushed.add(A_PUSHED)
    await work.devices.add(A_DEVICE)
    await work.devices.add(A_WAITING_DEVICE)
    await work.refresh_tokens.add(A_TOKEN)
    await work.sessions.add(A_SESSION)
    await work.logout_notices.add(A_NOTICE)
    assert await work.second_factors.begin(A_FACTOR)
    assert await work.second_factors.confirm(A_FACTOR, step=9, at=NOW)
    await work.second_factors.set_recovery(USER, ["tag_1", "tag_2"])
    await work.stops.place(A_STOP)
    await work.events.append(ISSUED, at=NOW)
    await work.decisions.count(GRANT, "read:calendar", permitted=True, at=NOW)
    await work.decisions.used(A_GRANT, "read:calendar", at=NOW)
    assert await work.audit.add_checkpoint(1, "note", at=NOW)
