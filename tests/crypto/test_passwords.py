"""Passwords: argon2id as decided, bounded, and silent about who exists."""

import asyncio
import threading
from contextlib import suppress

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError

from remit.crypto.passwords import MAX_PASSWORD, Argon2Passwords


@pytest.fixture
def passwords():
    weak = Argon2Passwords(memory_kib=64, passes=1)
    yield weak
    weak.close()


async def test_hashes_are_made_with_the_decided_cost():
    full = Argon2Passwords()
    assert (await full.hash("correct horse")).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    full.close()


async def test_the_right_password_fits_and_no_other(passwords):
    stored = await passwords.hash("correct horse")
    assert await passwords.verify(stored, "correct horse")
    for wrong in ("", "correct hors", "correct horse ", "Correct horse", "correct horse\x00", "x" * 5000):
        assert not await passwords.verify(stored, wrong)


async def test_a_password_is_taken_as_its_bytes(passwords):
    stored = await passwords.hash("é\ud800")
    assert await passwords.verify(stored, "é\ud800")
    assert not await passwords.verify(stored, "e\u0301\ud800")


async def test_the_longest_password_counts_to_its_last_character(passwords):
    stored = await passwords.hash("a" * MAX_PASSWORD)
    assert await passwords.verify(stored, "a" * MAX_PASSWORD)
    assert not await passwords.verify(stored, "a" * (MAX_PASSWORD - 1) + "b")
    assert not await passwords.verify(stored, "a" * (MAX_PASSWORD + 1))


@pytest.mark.parametrize("password", ["", "a" * (MAX_PASSWORD + 1)])
async def test_what_is_no_password_is_not_hashed(passwords, password):
    with pytest.raises(ValueError, match="characters"):
        await passwords.hash(password)


class Counted(PasswordHasher):
    """Counts how often argon2 runs; each run waits for as many others as the barrier asks for."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.runs = 0
        self.third = threading.Barrier(1)

    def hash(self, password, *, salt=None):
        self.runs += 1
        with suppress(threading.BrokenBarrierError):
            self.third.wait()
        return super().hash(password, salt=salt)


@pytest.fixture
def counted(passwords):
    passwords._hasher = Counted()
    return passwords._hasher


@pytest.mark.requirement("BCP-20")
@pytest.mark.parametrize("password", ["password", "", "x" * 5000])
async def test_for_nobody_the_same_work_is_done_and_the_answer_is_no(passwords, counted, password):
    assert not await passwords.verify(None, password)
    assert counted.runs == 1


async def test_never_more_than_two_at_once_also_when_callers_go_away(passwords, counted):
    together = []
    counted.third = threading.Barrier(3, action=lambda: together.append(1), timeout=0.2)
    calls = [asyncio.create_task(passwords.verify(None, "password")) for _ in range(20)]
    await asyncio.sleep(0)
    for call in calls[::2]:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert counted.runs >= 10
    assert not together


async def test_a_stored_text_that_is_no_hash_is_a_broken_machine(passwords):
    with pytest.raises(InvalidHashError):
        await passwords.verify("plain text", "plain text")
