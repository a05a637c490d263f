"""What a page says to whoever tried too often: how long to wait, in words and in the header (RFC 6585 §4)."""

from __future__ import annotations

from starlette.responses import Response


def too_many_tries(wait: int) -> str:
    return f"Too many tries. Wait {wait} seconds, then try again."


def told_to_wait(shown: Response, wait: int) -> Response:
    """Say on a page that was made how many seconds to wait."""
    shown.headers["retry-after"] = str(wait)
    return shown
