"""The codes of the device flow, and what a poll earns (RFC 8628 §3.5, §6.1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.names import ClientId, LineId, ResourceId
from remit.core.oauth.device import (
    ALPHABET,
    DENIED,
    DEVICE_LIFETIME,
    EXPIRED,
    INTERVAL,
    OFF,
    OVER,
    PENDING,
    SLOWER,
    TOO_FAST,
    UNKNOWN,
    USED,
    USER_CODES,
    DeviceRequest,
    DeviceState,
    Ready,
    Wait,
    draw,
    judge_open,
    judge_poll,
    read_user_code,
    spell,
)
from remit.core.oauth.dpop import OTHER_KEY
from remit.services.devices import GUESSES
from tests.core.nouns import NOW

BOB, EVE = ClientId("cli_bob"), ClientId("cli_eve")
WAITING = DeviceRequest(
    id="d1",
    digest=b"",
    user_code="tag",
    client=BOB,
    client_version=1,
    resource=ResourceId("res_1"),
    scopes=("read",),
    details=None,
    max_age=None,
    acr=None,
    peer=None,
    jkt=None,
    state=DeviceState.PENDING,
    interval=INTERVAL,
    next_at=NOW,
    created_at=NOW,
    expires_at=NOW + DEVICE_LIFETIME,
)
APPROVED = replace(WAITING, state=DeviceState.APPROVED, line=LineId("lin_1"), auth_time=NOW)
ENDED = NOW + DEVICE_LIFETIME


@given(st.integers(0, USER_CODES - 1), st.randoms(use_true_random=False))
@pytest.mark.requirement("DEV-2")
def test_a_code_is_read_however_it_is_typed(number, random):
    code = spell(number)
    assert set(code) <= {*ALPHABET, "-"}
    assert len(code) == 9
    letters = [random.choice((letter, letter.lower())) for letter in code if letter != "-"]
    for _ in range(random.randrange(6)):
        letters.insert(random.randrange(len(letters) + 1), random.choice(" -_.\t\u00a0"))
    assert read_user_code("".join(letters)) == code


@given(st.integers(0, USER_CODES - 1), st.integers(0, USER_CODES - 1))
@pytest.mark.requirement("DEV-2")
def test_two_numbers_spell_two_codes(one, other):
    assert (spell(one) == spell(other)) == (one == other)


@given(st.binary(min_size=32, max_size=32))
@pytest.mark.requirement("DEV-2")
def test_chance_is_a_code(random):
    assert read_user_code(draw(random)) == draw(random)


def test_every_letter_is_drawn_at_every_place():
    codes = {draw(sha256(number.to_bytes(2, "big")).digest()) for number in range(400)}
    for place in (*range(4), *range(5, 9)):
        assert {code[place] for code in codes} == set(ALPHABET)


NO_CODES = {
    "nothing": "",
    "too short": "BCDF-GHJ",
    "too long": "BCDF-GHJKL",
    "a vowel": "BCDF-GHJA",
    "a digit": "BCDF-GHJ1",
    "a letter of another alphabet that looks the same": "\u0412CDF-GHJK",
    "a sign that is a letter of ours when it is made large": "BCDF-GHJ\u212a",
    "a wide letter": "BCDF-GHJ\uff2b",
    "a code and more": "BCDF-GHJK'",
    "a zero": "BCDF-GHJK\x00",
}


@pytest.mark.parametrize("text", NO_CODES.values(), ids=NO_CODES)
@pytest.mark.requirement("DEV-2")
def test_everything_else_is_no_code(text):
    assert read_user_code(text) is None


@given(st.text(max_size=12))
def test_whatever_is_read_is_a_code(text):
    code = read_user_code(text)
    assert code is None or read_user_code(code) == code


@pytest.mark.requirement("DEV-2")
def test_nobody_tries_enough_codes_to_hit_one():
    _, burst, seconds = GUESSES[0]
    life = DEVICE_LIFETIME.total_seconds()
    in_a_life = burst + int(life // (seconds / burst))
    assert in_a_life / USER_CODES < 2**-32


WAIT = Wait(id="d1", told=PENDING, interval=5, next_at=NOW + timedelta(seconds=5))

POLLS = {
    "nobody has answered": (WAITING, BOB, NOW, WAIT),
    "no such code": (None, BOB, NOW, UNKNOWN),
    "another client's code is like none": (WAITING, EVE, NOW, UNKNOWN),
    "another client's approved code is like none": (APPROVED, EVE, NOW, UNKNOWN),
    "another client's spent code is like none": (replace(APPROVED, state=DeviceState.SPENT), EVE, NOW, UNKNOWN),
    "approved": (APPROVED, BOB, NOW, Ready(APPROVED)),
    "approved, and asked too early: nobody has to wait for what is there": (
        replace(APPROVED, next_at=NOW + timedelta(seconds=4)),
        BOB,
        NOW,
        Ready(replace(APPROVED, next_at=NOW + timedelta(seconds=4))),
    ),
    "denied": (replace(WAITING, state=DeviceState.DENIED), BOB, NOW, DENIED),
    "denied, and late": (replace(WAITING, state=DeviceState.DENIED), BOB, ENDED, DENIED),
    "bound to a key, and none is shown": (replace(APPROVED, jkt="k"), BOB, NOW, OTHER_KEY),
    "redeemed before": (replace(APPROVED, state=DeviceState.SPENT), BOB, NOW, USED),
    "a moment before its end": (
        WAITING,
        BOB,
        ENDED - timedelta(milliseconds=1),
        replace(WAIT, next_at=ENDED + timedelta(seconds=5, milliseconds=-1)),
    ),
    "at its end": (WAITING, BOB, ENDED, EXPIRED),
    "approved, and not fetched in time": (APPROVED, BOB, ENDED, EXPIRED),
    "too early": (
        replace(WAITING, next_at=NOW + timedelta(milliseconds=1)),
        BOB,
        NOW,
        Wait(id="d1", told=TOO_FAST, interval=10, next_at=NOW + timedelta(seconds=10)),
    ),
    "on the very moment": (
        replace(WAITING, interval=20, next_at=NOW),
        BOB,
        NOW,
        replace(WAIT, interval=20, next_at=NOW + timedelta(seconds=20)),
    ),
}


@pytest.mark.parametrize(("found", "client", "now", "expected"), POLLS.values(), ids=POLLS)
@pytest.mark.requirement("DEV-4", "DEV-5")
def test_judge_poll(found, client, now, expected):
    assert judge_poll(found, client=client, now=now) == expected


@given(st.lists(st.floats(0, 40), max_size=12))
@pytest.mark.requirement("DEV-4")
def test_only_polls_that_come_too_early_slow_a_device_down_and_for_good(pauses):
    request, now, fast = WAITING, NOW, 0
    for pause in pauses:
        now += timedelta(seconds=pause)
        early = now < request.next_at
        verdict = judge_poll(replace(request, expires_at=now + DEVICE_LIFETIME), client=BOB, now=now)
        assert isinstance(verdict, Wait)
        assert (verdict.told is TOO_FAST) == early
        fast += early
        assert verdict.interval == INTERVAL + fast * SLOWER
        assert verdict.next_at == now + timedelta(seconds=verdict.interval)
        request = replace(request, interval=verdict.interval, next_at=verdict.next_at)


@given(st.lists(st.floats(0, 30), max_size=12))
@pytest.mark.requirement("DEV-4")
def test_whoever_keeps_to_the_interval_is_never_told_to_slow_down(delays):
    request, now = WAITING, NOW
    for delay in delays:
        verdict = judge_poll(replace(request, expires_at=now + DEVICE_LIFETIME), client=BOB, now=now)
        assert isinstance(verdict, Wait)
        assert (verdict.told, verdict.interval) == (PENDING, INTERVAL)
        request = replace(request, interval=verdict.interval, next_at=verdict.next_at)
        now += timedelta(seconds=verdict.interval + delay)


OPEN = {
    "somebody may answer": (WAITING, True, NOW, WAITING),
    "nobody asked": (None, True, NOW, OVER),
    "answered with yes": (APPROVED, True, NOW, OVER),
    "answered with no": (replace(WAITING, state=DeviceState.DENIED), True, NOW, OVER),
    "redeemed": (replace(APPROVED, state=DeviceState.SPENT), True, NOW, OVER),
    "too old": (WAITING, True, ENDED, OVER),
    "the tenant lets no devices ask any more": (WAITING, False, NOW, OFF),
    "and says so also where there is none": (None, False, NOW, OFF),
}


@pytest.mark.parametrize(("found", "allowed", "now", "expected"), OPEN.values(), ids=OPEN)
@pytest.mark.requirement("DEV-3", "DEV-6")
def test_who_may_still_be_answered(found, allowed, now, expected):
    assert judge_open(found, allowed=allowed, now=now) == expected
