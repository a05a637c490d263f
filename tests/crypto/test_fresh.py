"""New ids and secrets: they sort by age, they do not repeat, and their text is read back or not at all."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.names import Opaque, Prefix, Secret, SecretKind, parse_opaque
from remit.crypto.fresh import SystemClock, SystemFresh
from tests.crypto.making import NOW

BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"


class Moments:
    """A clock that shows what it is told, then stays."""

    def __init__(self, *moments: datetime) -> None:
        self._moments = list(moments)

    def now(self) -> datetime:
        return self._moments.pop(0) if len(self._moments) > 1 else self._moments[0]


def number_of(ordinal: str) -> int:
    number = 0
    for character in ordinal:
        number = number * 32 + BASE32.index(character)
    return number


def test_an_id_says_what_it_is_and_when_it_was_made():
    made = SystemFresh(Moments(NOW)).id(Prefix.AGENT)
    assert made.startswith("agt_")
    number = number_of(made.removeprefix("agt_"))
    assert number >> 80 == int(NOW.timestamp() * 1000)
    assert number >> 76 & 0xF == 7
    assert number >> 62 & 0x3 == 2


def test_ids_of_one_millisecond_sort_in_the_order_they_were_made():
    fresh = SystemFresh(Moments(NOW))
    made = [fresh.ordinal() for _ in range(5000)]
    assert made == sorted(set(made))


def test_a_clock_that_goes_back_does_not_turn_the_order():
    fresh = SystemFresh(Moments(NOW, NOW - timedelta(hours=1), NOW + timedelta(milliseconds=1)))
    made = [fresh.ordinal() for _ in range(3)]
    assert made == sorted(set(made))


def test_a_millisecond_whose_numbers_run_out_borrows_the_next():
    fresh = SystemFresh(Moments(NOW), random=lambda size: b"\xff" * size)
    fresh._count, fresh._at_ms = (1 << 74) - 1, int(NOW.timestamp() * 1000)
    last = fresh.ordinal()
    assert number_of(last) >> 80 == int(NOW.timestamp() * 1000) + 1
    assert fresh.ordinal() > last


@given(st.lists(st.integers(0, 10), min_size=2, max_size=50))
def test_ids_always_rise(steps):
    fresh = SystemFresh(Moments(*(NOW + timedelta(milliseconds=step) for step in steps)))
    made = [fresh.ordinal() for _ in steps]
    assert all(earlier < later for earlier, later in pairwise(made))


def test_no_byte_of_chance_makes_two_ids():
    drawn = []

    def numbered(size):
        """Bytes of which no ten are like ten others."""
        drawn.append(size)
        return b"".join(b"%010d" % number for number in range(1000 * len(drawn), 1000 * len(drawn) + size // 10 + 1))[
            :size
        ]

    fresh = SystemFresh(Moments(*(NOW + timedelta(milliseconds=step) for step in range(300))), random=numbered)
    random_parts = {fresh.ordinal()[10:] for _ in range(300)}
    assert len(random_parts) == 300
    assert len(drawn) <= 3


def test_two_processes_do_not_make_the_same_id():
    assert SystemFresh(Moments(NOW)).ordinal() != SystemFresh(Moments(NOW)).ordinal()


FRESH = SystemFresh(Moments(NOW))


@pytest.mark.parametrize("kind", SecretKind)
def test_every_opaque_is_read_back_as_its_own_kind_alone(kind):
    opaque = FRESH.opaque(kind)
    for other in SecretKind:
        assert parse_opaque(opaque.text().reveal(), other) == (opaque if other is kind else None)


def test_an_opaque_can_name_a_row_that_exists():
    ordinal = FRESH.ordinal()
    assert FRESH.opaque(SecretKind.CLIENT, id=ordinal).id == ordinal


@pytest.mark.requirement("GEN-8")
def test_secrets_do_not_repeat_and_do_not_print():
    one, other = FRESH.opaque(SecretKind.LOGIN), FRESH.opaque(SecretKind.LOGIN)
    assert one.secret != other.secret
    assert one.secret.reveal() not in repr(one)


SECRET = st.binary(min_size=32, max_size=32)


@given(secret=SECRET, kind=st.sampled_from(SecretKind), at=st.integers(0, 10_000), bit=st.integers(0, 6))
def test_no_damaged_opaque_is_read(secret, kind, at, bit):
    written = SystemFresh(Moments(NOW), random=lambda size: secret[:size]).opaque(kind).text().reveal()
    assert isinstance(parse_opaque(written, kind), Opaque)
    at %= len(written)
    assert parse_opaque(written[:at] + chr(ord(written[at]) ^ 1 << bit) + written[at + 1 :], kind) is None
    assert parse_opaque(written[:at], kind) is None


def test_a_secret_is_revealed_on_purpose_only():
    assert str(Secret("hunter2")) == "Secret()"


def test_the_clock_speaks_utc():
    # As the store keeps it: a time that was answered must be the one that is read back.
    assert {(now.tzinfo, now.microsecond % 1000) for now in (SystemClock().now() for _ in range(9))} == {(UTC, 0)}
