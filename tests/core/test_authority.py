"""The one rule of authority: everybody is live, and nothing exceeds any ceiling."""

from dataclasses import fields, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.agents import AgentState
from remit.core.authority import (
    MAX_TOKEN_SECONDS,
    Ceiling,
    Chain,
    Dead,
    attenuate,
    lives_until,
    of_grant,
    of_line,
    of_remit,
    of_resource,
    of_rights,
    of_tenant,
    of_way,
    principal_live,
)
from remit.core.clients import ClientState
from remit.core.grants import GrantState
from remit.core.oauth.scopes import IDENTITY_SCOPES
from remit.core.resources import ResourceState
from remit.core.sessions import SESSION_ABSOLUTE, SESSION_IDLE
from remit.core.stops import Target, TargetKind
from remit.core.tenants import TenantState
from remit.core.users import Rights, UserState
from tests.core.nouns import (
    AGENT,
    ALICE,
    CALENDAR,
    CHAIN,
    CLIENT,
    GRANT,
    LATER,
    LINE,
    NOW,
    PARTY,
    REMIT,
    RESOURCE,
    SECOND,
    SESSION,
    STOP,
    TENANT,
)


def a_stop(kind, target, **changes):
    return replace(STOP, target=Target(kind, target), **changes)


AWAY = replace(LINE, while_away=False)


def with_party(**changes):
    return replace(CHAIN, party=replace(PARTY, **changes))


STATES = {
    "a suspended tenant": (
        replace(CHAIN, tenant=replace(TENANT, state=TenantState.SUSPENDED)),
        "the tenant is suspended",
    ),
    "a retired client": (with_party(client=replace(CLIENT, state=ClientState.RETIRED)), "the client is retired"),
    "a staged agent": (with_party(agent=replace(AGENT, state=AgentState.STAGED)), "the agent is staged"),
    "a retired agent": (with_party(agent=replace(AGENT, state=AgentState.RETIRED)), "the agent is retired"),
    "an agent that nobody answers for": (with_party(agent=replace(AGENT, owner=None)), "the agent has no owner"),
    "an inactive user": (replace(CHAIN, user=replace(ALICE, state=UserState.INACTIVE)), "the user is inactive"),
    "a disabled resource": (
        replace(CHAIN, resource=replace(RESOURCE, state=ResourceState.DISABLED)),
        "the resource is disabled",
    ),
    "a revoked grant": (replace(CHAIN, grant=replace(GRANT, state=GrantState.REVOKED)), "the grant was revoked"),
    "a revoked line": (replace(CHAIN, line=replace(LINE, state=GrantState.REVOKED)), "the line was revoked"),
    "an agent without a remit": (with_party(remit=None), "the remit is missing: the agent has no active remit"),
    "a remit that ends on this very second": (with_party(remit=replace(REMIT, expires_at=NOW)), "the remit expired"),
    "a grant that ends on this very second": (
        replace(CHAIN, grant=replace(GRANT, expires_at=NOW)),
        "the grant expired",
    ),
    "a line that ends on this very second": (replace(CHAIN, line=replace(LINE, expires_at=NOW)), "the line expired"),
    "a line that needs its session, which nobody knows any more": (
        replace(CHAIN, line=AWAY, login=None),
        "the login session ended",
    ),
    "a line that needs its session, which was ended": (
        replace(CHAIN, line=AWAY, login=replace(SESSION, ended_at=NOW)),
        "the login session ended",
    ),
    "a line that needs its session, which was idle too long": (
        replace(CHAIN, line=AWAY, login=replace(SESSION, last_seen=NOW - SESSION_IDLE)),
        "the login session ended",
    ),
    "a line that needs its session, which is a week old": (
        replace(CHAIN, line=AWAY, login=replace(SESSION, auth_time=NOW - SESSION_ABSOLUTE)),
        "the login session ended",
    ),
}


@pytest.mark.parametrize(("chain", "told"), STATES.values(), ids=STATES)
def test_one_dead_part_ends_the_chain(chain, told):
    verdict = principal_live(chain, (), now=NOW)
    assert verdict is not None
    assert verdict.hint == told


ALIVE = {
    "everybody is live": CHAIN,
    "an agent that acts for itself has no user, no line and no session": replace(
        CHAIN, user=None, line=None, session=None, login=None
    ),
    "before consent there is neither grant nor line": replace(CHAIN, grant=None, line=None),
    "before a resource is chosen there is none": replace(CHAIN, resource=None),
    "a line that needs its session, which is open": replace(CHAIN, line=AWAY),
    "a line that may go on does not ask for the session": replace(CHAIN, login=None),
    "a remit without an end": with_party(remit=replace(REMIT, expires_at=None)),
    "a grant without an end": replace(CHAIN, grant=replace(GRANT, expires_at=None)),
    "everything ends a second later": replace(
        with_party(remit=replace(REMIT, expires_at=NOW + SECOND)),
        grant=replace(GRANT, expires_at=NOW + SECOND),
        line=replace(LINE, expires_at=NOW + SECOND),
    ),
}


@pytest.mark.parametrize("chain", ALIVE.values(), ids=ALIVE)
def test_the_living_are_let_through(chain):
    assert principal_live(chain, (), now=NOW) is None


MOMENTS = st.none() | st.integers(1, 900_000).map(lambda seconds: NOW + seconds * SECOND)


@given(remit=MOMENTS, grant=MOMENTS, line=MOMENTS, idle=st.integers(0, 28_000), away=st.booleans(),
       earlier=st.lists(MOMENTS, max_size=3))  # fmt: skip
def test_a_live_chain_lives_exactly_until_its_first_end(remit, grant, line, idle, away, earlier):
    chain = replace(
        with_party(remit=replace(REMIT, expires_at=remit)),
        before=tuple(replace(PARTY, remit=replace(REMIT, expires_at=end)) for end in earlier),
        grant=replace(GRANT, expires_at=grant),
        line=replace(LINE, expires_at=line, while_away=away),
        login=replace(SESSION, last_seen=NOW - idle * SECOND),
    )
    end = lives_until(chain)
    assert principal_live(chain, (), now=NOW) is None
    if end is None:
        assert principal_live(chain, (), now=NOW + 1000 * SESSION_ABSOLUTE) is None
    else:
        assert principal_live(chain, (), now=end - SECOND) is None
        assert principal_live(chain, (), now=end) is not None


FIRST_ENDS = {
    "an agent that acts for itself": (replace(CHAIN, user=None, line=None, login=None), LATER),
    "nobody but the agent": (Chain(tenant=TENANT, party=replace(PARTY, remit=None)), None),
    "a login that no line needs": (replace(CHAIN, line=None), LATER),
}


@pytest.mark.parametrize(("chain", "end"), FIRST_ENDS.values(), ids=FIRST_ENDS)
def test_what_is_not_there_ends_nothing(chain, end):
    assert lives_until(chain) == end


BOUND = {
    "nobody asks": (CHAIN, False),
    "nobody is there to ask": (replace(with_party(remit=None), resource=None), False),
    "its client asks": (with_party(client=replace(CLIENT, dpop_bound=True)), True),
    "the remit of its agent asks": (with_party(remit=replace(REMIT, dpop_bound=True)), True),
    "its resource asks": (replace(CHAIN, resource=replace(RESOURCE, dpop_bound=True)), True),
}


@pytest.mark.parametrize(("chain", "bound"), BOUND.values(), ids=BOUND)
def test_any_of_three_may_ask_for_a_key(chain, bound):
    assert chain.dpop_bound == bound


TARGETS = {
    TargetKind.TENANT: (TENANT.id, "the tenant was stopped"),
    TargetKind.AGENT: (AGENT.id, "the agent was stopped"),
    TargetKind.CLIENT: (CLIENT.id, "the client was stopped"),
    TargetKind.RESOURCE: (RESOURCE.id, "the resource was stopped"),
    TargetKind.USER: (ALICE.id, "the user was stopped"),
    TargetKind.GRANT: (GRANT.id, "the grant was stopped"),
    TargetKind.LINE: (LINE.id, "the line was stopped"),
    TargetKind.SESSION: (SESSION.id, "the login session was stopped"),
    TargetKind.KID: ("kid_1", "the signing key was stopped"),
    TargetKind.TOKEN: ("tok_1", "the token was stopped"),
}


def test_the_table_of_targets_is_complete():
    assert set(TARGETS) == set(TargetKind)


@pytest.mark.requirement("REV-8")
@pytest.mark.parametrize("kind", TargetKind)
def test_a_stop_ends_every_chain_that_names_its_target(kind):
    target, told = TARGETS[kind]
    chain = replace(CHAIN, line=AWAY)
    assert principal_live(chain, [a_stop(kind, target)], now=NOW) == Dead(told[4:-12], "was stopped")
    assert principal_live(chain, [a_stop(kind, "another")], now=NOW) is None


@pytest.mark.parametrize("kind", TargetKind)
def test_an_id_is_stopped_only_as_what_it_is(kind):
    wrong = next(other for other in TargetKind if other is not kind)
    assert principal_live(CHAIN, [a_stop(wrong, TARGETS[kind][0])], now=NOW) is None


IN_FORCE = {
    "without an end": ({}, True),
    "before its end": ({"ends_at": NOW + SECOND}, True),
    "over on the very second": ({"ends_at": NOW}, False),
    "lifted": ({"lifted_at": NOW - SECOND}, False),
    "lifted before its end": ({"ends_at": LATER, "lifted_at": NOW}, False),
}


@pytest.mark.parametrize(("changes", "in_force"), IN_FORCE.values(), ids=IN_FORCE)
def test_a_stop_counts_while_it_is_in_force(changes, in_force):
    verdict = principal_live(CHAIN, [a_stop(TargetKind.AGENT, AGENT.id, **changes)], now=NOW)
    assert (verdict is not None) == in_force


def test_the_end_of_a_session_leaves_a_line_alone_that_may_go_on():
    assert principal_live(CHAIN, [a_stop(TargetKind.SESSION, SESSION.id)], now=NOW) is None


def test_a_stop_is_told_before_the_state_that_it_changed():
    chain = replace(CHAIN, grant=replace(GRANT, state=GrantState.REVOKED))
    assert principal_live(chain, [a_stop(TargetKind.GRANT, GRANT.id)], now=NOW) == Dead("grant", "was stopped")


def test_every_part_of_a_chain_can_be_stopped():
    stopped = {target for target, _ in TARGETS.values()}
    named = {target.id for target in replace(CHAIN, line=AWAY).targets()}
    assert named == stopped
    assert {item.name for item in fields(Chain)} == {
        "tenant", "party", "resource", "user", "grant", "line", "session", "login", "kid", "jti", "details", "before",
        "passed", "via",
    }  # fmt: skip


def test_a_chain_names_only_what_it_has():
    bare = Chain(tenant=TENANT, party=PARTY)
    assert {target.kind for target in bare.targets()} == {TargetKind.TENANT, TargetKind.AGENT, TargetKind.CLIENT}
    assert {target.kind for target in CHAIN.targets()} == set(TargetKind) - {TargetKind.SESSION}


NAMES = st.frozensets(st.sampled_from(["openid", "offline_access", "read", "write", "delete", "pay"]))
TIMES = st.one_of(st.none(), st.integers(1, 10_000).map(lambda seconds: NOW + timedelta(seconds=seconds)))
SECONDS = st.one_of(st.none(), st.integers(1, 10_000))
CEILINGS = st.lists(
    st.builds(Ceiling, name=st.text(max_size=3), scopes=st.one_of(st.none(), NAMES), until=TIMES, seconds=SECONDS)
)


@pytest.mark.requirement("BCP-14")
@given(asked=NAMES, ceilings=CEILINGS)
def test_authority_never_exceeds_what_was_asked_nor_any_ceiling(asked, ceilings):
    left = attenuate(asked, ceilings, now=NOW)
    assert left.scopes <= asked
    assert left.expires_at <= NOW + timedelta(seconds=MAX_TOKEN_SECONDS)
    for ceiling in ceilings:
        assert ceiling.scopes is None or left.scopes <= ceiling.scopes
        assert ceiling.until is None or left.expires_at <= ceiling.until
        assert ceiling.seconds is None or left.expires_at <= NOW + timedelta(seconds=ceiling.seconds)


@given(asked=NAMES, ceilings=CEILINGS)
def test_nothing_is_taken_that_every_ceiling_allows(asked, ceilings):
    left = attenuate(asked, ceilings, now=NOW)
    for scope in asked - left.scopes:
        assert any(ceiling.scopes is not None and scope not in ceiling.scopes for ceiling in ceilings)
    limits = [NOW + timedelta(seconds=MAX_TOKEN_SECONDS)]
    limits += [ceiling.until for ceiling in ceilings if ceiling.until is not None]
    limits += [NOW + timedelta(seconds=ceiling.seconds) for ceiling in ceilings if ceiling.seconds is not None]
    assert left.expires_at == min(limits)


@given(asked=NAMES, ceilings=CEILINGS, data=st.data())
def test_the_order_of_ceilings_does_not_matter(asked, ceilings, data):
    shuffled = data.draw(st.permutations(ceilings))
    one, other = attenuate(asked, ceilings, now=NOW), attenuate(asked, shuffled, now=NOW)
    assert (one.scopes, one.expires_at) == (other.scopes, other.expires_at)


@given(asked=NAMES, ceilings=CEILINGS)
def test_what_was_removed_is_told_once_with_the_ceiling_that_took_it(asked, ceilings):
    left = attenuate(asked, ceilings, now=NOW)
    lost = [scope for _, scopes in left.removed for scope in scopes]
    assert sorted(lost) == sorted(asked - left.scopes)


@given(asked=NAMES, ceilings=CEILINGS, more=CEILINGS)
def test_another_ceiling_never_widens(asked, ceilings, more):
    before, after = attenuate(asked, ceilings, now=NOW), attenuate(asked, [*ceilings, *more], now=NOW)
    assert after.scopes <= before.scopes
    assert after.expires_at <= before.expires_at


BUILT = {
    "a remit allows its scopes of this resource, and whatever speaks of the user": (
        lambda: of_remit(REMIT, RESOURCE),
        Ceiling(name="remit", scopes=frozenset({"read", "write"}) | IDENTITY_SCOPES, until=LATER, seconds=600),
    ),
    "a resource allows what it defines": (
        lambda: of_resource(RESOURCE),
        Ceiling(name="resource", scopes=frozenset({"read", "write", "delete"}) | IDENTITY_SCOPES, seconds=300),
    ),
    "a resource on the way allows what it still defines, and does not shorten": (
        lambda: of_way(RESOURCE),
        Ceiling(name="earlier resource", scopes=frozenset({"read", "write", "delete"}) | IDENTITY_SCOPES),
    ),
    "rights that are off limit nothing": (
        lambda: of_rights(Rights(resource=CALENDAR, scopes=None)),
        Ceiling(name="user's rights", scopes=None),
    ),
    "rights that are on limit to what the user holds": (
        lambda: of_rights(Rights(resource=CALENDAR, scopes=frozenset({"read"}))),
        Ceiling(name="user's rights", scopes=frozenset({"read"}) | IDENTITY_SCOPES),
    ),
    "a user without any right can give none": (
        lambda: of_rights(Rights(resource=CALENDAR, scopes=frozenset())),
        Ceiling(name="user's rights", scopes=IDENTITY_SCOPES),
    ),
    "a grant allows what was approved, identity included": (
        lambda: of_grant(GRANT),
        Ceiling(name="grant", scopes=GRANT.scopes, until=LATER),
    ),
    "a line allows its own snapshot": (lambda: of_line(LINE), Ceiling(name="line", scopes=LINE.scopes, until=LATER)),
    "a tenant limits time only": (lambda: of_tenant(120), Ceiling(name="tenant policy", scopes=None, seconds=120)),
}


@pytest.mark.parametrize(("built", "expected"), BUILT.values(), ids=BUILT)
def test_the_ceiling_of_each_part(built, expected):
    assert built() == expected


@given(asked=NAMES)
def test_identity_scopes_pass_what_speaks_of_resources_only(asked):
    ceilings = [of_remit(replace(REMIT, scopes=frozenset()), RESOURCE), of_resource(replace(RESOURCE, scopes=()))]
    assert attenuate(asked, ceilings, now=NOW).scopes == asked & IDENTITY_SCOPES
