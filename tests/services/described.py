"""Descriptions of tenants that can be made: what Hypothesis draws, and how a test makes one so."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st

from remit.core.audit.events import Who
from remit.core.clients import AuthMethod, GrantType
from remit.core.resources import ResourceState, Risk
from remit.services.desired.apply import Applied, apply_changes, plan_for
from remit.services.desired.plan import Change
from remit.services.desired.state import (
    OWN_API,
    AgentDescribed,
    ClientDescribed,
    RemitDescribed,
    ResourceDescribed,
    ScopeState,
    State,
)
from tests.kit.clock import NOW
from tests.kit.world import SEEDER, sure

LETTERS = st.text("abcäß-_. <&'\"", min_size=1, max_size=12).map(str.strip).filter(bool)
SECONDS = st.none() | st.integers(60, 1800)
PEOPLE = st.sampled_from([None, "alice@example.com", "Admin@example.com"])
PUBLIC = frozenset({AuthMethod.NONE})


def scopes(prefix: str) -> st.SearchStrategy[list[ScopeState]]:
    one = st.builds(
        ScopeState,
        name=st.sampled_from([f"{prefix}:{verb}" for verb in ("see", "add", "drop", "pay")]),
        sentence=LETTERS,
        risk=st.sampled_from(Risk),
        sensitive=st.booleans(),
    )
    return st.lists(one, min_size=1, max_size=4, unique_by=lambda scope: scope.name)


@st.composite
def states(draw: st.DrawFn) -> State:
    """Draw a description that holds together: what it names, it describes."""
    resources = [
        ResourceDescribed(
            uri=f"https://r{number}.example/",
            name=draw(LETTERS),
            scopes=draw(scopes(f"r{number}")),
            state=draw(st.sampled_from(ResourceState)),
            token_seconds=draw(SECONDS),
            details_types=draw(st.sampled_from([[], ["remit_tool_call"]])),
        )
        for number in range(draw(st.integers(0, 3)))
    ]
    agents = [draw(agent(f"agent {number}", resources)) for number in range(draw(st.integers(0, 3)))]
    clients = [
        draw(client(f"client {number}", draw(st.sampled_from(agents)).name, resources))
        for number in range(draw(st.integers(0, 3)) if agents else 0)
    ]
    return State(resources=resources, agents=agents, clients=clients)


@st.composite
def agent(draw: st.DrawFn, name: str, resources: list[ResourceDescribed]) -> AgentDescribed:
    owner = draw(PEOPLE)
    allowed = {
        resource.uri: draw(st.lists(st.sampled_from([scope.name for scope in resource.scopes]), unique=True))
        for resource in resources
    }
    if draw(st.booleans()):
        allowed[OWN_API] = ["agents:read"]
    remit = RemitDescribed(
        scopes=allowed,
        expires_at=draw(st.none() | st.integers(1, 10**9).map(lambda ms: NOW + timedelta(milliseconds=ms))),
        token_seconds=draw(SECONDS),
    )
    return AgentDescribed(
        name=name,
        purpose=draw(LETTERS),
        owner=owner,
        sponsor=draw(PEOPLE),
        role=draw(st.just("") | LETTERS),
        model=draw(st.just("") | LETTERS),
        state=draw(st.sampled_from(["staged", "active"])) if owner else "staged",
        remit=draw(st.none() | st.just(remit)),
    )


@st.composite
def client(draw: st.DrawFn, name: str, agent: str, resources: list[ResourceDescribed]) -> ClientDescribed:
    method = draw(st.sampled_from([AuthMethod.NONE, AuthMethod.SECRET_BASIC, AuthMethod.SECRET_POST]))
    code = draw(st.booleans()) or method in PUBLIC
    grant_types = [GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN] if code else []
    if method not in PUBLIC and (not code or draw(st.booleans())):
        grant_types.append(GrantType.CLIENT_CREDENTIALS)
    resource = draw(st.none() | st.sampled_from(resources)) if resources else None
    uris = st.sampled_from([f"https://app.example/{number}" for number in range(5)])
    return ClientDescribed(
        name=name,
        agent=agent,
        auth_method=method,
        grant_types=grant_types,
        redirect_uris=draw(st.lists(uris, min_size=1, max_size=3, unique=True)) if code else [],
        default_resource=None if resource is None else resource.uri,
        default_scopes=[] if resource is None else [scope.name for scope in resource.scopes[:2]],
        id_token_alg=draw(st.sampled_from(["RS256", "ES256"])),
    )


async def make_so(remit, wanted: State, *, prune: bool = False, who: Who = SEEDER) -> tuple[Change, ...]:
    """Plan and apply; return what was done."""
    tenant = remit.acme.tenant.id
    changes = sure(await plan_for(tenant, remit.deps, wanted, prune=prune))
    applied: Applied = await apply_changes(tenant, remit.deps, who, changes)
    assert applied.refusal is None, (applied.failed, applied.refusal)
    assert len(applied.done) == len(changes)
    return changes
