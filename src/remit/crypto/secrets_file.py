"""The server's two own secrets, the master key and the pepper: read from files that nobody else can read."""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from remit.core.errors import RemitError
from remit.crypto.compact import write_base64url
from remit.crypto.sealing import KEY_BYTES, derive

_LONGEST: Final = 256
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class SecretsUnusable(RemitError):
    """A secret file is missing, open to others, damaged, or not the one this database was made with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSecrets:
    master: bytes = field(repr=False)
    pepper: bytes = field(repr=False)


def load_secrets(master_file: Path, pepper_file: Path, *, create: bool) -> ServerSecrets:
    """Read both secrets; with `create`, a file that is not there is made first.

    Raises:
        SecretsUnusable: a file that is missing, readable by others, or not 32 bytes.
    """
    return ServerSecrets(master=_secret(master_file, create=create), pepper=_secret(pepper_file, create=create))


def key_check(secret: bytes) -> str:
    """Return what a database remembers of a secret: it tells the right one from a wrong one, and nothing else."""
    return write_base64url(derive(secret, info=b"remit key check")[:16]).decode()


def fits(secret: bytes, remembered: str) -> bool:
    """Say whether this is the secret the database was made with."""
    return hmac.compare_digest(key_check(secret).encode(), remembered.encode())


def _secret(path: Path, *, create: bool) -> bytes:
    if create and not path.exists():
        _make(path)
    return _parse(path, _read(path))


def _read(path: Path) -> bytes:
    try:
        # Without O_NONBLOCK a pipe in this place would hang the start.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise SecretsUnusable(f"{path} cannot be read: {error.strerror}") from error
    try:
        # The open file is asked, not the name, so nothing can be exchanged in between.
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise SecretsUnusable(f"{path} is not a file")
        if status.st_mode & _OTHERS:
            raise SecretsUnusable(f"{path} is open to others: chmod 600 {path}")
        return os.read(handle, _LONGEST + 1)
    finally:
        os.close(handle)


def _parse(path: Path, raw: bytes) -> bytes:
    """Read 32 bytes as base64 in either alphabet, or as hex; their lengths cannot be confused."""
    written = raw.strip()
    plain = b""
    with suppress(binascii.Error, ValueError):
        if len(written) == 2 * KEY_BYTES:
            plain = bytes.fromhex(written.decode("ascii"))
        else:
            padded = written.translate(bytes.maketrans(b"-_", b"+/")) + b"=" * (-len(written) % 4)
            plain = base64.b64decode(padded, validate=True)
    if len(plain) != KEY_BYTES:
        raise SecretsUnusable(f"{path} does not hold {KEY_BYTES} bytes as base64 or hex")
    return plain


def _make(path: Path) -> None:
    """Write a new secret that appears whole or not at all, and never in the place of another."""
    draft = path.with_name(f"{path.name}.{os.urandom(8).hex()}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, write_base64url(os.urandom(KEY_BYTES)) + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        try:
            # A link fails where a file already is; whoever comes second reads what the first one made.
            with suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink()
        _sync_folder(path.parent)
    except OSError as error:
        raise SecretsUnusable(f"{path} cannot be made: {error.strerror}") from error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
