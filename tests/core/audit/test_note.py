"""Checkpoints as signed notes: the format, and what is believed."""

from base64 import b64decode, b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.audit.note import (
    MAX_NOTE,
    MAX_SIGNATURES,
    Checkpoint,
    Malformed,
    NoteKey,
    NoteSignature,
    key_hash,
    open_note,
    parse_note,
    sign_note,
)

# The example of the C2SP tlog-checkpoint specification.
EXAMPLE_SIGNATURE = "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8="
EXAMPLE = f"""example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa {EXAMPLE_SIGNATURE}
"""

NAME = "remit.example/t/acme"
KEY = bytes(range(32))
OTHER_KEY = bytes(32)
ROOT = sha256(b"root").digest()
CHECKPOINT = Checkpoint(origin=NAME, size=7, root=ROOT)


def stamp(public_key, message):
    """Stand for Ed25519: only who knows the key makes it, and it covers the whole message."""
    return sha256(public_key + message).digest() * 2


def is_stamp(public_key, signature, message):
    return signature == stamp(public_key, message)


def signed(checkpoint=CHECKPOINT, name=NAME, key=KEY):
    return sign_note(checkpoint.body(), name, key, lambda message: stamp(key, message))


def read(text):
    parsed = parse_note(text)
    assert not isinstance(parsed, Malformed)
    return parsed


def opened(text, *keys):
    trusted = keys or (NoteKey(name=NAME, public_key=KEY),)
    return open_note(text, trusted=trusted, verify=is_stamp)


def test_the_example_of_the_specification_is_read():
    checkpoint, signatures = read(EXAMPLE)
    raw = b64decode(EXAMPLE_SIGNATURE)
    assert checkpoint == Checkpoint(
        origin="example.com/behind-the-sofa",
        size=20852163,
        root=b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="),
    )
    assert signatures == (
        NoteSignature(name="example.com/behind-the-sofa", key_hash=bytes.fromhex("033de0ae"), signature=raw[4:]),
    )
    assert EXAMPLE.startswith(checkpoint.body() + "\n")


def test_a_key_hash_is_the_recommended_one():
    assert key_hash(NAME, KEY) == sha256(NAME.encode() + b"\n\x01" + KEY).digest()[:4]


def test_a_signed_note_looks_like_this():
    line = b64encode(key_hash(NAME, KEY) + stamp(KEY, CHECKPOINT.body().encode())).decode()
    assert signed() == f"{NAME}\n7\n{b64encode(ROOT).decode()}\n\n— {NAME} {line}\n"


def test_the_key_of_the_log_opens_its_note():
    assert opened(signed()) == CHECKPOINT


def test_a_signature_of_somebody_else_beside_ours_does_no_harm():
    witness = signed(name="witness.example/w", key=OTHER_KEY).split("\n\n")[1]
    assert opened(signed() + witness) == CHECKPOINT


def test_after_a_key_was_rotated_both_open_their_notes():
    keys = (NoteKey(name=NAME, public_key=KEY), NoteKey(name=NAME, public_key=OTHER_KEY))
    assert opened(signed(), *keys) == opened(signed(key=OTHER_KEY), *keys) == CHECKPOINT


def resign(text, signature):
    body = text.rsplit(" ", 1)[0]
    return f"{body} {b64encode(signature).decode()}\n"


NOT_BELIEVED = {
    "another key": (signed(key=OTHER_KEY), "no signature of a trusted key"),
    "another name": (signed(name="remit.example/t/globex"), "no signature of a trusted key"),
    "a forged signature under our key hash": (
        resign(signed(), key_hash(NAME, KEY) + bytes(64)),
        "a signature of a trusted key does not verify",
    ),
    "a size changed after signing": (
        signed().replace("\n7\n", "\n8\n"),
        "a signature of a trusted key does not verify",
    ),
    "a good and a bad signature of ours": (
        signed() + resign(signed(), key_hash(NAME, KEY) + bytes(64)).split("\n\n")[1],
        "a signature of a trusted key does not verify",
    ),
    "not a note": ("hello", "no empty line before the signatures"),
}


@pytest.mark.parametrize(("text", "reason"), NOT_BELIEVED.values(), ids=NOT_BELIEVED)
def test_a_note_that_is_not_ours_is_not_believed(text, reason):
    assert opened(text) == Malformed(reason)


BODY = CHECKPOINT.body()
LINE = signed().split("\n\n")[1]
BAD = {
    "nothing": ("", "no empty line before the signatures"),
    "a body alone": (BODY, "no empty line before the signatures"),
    "no signature": (f"{BODY}\n", "no signature"),
    "an empty signature line": (f"{BODY}\n\n", "not the three lines of a checkpoint"),
    "cut in the signature": (signed()[:-1], "the last signature line is cut off"),
    "carriage returns": (signed().replace("\n", "\r\n"), "holds control characters"),
    "a tab in the origin": (signed().replace(NAME, "a\tb", 1), "holds control characters"),
    "an extension line": (f"{BODY}more\n\n{LINE}", "not the three lines of a checkpoint"),
    "a line missing": (f"{NAME}\n7\n\n{LINE}", "not the three lines of a checkpoint"),
    "an empty origin": (f"\n7\n{b64encode(ROOT).decode()}\n\n{LINE}", "no origin"),
    "a lone surrogate": (f"\ud800{signed()}", "no origin"),
    "a leading zero": (signed().replace("\n7\n", "\n07\n"), "the size is not a decimal number"),
    "a negative size": (signed().replace("\n7\n", "\n-7\n"), "the size is not a decimal number"),
    "digits of another script": (signed().replace("\n7\n", "\n٧\n"), "the size is not a decimal number"),
    "a size beyond any log": (signed().replace("\n7\n", f"\n{10**18}\n"), "the size is not a decimal number"),
    "a short root": (f"{NAME}\n7\nAAAA\n\n{LINE}", "the root is not a SHA-256 hash in base64"),
    "a root in base64url": (
        f"{NAME}\n7\n{'_' * 42}8=\n\n{LINE}",
        "the root is not a SHA-256 hash in base64",
    ),
    "a root with stray bits": (
        f"{NAME}\n7\n{'A' * 42}B=\n\n{LINE}",
        "the root is not a SHA-256 hash in base64",
    ),
    "a hyphen for the dash": (signed().replace("—", "-"), "not a signature line"),
    "two spaces": (signed().replace("— ", "—  "), "not a signature line"),
    "a plus in the key name": (f"{BODY}\n— a+b AAAAAAAA\n", "not a signature line"),
    "a wide space in the key name": (f"{BODY}\n— a\u2003b AAAAAAAA\n", "not a signature line"),
    "a key hash without signature": (
        f"{BODY}\n— {NAME} AAAAAA==\n",
        "a signature is not base64 of a key hash and a signature",
    ),
    "a signature not in base64": (
        f"{BODY}\n— {NAME} ?\n",
        "a signature is not base64 of a key hash and a signature",
    ),
    "too many signatures": (signed() + LINE * MAX_SIGNATURES, "more signatures than a note may have"),
    "too long": (signed() + "x" * MAX_NOTE, "longer than a note may be"),
}


@pytest.mark.parametrize(("text", "reason"), BAD.values(), ids=BAD)
def test_a_malformed_note_says_what_is_wrong(text, reason):
    assert parse_note(text) == Malformed(reason)


def test_as_many_signatures_as_allowed_are_read():
    _, signatures = read(signed() + LINE * (MAX_SIGNATURES - 1))
    assert len(signatures) == MAX_SIGNATURES


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_no_text_makes_the_reader_raise(text):
    for attempt in (text, f"{text}\n\n{LINE}", f"{BODY}\n{text}", f"{BODY}\n— {text}\n"):
        parse_note(attempt)
        opened(attempt)


ORIGINS = st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(ORIGINS, st.integers(0, 10**18 - 1), st.binary(min_size=32, max_size=32))
def test_what_was_signed_is_what_is_opened(origin, size, root):
    checkpoint = Checkpoint(origin=origin, size=size, root=root)
    assert opened(signed(checkpoint)) == checkpoint


@pytest.mark.requirement("AUD-3")
@given(st.data())
def test_no_note_with_one_character_changed_is_believed(data):
    text = signed()
    at = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.sampled_from(sorted(set(text) | {"x", " ", "\u2028"})).filter(lambda c: c != text[at]))
    assert isinstance(opened(text[:at] + character + text[at + 1 :]), Malformed)


IMPOSSIBLE = {
    "an origin of two lines": {"origin": "a\nb"},
    "no origin": {"origin": ""},
    "a negative size": {"size": -1},
    "a root of another hash": {"root": bytes(20)},
}


@pytest.mark.parametrize("change", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_there_is_no_checkpoint_that_its_text_could_not_carry(change):
    with pytest.raises(ValueError):
        Checkpoint(**({"origin": NAME, "size": 7, "root": ROOT} | change))


UNSIGNABLE = {
    "a body without its last newline": ("a", NAME),
    "a body that begins with an empty line": ("\na\n", NAME),
    "a control character": ("a\x00\n", NAME),
    "a key name with a space": ("a\n", "a b"),
    "a key name with a plus": ("a\n", "a+b"),
    "no key name": ("a\n", ""),
}


@pytest.mark.parametrize(("body", "name"), UNSIGNABLE.values(), ids=UNSIGNABLE)
def test_nothing_is_signed_that_is_no_note(body, name):
    with pytest.raises(ValueError):
        sign_note(body, name, KEY, lambda message: stamp(KEY, message))
