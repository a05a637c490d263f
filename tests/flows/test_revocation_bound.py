"""From the answer to a stop until nobody says yes any more: measured often, at introspection and at a guard."""

from __future__ import annotations

import time

import httpx
import pytest

from remit_sdk import guard
from remit_sdk.gate import Call, Permit
from tests.kit.effort import EFFORTS
from tests.kit.flows import claims_of

WITHIN = 1.0
"""The promise: seconds from the stop to the first refusal."""

FRESH = 500
"""Trials for which an administrator uses one token."""


@pytest.mark.requirement("REV-9")
@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
async def test_after_the_answer_to_a_stop_nobody_says_yes_for_long(server, acme, effort, capsys):
    resource, client, admin = acme["resources"]["R1"], acme["clients"]["conf1"], acme["admin"]
    trials, waits, headers = effort.size(20, 10_000), [], {}
    api = guard(
        acme["issuer"], resource=resource["uri"], credentials=(resource["client_id"], resource["client_secret"])
    )

    async with api.running(), httpx.AsyncClient(timeout=30) as http:
        await api.ready()

        async def ask_for(who):
            auth = who["client_id"], who["client_secret"]
            form = {"grant_type": "client_credentials"}
            return (await http.post(acme["token_endpoint"], data=form, auth=auth)).json()["access_token"]

        async def permitted(token):
            call = Call(method="GET", path="/events", credentials=token)
            return isinstance(await api.check(call, frozenset({"read:calendar"})), Permit)

        async def active(token):
            auth = resource["client_id"], resource["client_secret"]
            answer = await http.post(acme["introspection_endpoint"], data={"token": token}, auth=auth)
            # Whoever asks about nothing but dead tokens is told to wait, which is no yes either.
            assert answer.status_code in {200, 429}
            return answer.status_code == 200 and answer.json()["active"]

        for trial in range(trials):
            if trial % FRESH == 0:
                headers = {"authorization": f"Bearer {await ask_for(admin)}"}
            token = await ask_for(client)
            assert await permitted(token)
            assert await active(token)

            if trial % 2:
                auth = client["client_id"], client["client_secret"]
                stopped = await http.post(acme["revocation_endpoint"], data={"token": token}, auth=auth)
            else:
                target = {"kind": "token", "id": claims_of(token)["jti"], "reason": "a trial"}
                stopped = await http.post(f"{acme['issuer']}/api/v1/stops", json=target, headers=headers)
            answered = time.monotonic()
            assert stopped.is_success, stopped.text

            # Whoever asks the issuer hears it at once; asking is also what this loop waits with.
            yes = True
            while yes:
                assert not await active(token), "the issuer itself said yes after it had answered the stop"
                yes = await permitted(token)
                assert time.monotonic() < answered + 10, "the stop was never felt"
            waits.append(time.monotonic() - answered)

    waits.sort()
    p50, p99 = (waits[int(share * (trials - 1))] * 1000 for share in (0.5, 0.99))
    with capsys.disabled():
        print(f"\n{trials} stops felt by a guard: p50 {p50:.1f} ms, p99 {p99:.1f} ms, max {waits[-1] * 1000:.1f} ms")
    assert waits[-1] < WITHIN
