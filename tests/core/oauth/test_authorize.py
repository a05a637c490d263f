"""What an authorization request asks for, and which step it needs next."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.clients import GrantType
from remit.core.grants import GrantState
from remit.core.names import ResourceId, SessionId, UserId
from remit.core.oauth.authorize import (
    LONGEST_STATE,
    REQUEST_LIFETIME,
    askable,
    judge_lengths,
    judge_parameters,
    judge_redirect,
    needs_login,
    remembered,
    some,
)
from remit.core.oauth.device import AskedByDevice
from remit.core.oauth.verdicts import Refusal
from tests.core.nouns import CALLBACK, CLIENT, GRANT, LINE, NOW, REQUEST, RESOURCE, SECOND, SESSION

OTHER = "https://app.example/other"
NOBODY = Refusal("invalid_request", "no such client: check client_id", redirect=False)
NOT_REGISTERED = Refusal(
    "invalid_request",
    "redirect_uri is not one that this client registered; it must match to the letter",
    redirect=False,
)
SEVERAL = Refusal("invalid_request", "send redirect_uri: this client registered several", redirect=False)
NO_CODES = Refusal("unauthorized_client", "this client is not registered for authorization_code", redirect=False)

REDIRECTS = {
    "the registered one": (CLIENT, CALLBACK, CALLBACK),
    "left out, and only one is registered": (CLIENT, None, CALLBACK),
    "left out, and two are registered": (replace(CLIENT, redirect_uris=(CALLBACK, OTHER)), None, SEVERAL),
    "left out, and none is registered": (replace(CLIENT, redirect_uris=()), None, SEVERAL),
    "another one": (CLIENT, OTHER, NOT_REGISTERED),
    "nobody": (None, CALLBACK, NOBODY),
    "a client that gets no codes": (
        replace(CLIENT, grant_types=frozenset({GrantType.CLIENT_CREDENTIALS})),
        CALLBACK,
        NO_CODES,
    ),
    "any port on this computer": (
        replace(CLIENT, redirect_uris=("http://127.0.0.1/cb",)),
        "http://127.0.0.1:53121/cb",
        "http://127.0.0.1:53121/cb",
    ),
}


@pytest.mark.requirement("OA-3", "OA-4")
@pytest.mark.parametrize(("client", "uri", "expected"), REDIRECTS.values(), ids=REDIRECTS)
def test_where_the_answer_goes(client, uri, expected):
    assert judge_redirect(client, uri) == expected


GOOD = {
    "response_type": "code",
    "challenge": REQUEST.challenge,
    "method": "S256",
    "prompt": None,
    "max_age": None,
}
AGE = Refusal("invalid_request", "max_age is a number of seconds")
PROMPT = Refusal("invalid_request", "prompt may be none, login, consent or select_account")
PARAMETERS = {
    "nothing special": ({}, ((), None)),
    "prompts in order, each once": ({"prompt": "login consent login"}, (("consent", "login"), None)),
    "the shortest age": ({"max_age": "0"}, ((), 0)),
    "the longest age": ({"max_age": "9" * 9}, ((), 999_999_999)),
    "no response_type": ({"response_type": None}, Refusal("invalid_request", "send response_type=code")),
    "an implicit token": (
        {"response_type": "token"},
        Refusal("unsupported_response_type", "only response_type=code exists here"),
    ),
    "a hybrid": (
        {"response_type": "code id_token"},
        Refusal("unsupported_response_type", "only response_type=code exists here"),
    ),
    "an unknown prompt": ({"prompt": "create"}, PROMPT),
    "none stands alone": ({"prompt": "none login"}, Refusal("invalid_request", "prompt=none stands alone")),
    "none alone": ({"prompt": "none"}, (("none",), None)),
    "a negative age": ({"max_age": "-1"}, AGE),
    "a fractional age": ({"max_age": "1.5"}, AGE),
    "an age in other digits": ({"max_age": "١"}, AGE),
    "an age that no clock reaches": ({"max_age": "9" * 10}, AGE),
}


@pytest.mark.requirement("OA-1", "OIDC-4")
@pytest.mark.parametrize(("changes", "expected"), PARAMETERS.values(), ids=PARAMETERS)
def test_judge_parameters(changes, expected):
    assert judge_parameters(**{**GOOD, **changes}) == expected


@pytest.mark.requirement("PKCE-1", "PKCE-2")
@pytest.mark.parametrize("missing", ["challenge", "method"])
def test_every_request_binds_its_code(missing):
    verdict = judge_parameters(**{**GOOD, missing: None})
    assert isinstance(verdict, Refusal)
    assert verdict.code == "invalid_request"
    assert "send code_challenge" in verdict.hint


def test_what_travels_in_urls_has_a_length():
    assert judge_lengths({"state": "s" * LONGEST_STATE, "nonce": None}) is None
    assert judge_lengths({"state": None, "nonce": "n" * (LONGEST_STATE + 1)}) == Refusal(
        "invalid_request", f"nonce is longer than {LONGEST_STATE} characters"
    )


BOTH = frozenset({"read", "write"})
NO_REFRESH = replace(CLIENT, grant_types=frozenset({GrantType.AUTHORIZATION_CODE}))
SCOPES = {
    "what is asked and possible": (frozenset({"read"}), CLIENT, BOTH, {"read"}),
    "what the remit leaves out is dropped": (frozenset({"read", "write"}), CLIENT, frozenset({"read"}), {"read"}),
    "what the resource does not define is dropped": (frozenset({"read", "pay"}), CLIENT, BOTH | {"pay"}, {"read"}),
    "identity needs no remit": (frozenset({"openid", "email"}), CLIENT, frozenset(), {"openid", "email"}),
    "nothing asked means the client's default": (None, CLIENT, BOTH, {"read"}),
    "offline_access where refresh tokens are": (
        frozenset({"read", "offline_access"}),
        CLIENT,
        BOTH,
        {"read", "offline_access"},
    ),
    "offline_access where none are": (frozenset({"read", "offline_access"}), NO_REFRESH, BOTH, {"read"}),
    "nothing asked and no default": (
        None,
        replace(CLIENT, default_scopes=frozenset()),
        BOTH,
        Refusal("invalid_scope", "send scope: one or more of read write"),
    ),
    "offline_access alone is access to nothing": (
        frozenset({"offline_access", "pay"}),
        CLIENT,
        BOTH,
        Refusal("invalid_scope", "none of the scopes is open to this agent here: one or more of read write"),
    ),
    "nothing is left": (
        frozenset({"pay"}),
        CLIENT,
        BOTH,
        Refusal("invalid_scope", "none of the scopes is open to this agent here: one or more of read write"),
    ),
    "nothing was ever open": (
        frozenset({"read"}),
        CLIENT,
        frozenset(),
        Refusal(
            "invalid_scope",
            "none of the scopes is open to this agent here: this agent's remit holds no scope of this resource",
        ),
    ),
}


@pytest.mark.requirement("OA-14", "OA-15", "OIDC-8", "RI-6")
@pytest.mark.parametrize(("asked", "client", "allowed", "expected"), SCOPES.values(), ids=SCOPES)
def test_what_can_be_asked_for(asked, client, allowed, expected):
    assert askable(asked, client, RESOURCE, allowed) == expected


def test_a_hint_names_ten_scopes_at_most():
    assert some(frozenset(f"s{number:02}" for number in range(30))).split()[-1] == "s09"


NAMES = st.frozensets(st.sampled_from(["openid", "offline_access", "read", "write", "delete", "pay"]), min_size=1)


@given(asked=NAMES, allowed=NAMES)
def test_nothing_is_asked_beyond_request_resource_and_remit(asked, allowed):
    possible = askable(asked, CLIENT, RESOURCE, allowed)
    if not isinstance(possible, Refusal):
        assert possible <= asked
        assert possible - {"openid", "offline_access"} <= allowed & RESOURCE.scope_names


def asked(*prompt, **changes):
    return replace(REQUEST, prompt=prompt, **changes)


OLD = replace(SESSION, auth_time=NOW - timedelta(hours=1))
LOGINS = {
    "nobody is signed in": (asked(), None, True),
    "somebody is": (asked(), OLD, False),
    "prompt=login asks again": (asked("login"), OLD, True),
    "prompt=select_account asks again": (asked("select_account"), OLD, True),
    "prompt=login is content with a login after the request": (asked("login"), SESSION, False),
    "prompt=consent does not": (asked("consent"), OLD, False),
    "too old a login": (asked(max_age=3599), OLD, True),
    "just young enough": (asked(max_age=3600), OLD, False),
    "max_age=0 is a new login": (asked(max_age=0), OLD, True),
    "max_age=0 is content with a login after the request": (asked(max_age=0), SESSION, False),
    "the user of the hint": (replace(asked(), hinted=OLD.user), OLD, False),
    "another user than the one of the hint": (replace(asked(), hinted=UserId("usr_9")), OLD, True),
    "another user who has just signed in": (replace(asked(), hinted=UserId("usr_9")), SESSION, False),
}


@pytest.mark.requirement("OIDC-4")
@pytest.mark.parametrize(("request_", "session", "expected"), LOGINS.values(), ids=LOGINS)
def test_who_has_to_sign_in(request_, session, expected):
    assert needs_login(request_, session, NOW) == expected


def test_a_login_after_the_request_lasts_while_the_page_is_read():
    assert not needs_login(asked(max_age=10), SESSION, NOW + timedelta(minutes=5))


@pytest.mark.parametrize(("age", "over"), [(REQUEST_LIFETIME, True), (REQUEST_LIFETIME - SECOND, False)])
def test_a_request_is_over_after_a_while(age, over):
    assert REQUEST.expired(NOW + age) == over


SELF = replace(CLIENT, self_registered=True)
SCOPES_OF_LINE = sorted(LINE.scopes)
LOCAL = "http://127.0.0.1:5000/cb"
AWAY = replace(LINE, while_away=False)
MEMORIES = {
    "the same again": ({}, True),
    "less than was approved": ({"request": replace(REQUEST, scopes=("read",))}, True),
    "a self-registered client on the web": ({"client": SELF}, True),
    "a session-bound approval in its session": ({"lines": (AWAY,)}, True),
    "the newer of two approvals covers it": ({"lines": (replace(LINE, scopes=frozenset()), LINE)}, True),
    "exactly what was approved": ({"request": replace(REQUEST, scopes=tuple(SCOPES_OF_LINE))}, True),
    "a grant without an end": ({"grant": replace(GRANT, expires_at=None)}, True),
    "an approval of another session that may go on while he is away": (
        {"lines": (replace(LINE, session=SessionId("ses_2")),)},
        True,
    ),
    "a registered client on this computer": (
        {"request": replace(REQUEST, redirect_uri=LOCAL), "lines": (replace(LINE, redirect_uri=LOCAL),)},
        True,
    ),
    "nothing was ever approved": ({"grant": None}, False),
    "there is no approval left": ({"lines": ()}, False),
    "the grant is past its end": ({"grant": replace(GRANT, expires_at=NOW)}, False),
    "prompt=consent": ({"request": replace(REQUEST, prompt=("consent",))}, False),
    "from another site": ({"request": replace(REQUEST, cross_site=True)}, False),
    "from a device": (
        {"request": replace(REQUEST, device=AskedByDevice(id="d", code="BCDF-GHJK", expires_ms=0))},
        False,
    ),
    "more than was approved": ({"request": replace(REQUEST, scopes=("read", "delete"))}, False),
    "more than the grant still holds": ({"grant": replace(GRANT, scopes=frozenset({"openid"}))}, False),
    "another redirect URI": ({"request": replace(REQUEST, redirect_uri=OTHER)}, False),
    "another resource": ({"request": replace(REQUEST, resource=ResourceId("res_2"))}, False),
    "the client changed since the approval": (
        {"client": replace(CLIENT, version=4), "request": replace(REQUEST, client_version=4)},
        False,
    ),
    "the client changed since the request": ({"client": replace(CLIENT, version=4)}, False),
    "the approval was revoked": ({"lines": (replace(LINE, state=GrantState.REVOKED),)}, False),
    "the approval is past its end": ({"lines": (replace(LINE, expires_at=NOW),)}, False),
    "a session-bound approval of another session": ({"lines": (replace(AWAY, session=SessionId("ses_2")),)}, False),
    "a self-registered client on this computer": (
        {
            "client": SELF,
            "request": replace(REQUEST, redirect_uri=LOCAL),
            "lines": (replace(LINE, redirect_uri=LOCAL),),
        },
        False,
    ),
}


@pytest.mark.parametrize(("changes", "silent"), MEMORIES.values(), ids=MEMORIES)
def test_what_is_approved_without_asking(changes, silent):
    known = {"request": REQUEST, "client": CLIENT, "grant": GRANT, "lines": (LINE,), **changes}
    line = remembered(**known, session=SESSION.id, now=NOW)
    assert line == (known["lines"][-1] if silent else None)
