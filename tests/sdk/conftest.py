"""An issuer, a guarded calendar, and a client that speaks to it."""

from __future__ import annotations

import httpx2
import pytest

from remit_sdk import guard
from tests.sdk.calendar import ROUTES, calendar
from tests.sdk.clock import NOW, StillClock
from tests.sdk.issuer import CREDENTIALS, RESOURCE, running_issuer


@pytest.fixture
def clock():
    return StillClock()


@pytest.fixture
def issuer():
    with running_issuer(now=NOW) as issuer:
        yield issuer


@pytest.fixture
async def api(issuer, clock):
    """A guard whose feed is caught up."""
    made = guard(
        issuer.base,
        resource=RESOURCE,
        credentials=CREDENTIALS,
        scopes="read:calendar",
        name="Calendar",
        clock=clock,
    )
    async with made.running():
        await made.ready()
        yield made


@pytest.fixture
async def client(api):
    app = api.wrap(calendar(), routes=ROUTES, public=["GET /health"])
    transport = httpx2.ASGITransport(app=app, client=("192.0.2.7", 5000))
    async with httpx2.AsyncClient(transport=transport, base_url=RESOURCE) as client:
        yield client
