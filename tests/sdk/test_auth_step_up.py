"""`RemitAuth` where an API wants a stronger or newer sign-in (RFC 9470 §5)."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from remit_sdk import ConsentRequired
from tests.sdk.test_auth import LIBRARIES, auth, calendar, issuer, make_auth

__all__ = ["auth", "calendar", "issuer"]


@pytest.mark.requirement("STEP-2")
@pytest.mark.parametrize("call", LIBRARIES.values(), ids=LIBRARIES)
async def test_an_agent_asks_its_user_to_sign_in_as_the_api_says(call, auth, calendar):
    calendar.step_up = True
    with pytest.raises(ConsentRequired) as raised:
        await call("GET", f"{calendar.base}/events", auth)
    said = parse_qs(urlsplit(raised.value.url).query)
    assert (said["acr_values"], said["max_age"]) == (["urn:remit:acr:multi-factor"], ["300"])
    # The token is as good as it was, for every other call.
    calendar.step_up = False
    assert (await call("GET", f"{calendar.base}/events", auth)).status_code == 200
    answer = httpx2.get(raised.value.url)
    before = auth.token()
    raised.value.finish(answer.headers["location"])
    assert auth.token() != before


@pytest.mark.requirement("STEP-2")
@pytest.mark.parametrize("call", LIBRARIES.values(), ids=LIBRARIES)
async def test_an_agent_without_a_user_has_nobody_to_ask(call, issuer, calendar, clock):
    alone = make_auth(
        issuer, calendar, clock, grant_type="client_credentials", client_secret="secret", scopes="read:calendar"
    )
    calendar.step_up = True
    assert (await call("GET", f"{calendar.base}/events", alone)).status_code == 401
    assert len(calendar.calls) == 1
