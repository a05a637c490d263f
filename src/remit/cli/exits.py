"""Exit codes, the same for every command, here and on a server."""

from __future__ import annotations

from typing import Final

OK: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
NOT_FOUND: Final = 3
AUTH: Final = 4
SERVER: Final = 5
PENDING: Final = 6
"""`remit plan`: there is something to do, and nothing stands against it."""

INTERRUPTED: Final = 130

OF_CODE: Final = {
    "invalid_request": USAGE,
    "method_not_allowed": USAGE,
    "too_large": USAGE,
    "unsupported_media_type": USAGE,
    "not_found": NOT_FOUND,
    "unauthorized": AUTH,
    "invalid_token": AUTH,
    "access_denied": AUTH,
    "invalid_client": AUTH,
    "internal": SERVER,
    "unavailable": SERVER,
}
"""What the code of a refusal or problem ends with where that is not `refused`."""


def exit_of(code: str) -> int:
    return OF_CODE.get(code, REFUSED)


def exit_of_status(status: int) -> int:
    """Return what a command ends with where an answer has nothing but its status."""
    if status >= 500:
        return SERVER
    return {401: AUTH, 404: NOT_FOUND}.get(status, REFUSED)
