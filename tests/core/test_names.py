"""Ids that sort by time, and opaque secrets that nobody can confuse or damage unnoticed."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.names import (
    RANDOM_BYTES,
    Opaque,
    Prefix,
    Secret,
    SecretKind,
    encode_id,
    encode_ordinal,
    parse_opaque,
    time_of,
)

TIMES = st.integers(0, 2**48 - 1)
RANDOM = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)
BASE64URL = string.ascii_letters + string.digits + "-_"
OPAQUES = st.builds(
    Opaque,
    kind=st.sampled_from(SecretKind),
    id=st.builds(lambda at, random: encode_ordinal(at_ms=at, random=random), TIMES, RANDOM),
    secret=st.text(BASE64URL, min_size=43, max_size=43).map(Secret),
)
EXAMPLE = Opaque(
    kind=SecretKind.REFRESH, id=encode_ordinal(at_ms=1_772_452_800_000, random=bytes(10)), secret=Secret("s" * 43)
)
TEXT = EXAMPLE.text().reveal()


@given(at=TIMES, random=RANDOM)
def test_an_id_tells_its_time(at, random):
    made = encode_id(Prefix.AGENT, at_ms=at, random=random)
    assert made.startswith("agt_")
    assert time_of(made.removeprefix("agt_")) == at


@given(one=st.tuples(TIMES, RANDOM), other=st.tuples(TIMES, RANDOM))
def test_ids_sort_by_time(one, other):
    first, second = (encode_ordinal(at_ms=at, random=random) for at, random in (one, other))
    if one[0] != other[0]:
        assert (first < second) == (one[0] < other[0])


@given(at=TIMES, random=RANDOM)
def test_an_id_is_a_uuid_of_version_7(at, random):
    number = 0
    for character in encode_ordinal(at_ms=at, random=random):
        number = number * 32 + "0123456789abcdefghjkmnpqrstvwxyz".index(character)
    assert number >> 76 & 0xF == 7
    assert number >> 62 & 0x3 == 2
    # What version and variant leave is the randomness that came in.
    given_bits = int.from_bytes(random, "big")
    free = ~(0xF << 76 | 0x3 << 62) & (1 << 80) - 1
    assert number & free == given_bits & free


@pytest.mark.parametrize("length", [0, 9, 11])
def test_an_id_needs_its_randomness(length):
    with pytest.raises(ValueError, match="10 random bytes"):
        encode_ordinal(at_ms=0, random=bytes(length))


@pytest.mark.parametrize("ordinal", ["i", "U", "-", "01kj!"])
def test_no_time_in_what_is_no_id(ordinal):
    with pytest.raises(ValueError, match="substring not found"):
        time_of(ordinal)


@given(opaque=OPAQUES)
def test_an_opaque_secret_comes_back_as_it_was(opaque):
    assert parse_opaque(opaque.text().reveal(), opaque.kind) == opaque


@pytest.mark.requirement("JAT-8")
@given(opaque=OPAQUES, kind=st.sampled_from(SecretKind))
def test_kinds_are_never_confused(opaque, kind):
    assert (parse_opaque(opaque.text().reveal(), kind) is not None) == (kind is opaque.kind)


@pytest.mark.requirement("JAT-8")
@pytest.mark.parametrize("position", range(len(TEXT)))
def test_any_damaged_character_is_refused(position):
    for character in BASE64URL + ".~ \n\0é":
        if character != TEXT[position]:
            damaged = TEXT[:position] + character + TEXT[position + 1 :]
            assert all(parse_opaque(damaged, kind) is None for kind in SecretKind)


@given(opaque=OPAQUES, data=st.data())
def test_neighbours_that_changed_places_are_refused(opaque, data):
    text = opaque.text().reveal()
    position = data.draw(st.integers(0, len(text) - 2))
    swapped = text[:position] + text[position + 1] + text[position] + text[position + 2 :]
    assert swapped == text or parse_opaque(swapped, opaque.kind) is None


SHAPES = {
    "nothing": "",
    "the prefix alone": "rmt_rt_",
    "cut short": TEXT[:-1],
    "one more": TEXT + "0",
    "a space in front": " " + TEXT,
    "a line end behind": TEXT + "\n",
    "in capitals": TEXT.upper(),
    "without its dot": TEXT.replace(".", ""),
    "a checksum alone": TEXT[-6:],
}


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_another_shape_is_refused(text):
    assert parse_opaque(text, SecretKind.REFRESH) is None


FOREIGN = {
    "a NUL in the id": Opaque(kind=SecretKind.REFRESH, id="\0" * 26, secret=Secret("s" * 43)),
    "a letter that ids leave out": Opaque(kind=SecretKind.REFRESH, id="u" * 26, secret=Secret("s" * 43)),
    "a line end in the secret": Opaque(kind=SecretKind.REFRESH, id="0" * 26, secret=Secret("s" * 42 + "\n")),
    "an id too short": Opaque(kind=SecretKind.REFRESH, id="0" * 25, secret=Secret("s" * 43)),
    "a secret too short": Opaque(kind=SecretKind.REFRESH, id="0" * 26, secret=Secret("s" * 42)),
}


@pytest.mark.parametrize("opaque", FOREIGN.values(), ids=FOREIGN)
def test_a_right_checksum_makes_no_secret(opaque):
    assert parse_opaque(opaque.text().reveal(), SecretKind.REFRESH) is None


@given(opaque=OPAQUES)
def test_a_secret_does_not_print(opaque):
    for shown in (repr(opaque), str(opaque.secret), f"{opaque.text()}"):
        assert opaque.secret.reveal() not in shown


@pytest.mark.requirement("JAT-3", "BCP-12")
def test_prefixes_and_kinds_are_each_their_own():
    assert len(set(Prefix)) == len(Prefix)
    assert not any(one != other and one.startswith(other) for one in SecretKind for other in SecretKind)
