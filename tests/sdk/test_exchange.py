"""`TokenExchange`: a guarded API acts on for whoever calls it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from remit_sdk import BoundToken, Refused, TokenExchange
from remit_sdk.caller import Caller, caller_of, calling
from remit_sdk.verify import Rejected
from tests.sdk.clock import NOW, StillClock
from tests.sdk.issuer import running_issuer, thumbprint, unb64
from tests.sdk.test_forged_tokens import check, good

NEXT = "https://next.example/"


@pytest.fixture
def issuer():
    with running_issuer(now=NOW) as issuer:
        yield issuer


@pytest.fixture
def clock():
    return StillClock()


def exchanger(issuer, clock, secret="secret"):
    return TokenExchange(issuer.base, client_id="cli_helper", client_secret=secret, clock=clock)


def caller(**changes) -> Caller:
    text = good(**changes)
    return caller_of(check(text), scopes=frozenset({"read:calendar"}), presented=text)


async def test_the_token_of_the_call_at_hand_is_shown(issuer, clock):
    with calling(caller()) as _, pytest.raises(Refused) as told:
        exchanger(issuer, clock, secret="wrong").token(resource=NEXT, scopes="read:calendar")
    assert told.value.error == "invalid_client"
    shown = caller()
    with calling(shown):
        token = await exchanger(issuer, clock).atoken(resource=NEXT, scopes=["read:calendar"])
    form = issuer.forms[-1]
    assert (form["subject_token"], form["resource"], form["scope"]) == (shown.presented, NEXT, "read:calendar")
    assert token
    assert shown.presented not in repr(shown)


@pytest.mark.requirement("TX-12")
def test_what_comes_out_may_be_bound_to_a_key_of_its_own(issuer, clock):
    acts = TokenExchange(issuer.base, client_id="cli_helper", client_secret="secret", dpop=True, clock=clock)
    on: Any = {"resource": NEXT, "scopes": "read:calendar", "caller": caller()}
    with pytest.raises(BoundToken):
        acts.token(**on)
    first, second = (acts.headers("POST", f"{NEXT}events?x=y", nonce=nonce, **on) for nonce in (None, "one"))
    assert first["Authorization"] == second["Authorization"] == f"DPoP {first['Authorization'].split()[-1]}"
    (asked,) = issuer.proofs
    token = first["Authorization"].split()[-1]
    assert json.loads(unb64(token.split(".")[1]))["cnf"] == {"jkt": asked["jkt"]}
    header, told = (json.loads(unb64(part)) for part in second["DPoP"].split(".")[:2])
    assert thumbprint(header["jwk"]) == asked["jkt"]
    assert (told["htm"], told["htu"], told["nonce"]) == ("POST", f"{NEXT}events", "one")
    assert first["DPoP"] != second["DPoP"]


def test_a_bearer_token_goes_alone(issuer, clock):
    made = exchanger(issuer, clock).headers("GET", NEXT, resource=NEXT, scopes="read:calendar", caller=caller())
    assert [*made] == ["Authorization"]
    assert made["Authorization"].startswith("Bearer ")
    assert issuer.proofs == []


def test_without_a_call_there_is_nobody_to_act_for(issuer, clock):
    with pytest.raises(LookupError):
        exchanger(issuer, clock).token(resource=NEXT, scopes="read:calendar")


def test_a_token_is_asked_for_once_while_it_lives(issuer, clock):
    one, other, acts = caller(), caller(jti="tok_other"), exchanger(issuer, clock)
    first = acts.token(resource=NEXT, scopes="read:calendar", caller=one)
    assert acts.token(resource=NEXT, scopes="read:calendar", caller=one) == first
    assert len(issuer.forms) == 1
    for changed in (
        {"caller": other},
        {"resource": "https://third.example/"},
        {"scopes": "write:calendar"},
    ):
        acts.token(**{"resource": NEXT, "scopes": "read:calendar", "caller": one, **changed})
    assert len(issuer.forms) == 4
    clock.advance(issuer.lifetime - 5)
    acts.token(resource=NEXT, scopes="read:calendar", caller=one)
    assert len(issuer.forms) == 5


ACT = {"sub": "agt_finder", "client_id": "cli_finder", "act": {"sub": "agt_scheduler", "client_id": "cli_scheduler"}}


def test_a_caller_tells_who_acts():
    told = caller(act=ACT, via={"agent": ["agt_helper"]})
    assert told.acting == ("agt_finder", "agt_scheduler")
    assert caller().acting == ()
    # Who was allowed first may have been an agent by itself: then there is no user.
    alone = caller(act=ACT, via={"agent": ["agt_alone"]}, sub="agt_alone")
    assert (alone.user, alone.sub) == (None, "agt_alone")


MALFORMED = {
    "an actor without a way": {"act": ACT},
    "a way without an actor": {"via": {"agent": ["agt_helper"]}},
    "a way that is a list": {"act": ACT, "via": ["agt_helper"]},
    "an id that is a number": {"act": ACT, "via": {"agent": [1]}},
    "ids that are a text": {"act": ACT, "via": {"agent": "agt_helper"}},
    "an id without a letter": {"act": ACT, "via": {"agent": [""]}},
}


@pytest.mark.parametrize("claims", MALFORMED.values(), ids=MALFORMED)
def test_a_chain_that_no_stop_could_end_is_refused(claims):
    assert isinstance(check(good(**claims)), Rejected)


SETTINGS = {
    "no secret": {},
    "two ways to prove itself": {"client_secret": "s", "private_key": "k"},
    "an issuer that is none": {"issuer": "ftp://id.example", "client_secret": "s"},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_settings_that_cannot_be_meant(settings):
    with pytest.raises(ValueError, match=r"proves itself in one way|is no https URL"):
        TokenExchange(**{"issuer": "https://id.example", "client_id": "cli", **settings})
