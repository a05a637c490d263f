"""Where a browser may go after sign-out, which addresses may be registered for it, and when a client is tried again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from remit.core.clients import NO_LOGOUT, ClientState, Logout
from remit.core.names import ClientId, SessionId, UserId
from remit.core.oauth.logout import (
    MOST_REDIRECTS,
    OLDEST,
    OTHERS,
    WAITS,
    IdHint,
    LogoutNotice,
    check_logout,
    judge_client,
    next_try,
    way_out,
)
from remit.core.oauth.verdicts import Refusal
from tests.core.nouns import CLIENT, NOW

BYE = "https://app.example/bye"
GOOD = {
    "nothing": NO_LOGOUT,
    "an address to go to": Logout(redirect_uris=(BYE,)),
    "one on the user's own computer": Logout(redirect_uris=("http://127.0.0.1/bye",)),
    "an address to be told at": Logout(backchannel_uri="https://app.example:8443/told?x=1"),
    "with the session": Logout(backchannel_uri="https://app.example/told", backchannel_session=True),
}


@pytest.mark.requirement("LOGO-1", "LOGO-3")
@pytest.mark.parametrize("logout", GOOD.values(), ids=GOOD)
def test_what_may_be_registered(logout):
    assert check_logout(logout, "web") is None


BAD = {
    "twice the same": Logout(redirect_uris=(BYE, BYE)),
    "too many": Logout(redirect_uris=tuple(f"{BYE}/{number}" for number in range(MOST_REDIRECTS + 1))),
    "plain http": Logout(redirect_uris=("http://app.example/bye",)),
    "a script": Logout(redirect_uris=("javascript:alert(1)",)),
    "a fragment": Logout(redirect_uris=(f"{BYE}#x",)),
    "a scheme of its own on the web": Logout(redirect_uris=("com.example.app:/bye",)),
    "told over plain http": Logout(backchannel_uri="http://app.example/told"),
    "told over plain http at home": Logout(backchannel_uri="http://127.0.0.1/told"),
    "told with a password": Logout(backchannel_uri="https://user@app.example/told"),
    "told at a fragment": Logout(backchannel_uri="https://app.example/told#x"),
    "told nowhere": Logout(backchannel_uri="https:/told"),
    "a session for nobody": Logout(backchannel_session=True),
}


@pytest.mark.requirement("LOGO-1", "LOGO-3")
@pytest.mark.parametrize("logout", BAD.values(), ids=BAD)
def test_what_may_not(logout):
    assert isinstance(check_logout(logout, "web"), Refusal)


def test_an_app_may_be_sent_back_to_its_scheme():
    assert check_logout(Logout(redirect_uris=("com.example.app:/bye",)), "native") is None


LEAVING = replace(CLIENT, logout=Logout(redirect_uris=(BYE,)))
WAYS = {
    "to the letter": (LEAVING, BYE, BYE),
    "no wish": (LEAVING, None, None),
    "nobody's wish": (None, BYE, None),
    "a slash more": (LEAVING, f"{BYE}/", None),
    "a query more": (LEAVING, f"{BYE}?next=https://evil.test", None),
    "another case": (LEAVING, "https://APP.example/bye", None),
    "an address for answers": (LEAVING, LEAVING.redirect_uris[0], None),
    "of a client that is gone": (replace(LEAVING, state=ClientState.RETIRED), BYE, None),
    "of a client that expired": (replace(LEAVING, state=ClientState.EXPIRED), BYE, None),
}


@pytest.mark.requirement("LOGO-1", "LOGO-2")
@pytest.mark.parametrize(("client", "wanted", "way"), WAYS.values(), ids=WAYS)
def test_where_the_browser_may_go(client, wanted, way):
    assert way_out(client, wanted) == way


HINT = IdHint(subject="usr_1", client=LEAVING.wire_id, session="ses_1")
SPEAKS = {
    "a hint alone": (HINT, None, LEAVING, None),
    "a name alone": (None, LEAVING.id, LEAVING, None),
    "both of one client": (HINT, LEAVING.id, LEAVING, None),
    "of two clients": (replace(HINT, client="cli_other"), LEAVING.id, LEAVING, OTHERS),
    "a name that nobody has": (HINT, "cli_none", None, OTHERS),
    "a hint for several": (replace(HINT, client=None), LEAVING.id, LEAVING, OTHERS),
}


@pytest.mark.requirement("LOGO-1")
@pytest.mark.parametrize(("hint", "named", "client", "refusal"), SPEAKS.values(), ids=SPEAKS)
def test_a_hint_and_a_client_id_speak_of_one_client(hint, named, client, refusal):
    assert judge_client(hint, named, client) == refusal


NOTICE = LogoutNotice(
    id="1", client=ClientId("cli_1"), user=UserId("usr_1"), session=SessionId("ses_1"), tries=1, created_at=NOW
)


@pytest.mark.requirement("LOGO-3")
def test_tries_are_further_and_further_apart_and_come_to_an_end():
    waits = [next_try(replace(NOTICE, tries=tries), NOW) for tries in range(1, len(WAITS) + 2)]
    assert waits == [*(NOW + wait for wait in WAITS), None]
    assert sorted(WAITS) == list(WAITS)
    # However often it could not even be tried.
    assert next_try(NOTICE, NOW + OLDEST) is None
    assert next_try(NOTICE, NOW + OLDEST - timedelta(seconds=1)) is not None
