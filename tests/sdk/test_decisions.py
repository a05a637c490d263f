"""What the guard reports, when, and that it arrives once."""

from __future__ import annotations

import msgspec
import pytest

from remit_sdk.decisions import BATCH, BATCH_BYTES, EVERY, KEPT_ANONYMOUS, Decision, Reporter, make_decision
from remit_sdk.fetch import basic
from tests.sdk.clock import NOW
from tests.sdk.test_feed import bearer
from tests.sdk.test_forged_tokens import check, good


async def test_a_decision_says_who_what_and_why(client, issuer, clock):
    token = issuer.token(jti="at_1", scope="read:calendar write:calendar")
    await client.get("/events?x=secret", headers=bearer(token) | {"Remit-Purpose": "find a free hour"})
    await clock.until(lambda: len(issuer.decisions) == 1)
    (decision,) = issuer.decisions
    assert decision.pop("id").startswith("dec_")
    assert decision == {
        "at": int(NOW * 1000),
        "decision": "permit",
        "method": "GET",
        "path": "/events",
        "status": 200,
        "required": ["read:calendar"],
        "jti": "at_1",
        "sub": "usr_alice",
        "client_id": "cli_helper",
        "agent_id": "agt_helper",
        "grant_id": "grt_1",
        "line_id": "lin_1",
        "scope": "read:calendar write:calendar",
        "purpose": "find a free hour",
        "peer": "192.0.2.7",
    }


async def test_denials_and_a_first_use_go_at_once_and_the_rest_together(client, issuer, clock):
    token = issuer.token()
    await client.get("/events", headers=bearer(token))
    await clock.until(lambda: len(issuer.batches) == 1)
    for _ in range(5):
        await client.get("/events", headers=bearer(token))
    assert len(issuer.batches) == 1
    await clock.until(lambda: len(clock._sleepers))
    clock.advance(EVERY)
    await clock.until(lambda: len(issuer.batches) == 2)
    assert len(issuer.batches[1]) == 5
    await client.delete("/events/7", headers=bearer(token))
    await clock.until(lambda: len(issuer.batches) == 3)
    await clock.until(lambda: len(issuer.decisions) == 7)
    assert issuer.decisions[-1]["reason"] == "insufficient_scope"


REASONS = {
    "no credentials": (lambda issuer: None, "no_credentials", None),
    "a forged token": (lambda issuer: issuer.token()[:-4] + "AAAA", "invalid_token", None),
    "an expired token": (lambda issuer: issuer.token(iat=int(NOW) - 900, exp=int(NOW)), "expired", "usr_alice"),
    "a token for another resource": (
        lambda issuer: issuer.token(aud="https://x.example"),
        "wrong_audience",
        "usr_alice",
    ),
    "two tokens": (lambda issuer: "a,b", "invalid_request", None),
}


@pytest.mark.parametrize("case", REASONS.values(), ids=REASONS)
async def test_a_refusal_names_a_caller_only_if_the_signature_was_good(client, issuer, clock, case):
    make, reason, sub = case
    token = make(issuer)
    await client.get("/events", headers=bearer(token) if token else {})
    await clock.until(lambda: len(issuer.decisions) == 1)
    (decision,) = issuer.decisions
    assert (decision["decision"], decision["reason"], decision.get("sub")) == ("deny", reason, sub)
    assert token is None or token not in str(decision)


@pytest.mark.requirement("AUD-4")
async def test_decisions_arrive_once_although_the_issuer_failed_the_first_time(client, issuer, clock):
    issuer.decision_failures = 1
    answer = await client.get("/events", headers=bearer(issuer.token()))
    assert answer.status_code == 200, "the API does not wait for the audit"
    await clock.until(lambda: len(issuer.batches) == 1)
    assert issuer.decisions == []
    await clock.until(lambda: len(clock._sleepers))
    clock.advance(EVERY)
    await clock.until(lambda: len(issuer.decisions) == 1)
    assert issuer.batches[0] == issuer.batches[1], "the same ids again"


def taken(reporter):
    return [msgspec.json.decode(entry, type=Decision) for entry in reporter._take()]


def a_decision(token=None, *, permitted=False, path="/"):
    return make_decision(
        at=NOW,
        permitted=permitted,
        reason=None if permitted else "no_credentials",
        method="GET",
        path=path,
        status=None,
        required=frozenset(),
        token=token,
        purpose=None,
        peer=None,
    )


async def nowhere():
    raise AssertionError


def make_reporter(clock):
    return Reporter(None, endpoint=nowhere, auth=basic(("a", "b")), clock=clock)  # type: ignore[arg-type]


async def test_a_flood_without_names_does_not_push_out_what_has_one(clock):
    reporter = make_reporter(clock)
    known = a_decision(check(good()), permitted=True)
    reporter.record(known)
    for _ in range(KEPT_ANONYMOUS + 7):
        reporter.record(a_decision())
    assert reporter.dropped == 7
    batch = taken(reporter)
    assert batch[0] == known
    assert len(batch) == BATCH


async def test_the_oldest_goes_when_there_is_no_room(clock):
    reporter = make_reporter(clock)
    sent = [a_decision() for _ in range(KEPT_ANONYMOUS + 3)]
    for decision in sent:
        reporter.record(decision)
    assert taken(reporter) == sent[3 : 3 + BATCH]


async def test_a_batch_is_never_larger_than_the_issuer_takes(clock):
    reporter = make_reporter(clock)
    sent = [a_decision(path="/é" * 512) for _ in range(BATCH * 3)]
    for decision in sent:
        reporter.record(decision)
    batches = [reporter._take() for _ in range(6)]
    assert max(sum(map(len, batch)) for batch in batches) <= BATCH_BYTES
    assert sum(map(len, batches)) == len(sent)
