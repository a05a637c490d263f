"""Exit codes, the same for every command."""

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

OF_REFUSAL: Final = {"not_found": NOT_FOUND, "unauthorized": AUTH, "access_denied": AUTH, "invalid_client": AUTH}
"""What a refusal's code ends with where that is not `refused`."""


def exit_of(code: str) -> int:
    return OF_REFUSAL.get(code, REFUSED)
