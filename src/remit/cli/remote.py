"""A signed-in server: where its tokens are kept, and how it is asked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from remit.cli.exits import AUTH, SERVER, exit_of_status
from remit.cli.here import end

if TYPE_CHECKING:
    import httpx2

SECONDS: Final = 30.0
EARLY: Final = timedelta(seconds=30)
"""How long before its end a token is exchanged for the next one."""


class Login(msgspec.Struct, kw_only=True):
    """What a sign-in left: tokens for the API of one tenant, and what gets the next ones."""

    issuer: str
    api: str
    token_endpoint: str
    client_id: str
    access_token: str
    refresh_token: str | None
    expires_at: datetime
    scopes: list[str]


class Logins(msgspec.Struct, kw_only=True):
    """The file: every sign-in by its issuer, and the one that is meant where none is named."""

    default: str | None = None
    logins: dict[str, Login] = msgspec.field(default_factory=dict)


def place() -> Path:
    """Return where sign-ins are kept; `REMIT_LOGINS` names another file."""
    named = os.environ.get("REMIT_LOGINS")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "remit" / "logins.json"


def read_logins() -> Logins:
    path = place()
    try:
        return msgspec.json.decode(path.read_bytes(), type=Logins)
    except FileNotFoundError:
        return Logins()
    except OSError as error:
        raise end(f"{path} cannot be read: {error.strerror}", SERVER) from None
    except msgspec.MsgspecError:
        raise end(f"{path} is damaged: remove it and sign in again", AUTH) from None


def write_logins(logins: Logins) -> None:
    """Write the file whole or not at all, readable by its owner alone from its first byte."""
    path = place()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(logins), indent=2))
        beside.replace(path)
    except OSError as error:
        raise end(f"{path} cannot be written: {error.strerror}", SERVER) from None


def find_login(issuer: str | None) -> Login:
    """Return a sign-in that holds, with its token renewed if need be."""
    logins = read_logins()
    wanted = (issuer or logins.default or "").rstrip("/")
    found = logins.logins.get(wanted)
    if found is None:
        known = ", ".join(logins.logins) or "none"
        raise end(f"not signed in{f' to {wanted}' if wanted else ''} (signed in to: {known}): `remit login URL`", AUTH)
    if datetime.now(UTC) + EARLY < found.expires_at:
        return found
    if found.refresh_token is None:
        raise end(f"the sign-in to {found.issuer} is over: `remit login {found.issuer}`", AUTH)
    with asking() as http:
        answer = http.post(
            found.token_endpoint,
            data={
                "grant_type": "refresh_token",
                "refresh_token": found.refresh_token,
                "client_id": found.client_id,
            },
        )
        told = body_of(answer)
    if answer.status_code != 200:
        hint = told.get("error_description", "")
        raise end(f"the sign-in to {found.issuer} is over: `remit login {found.issuer}` ({hint})", AUTH)
    renewed = msgspec.structs.replace(found, **renewal(told))
    logins.logins[wanted] = renewed
    write_logins(logins)
    return renewed


def renewal(told: dict[str, Any]) -> dict[str, Any]:
    """Take the members of a token response that a sign-in keeps."""
    return {
        "access_token": told["access_token"],
        "refresh_token": told.get("refresh_token"),
        "expires_at": datetime.now(UTC) + timedelta(seconds=int(told.get("expires_in", 60))),
        "scopes": str(told.get("scope", "")).split(),
    }


@contextmanager
def asking() -> Iterator[httpx2.Client]:
    """Open a client; a server that does not answer ends the command."""
    import httpx2

    with httpx2.Client(timeout=SECONDS) as http:
        try:
            yield http
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            raise end(f"the server did not answer: {type(error).__name__}", SERVER) from None


def body_of(answer: httpx2.Response) -> dict[str, Any]:
    """Read an answer that must be a JSON object."""
    try:
        return msgspec.json.decode(answer.content, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise end(f"{answer.url} answered {answer.status_code} with something that is not ours", SERVER) from None


class Problem(msgspec.Struct, kw_only=True):
    """A problem document, as far as a person at a terminal wants to know (RFC 9457)."""

    code: str
    detail: str
    doc_url: str = ""


def problem_of(answer: httpx2.Response) -> Problem:
    """Read why the API said no.

    Raises:
        Ended: what answered is not the API, or broken.
    """
    try:
        return msgspec.json.decode(answer.content, type=Problem)
    except msgspec.MsgspecError:
        raise end(f"{answer.url.host} answered {answer.status_code}", exit_of_status(answer.status_code)) from None
