"""A guarded application in a real server, with the machine's own clock."""

from __future__ import annotations

import contextlib
import time

import httpx2
import pytest

from remit_sdk import guard
from remit_sdk.asgi import GuardedApp
from tests.sdk.calendar import ROUTES, calendar
from tests.sdk.host import Running
from tests.sdk.issuer import CREDENTIALS, running_issuer


@contextlib.contextmanager
def guarded(issuer):
    """The application must know its own address, which is known when the socket is bound."""
    apps: list[GuardedApp] = []

    async def app(scope, receive, send):
        await apps[0](scope, receive, send)

    running = Running(app)
    issuer.resource = running.base
    api = guard(issuer.base, resource=running.base, credentials=CREDENTIALS)
    apps.append(api.wrap(calendar(), routes=ROUTES, public=["GET /health"]))
    running.start()
    try:
        yield running.base
    finally:
        running.stop()


@pytest.mark.requirement("REV-9", "REV-10")
def test_a_stop_is_felt_within_a_second_of_real_time():
    with running_issuer() as issuer, guarded(issuer) as base, httpx2.Client(base_url=base) as client:
        headers = {"Authorization": f"Bearer {issuer.token()}"}
        assert client.get("/events", headers=headers).status_code == 200
        issuer.stop("agent", "agt_helper")
        stopped_at = time.monotonic()
        while client.get("/events", headers=headers).status_code == 200:
            assert time.monotonic() - stopped_at < 1


def test_the_last_decisions_are_sent_before_the_server_ends():
    with running_issuer() as issuer:
        with guarded(issuer) as base, httpx2.Client(base_url=base) as client:
            token = issuer.token()
            for _ in range(20):
                client.get("/events", headers={"Authorization": f"Bearer {token}"})
        assert len(issuer.decisions) == 20


def test_the_server_starts_and_answers_while_the_issuer_is_away():
    with (
        running_issuer(feed_status=503, introspection_status=503) as issuer,
        guarded(issuer) as base,
        httpx2.Client(base_url=base) as client,
    ):
        assert client.get("/health").status_code == 200
        answer = client.get("/events", headers={"Authorization": f"Bearer {issuer.token()}"})
        assert answer.status_code == 503
