"""One of everything, all alive, for the rules to look at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from remit.core.agents import Agent, AgentState, Remit, ScopeKey
from remit.core.authority import Chain
from remit.core.clients import AuthMethod, Client, ClientState, GrantType, Party
from remit.core.grants import Code, CodeState, Grant, GrantState, Line
from remit.core.names import (
    AgentId,
    ClientId,
    GrantId,
    LineId,
    RemitId,
    ResourceId,
    SessionId,
    StopId,
    TenantId,
    UserId,
)
from remit.core.oauth.authorize import AuthorizeRequest
from remit.core.oauth.pkce import challenge_of
from remit.core.resources import Resource, ResourceState, Risk, Scope
from remit.core.sessions import LoginSession
from remit.core.stops import Stop, Target, TargetKind
from remit.core.tenants import Tenant, TenantState
from remit.core.tokens import RefreshState, RefreshToken
from remit.core.users import Role, User, UserState

NOW = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LATER = NOW + timedelta(days=1)
BOB, EVE = ClientId("cli_bob"), ClientId("cli_eve")
CALENDAR = ResourceId("res_calendar")
VERIFIER = "v" * 43
CALLBACK = "https://app.example/cb"
SCOPES = frozenset({"openid", "read", "write"})

TENANT = Tenant(
    id=TenantId("tnt_1"),
    slug="acme",
    name="Acme",
    issuer="https://id.example/t/acme",
    state=TenantState.ACTIVE,
    rights_on=False,
)
AGENT = Agent(
    id=AgentId("agt_1"),
    name="planner",
    purpose="plans",
    owner=UserId("usr_owner"),
    sponsor=None,
    role="",
    model="",
    state=AgentState.ACTIVE,
    created_at=NOW,
)
REMIT = Remit(
    id=RemitId("rem_1"),
    agent=AGENT.id,
    version=1,
    scopes=frozenset({ScopeKey(CALENDAR, "read"), ScopeKey(CALENDAR, "write"), ScopeKey(ResourceId("res_2"), "read")}),
    expires_at=LATER,
    token_seconds=600,
)
CLIENT = Client(
    id=BOB,
    agent=AGENT.id,
    name="web",
    auth_method=AuthMethod.SECRET_BASIC,
    application_type="web",
    redirect_uris=(CALLBACK,),
    grant_types=frozenset(GrantType),
    default_resource=CALENDAR,
    default_scopes=frozenset({"read"}),
    jwks=None,
    self_registered=False,
    version=3,
    id_token_alg="RS256",
    state=ClientState.ACTIVE,
    created_at=NOW,
)
RESOURCE = Resource(
    id=CALENDAR,
    uri="https://calendar.example/",
    name="Calendar",
    state=ResourceState.ACTIVE,
    token_seconds=300,
    scopes=tuple(Scope(name=name, sentence=name, risk=Risk.READ) for name in ("read", "write", "delete")),
)
ALICE = User(
    id=UserId("usr_alice"),
    email="alice@example.com",
    name="Alice",
    role=Role.USER,
    state=UserState.ACTIVE,
    password_hash=None,
)
GRANT = Grant(
    id=GrantId("grt_1"),
    user=ALICE.id,
    agent=AGENT.id,
    client=BOB,
    resource=CALENDAR,
    scopes=SCOPES,
    purpose="plans",
    approver=ALICE.id,
    state=GrantState.ACTIVE,
    created_at=NOW,
    expires_at=LATER,
)
SESSION = LoginSession(
    id=SessionId("ses_1"), digest=b"", user=ALICE.id, auth_time=NOW, amr=("pwd",), last_seen=NOW, ended_at=None
)
LINE = Line(
    id=LineId("lin_1"),
    grant=GRANT.id,
    user=ALICE.id,
    agent=AGENT.id,
    client=BOB,
    client_version=3,
    redirect_uri=CALLBACK,
    resource=CALENDAR,
    scopes=SCOPES,
    session=SESSION.id,
    while_away=True,
    state=GrantState.ACTIVE,
    created_at=NOW,
    expires_at=LATER,
)
PARTY = Party(client=CLIENT, agent=AGENT, remit=REMIT)
CHAIN = Chain(
    tenant=TENANT,
    party=PARTY,
    resource=RESOURCE,
    user=ALICE,
    grant=GRANT,
    line=LINE,
    session=SESSION.id,
    login=SESSION,
    kid="kid_1",
    jti="tok_1",
)
CODE = Code(
    id="c1",
    digest=b"",
    line=LINE.id,
    client=BOB,
    redirect_uri=CALLBACK,
    redirect_sent=True,
    challenge=challenge_of(VERIFIER),
    nonce=None,
    auth_time=NOW,
    amr=("pwd",),
    state=CodeState.LIVE,
    expires_at=NOW + timedelta(seconds=60),
)
TOKEN = RefreshToken(
    id="r1",
    digest=b"",
    line=LINE.id,
    state=RefreshState.LIVE,
    issued_at=NOW,
    expires_at=LATER,
    spent_at=None,
    successor=None,
    sealed=None,
    successor_state=None,
)
REQUEST = AuthorizeRequest(
    id="req_1",
    client=BOB,
    client_version=3,
    redirect_uri=CALLBACK,
    redirect_sent=True,
    resource=CALENDAR,
    scopes=("openid", "read"),
    state="s",
    nonce=None,
    challenge=challenge_of(VERIFIER),
    prompt=(),
    max_age=None,
    login_hint=None,
    hinted=None,
    posted=False,
    cross_site=False,
    at_ms=int(NOW.timestamp() * 1000),
)
STOP = Stop(
    id=StopId("stp_1"),
    target=Target(TargetKind.AGENT, AGENT.id),
    reason="odd",
    actor_kind="user",
    actor="usr_admin",
    started_at=NOW,
    ends_at=None,
    lifted_at=None,
    lifted_by=None,
    epoch=1,
)
