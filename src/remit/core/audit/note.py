"""Checkpoints of the audit tree as signed notes (C2SP signed-note and tlog-checkpoint)."""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256

from remit.core.audit.tree import HASH_SIZE

ED25519 = b"\x01"
KEY_HASH_SIZE = 4
MAX_NOTE = 64 * 1024
MAX_SIGNATURES = 64  # the specification asks for at least 16

_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a log says about itself at one moment: so many entries, this root."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        """Keep out what the three lines cannot carry.

        Raises:
            ValueError: an origin, size or root that no checkpoint has.
        """
        if not self.origin or "\n" in self.origin or _CONTROL.search(self.origin):
            raise ValueError("an origin is one line of text")
        if not _SIZE.fullmatch(str(self.size)):
            raise ValueError("a size counts entries")
        if len(self.root) != HASH_SIZE:
            raise ValueError("a root is a SHA-256 hash")

    def body(self) -> str:
        """Write the text that is signed."""
        return f"{self.origin}\n{self.size}\n{_encode(self.root)}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSignature:
    """One signature line; key name and key hash together say whose."""

    name: str
    key_hash: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteKey:
    """A public key whose checkpoints we believe."""

    name: str
    public_key: bytes


@dataclass(frozen=True, slots=True)
class Malformed:
    """Why a text is not a checkpoint that we can believe."""

    reason: str


def key_hash(name: str, public_key: bytes) -> bytes:
    """Name an Ed25519 key in four bytes: a hint which key to try, never a proof."""
    return sha256(name.encode() + b"\n" + ED25519 + public_key).digest()[:KEY_HASH_SIZE]


def sign_note(body: str, name: str, public_key: bytes, sign: Callable[[bytes], bytes]) -> str:
    """Put a signature line under a body.

    Raises:
        ValueError: a body or key name that a note cannot carry.
    """
    if not body.endswith("\n") or body.startswith("\n") or _CONTROL.search(body):
        raise ValueError("the body of a note is lines of text, each ended by a newline")
    if not _is_key_name(name):
        raise ValueError("a key name has no space and no plus")
    line = _encode(key_hash(name, public_key) + sign(body.encode()))
    return f"{body}\n\N{EM DASH} {name} {line}\n"


def parse_note(text: str) -> tuple[Checkpoint, tuple[NoteSignature, ...]] | Malformed:
    """Read a checkpoint note without believing it: no signature has been checked."""
    if len(text) > MAX_NOTE:
        return Malformed("longer than a note may be")
    if _CONTROL.search(text):
        return Malformed("holds control characters")
    # The last empty line parts text and signatures; an extension line may not be empty, so here it is the only one.
    body, blank, rest = text.rpartition("\n\n")
    if not blank:
        return Malformed("no empty line before the signatures")
    checkpoint = _parse_body(body)
    if isinstance(checkpoint, Malformed):
        return checkpoint
    if not rest:
        return Malformed("no signature")
    if not rest.endswith("\n"):
        return Malformed("the last signature line is cut off")
    # INVARIANT: split at \n alone; splitlines() also splits at characters that a key name may hold.
    lines = rest[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        return Malformed("more signatures than a note may have")
    signatures: list[NoteSignature] = []
    for line in lines:
        signature = _parse_signature(line)
        if isinstance(signature, Malformed):
            return signature
        signatures.append(signature)
    return checkpoint, tuple(signatures)


def open_note(
    text: str, *, trusted: Iterable[NoteKey], verify: Callable[[bytes, bytes, bytes], bool]
) -> Checkpoint | Malformed:
    """Read a checkpoint that a trusted key signed; `verify` takes public key, signature and message."""
    parsed = parse_note(text)
    if isinstance(parsed, Malformed):
        return parsed
    checkpoint, signatures = parsed
    known = {(key.name, key_hash(key.name, key.public_key)): key.public_key for key in trusted}
    ours = [
        (known[item.name, item.key_hash], item.signature)
        for item in signatures
        if (item.name, item.key_hash) in known  # others may sign the same note; they neither help nor harm
    ]
    if not ours:
        return Malformed("no signature of a trusted key")
    message = checkpoint.body().encode()
    if not all(verify(public_key, signature, message) for public_key, signature in ours):
        return Malformed("a signature of a trusted key does not verify")
    return checkpoint


def _parse_body(body: str) -> Checkpoint | Malformed:
    lines = body.split("\n")
    if len(lines) != 3:
        # Extension lines are optional, and no log of ours writes them: nothing in the tree vouches for their text.
        return Malformed("not the three lines of a checkpoint")
    origin, size, root_line = lines
    if not origin or not _is_utf8(origin):
        return Malformed("no origin")
    if not _SIZE.fullmatch(size):
        return Malformed("the size is not a decimal number")
    root = _decode(root_line)
    if root is None or len(root) != HASH_SIZE:
        return Malformed("the root is not a SHA-256 hash in base64")
    return Checkpoint(origin=origin, size=int(size), root=root)


def _parse_signature(line: str) -> NoteSignature | Malformed:
    match line.split(" "):
        case ["\N{EM DASH}", name, encoded] if _is_key_name(name):
            raw = _decode(encoded)
            if raw is None or len(raw) <= KEY_HASH_SIZE:
                return Malformed("a signature is not base64 of a key hash and a signature")
            return NoteSignature(name=name, key_hash=raw[:KEY_HASH_SIZE], signature=raw[KEY_HASH_SIZE:])
        case _:
            return Malformed("not a signature line")


def _is_key_name(name: str) -> bool:
    spaced = any(character.isspace() for character in name)
    return bool(name) and not spaced and "+" not in name and not _CONTROL.search(name) and _is_utf8(name)


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _encode(raw: bytes) -> str:
    return b64encode(raw).decode()


def _decode(text: str) -> bytes | None:
    """Decode base64 in its one canonical spelling, so that one note has one text."""
    try:
        raw = b64decode(text, validate=True)
    except ValueError:
        return None
    return raw if _encode(raw) == text else None
