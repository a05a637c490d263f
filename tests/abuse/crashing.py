"""`remit`, but killed from inside at a named point of a refresh, once, as soon as a file says which.

Run as a program. What it runs is the product; only a kill -9 is put between two of its lines.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from remit.cli import main
from remit.http.oauth import token as token_endpoint
from remit.store import sqlite
from remit.store.refresh_tokens import RefreshTokenTable
from tests.abuse.crashing_points import POINTS

ARMED = Path(os.environ["CRASH_FILE"])


def die(point: str) -> None:
    """Die here if this is the point; the file goes first, so that the next process lives."""
    if ARMED.exists() and ARMED.read_text("utf-8") == point:
        ARMED.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def dying_after(point: str, step: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(step)
    async def taken(*args: Any, **kwargs: Any) -> Any:
        came = await step(*args, **kwargs)
        die(point)
        return came

    return taken


def dying_before(point: str, step: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(step)
    def taken(*args: Any, **kwargs: Any) -> Any:
        die(point)
        return step(*args, **kwargs)

    return taken


def arm_everything() -> None:
    table: Any = RefreshTokenTable
    table.spend = dying_after(POINTS[0], table.spend)
    table.add = dying_after(POINTS[2], dying_before(POINTS[1], table.add))
    writer: Any = sqlite.Connection
    writer.commit = dying_before(POINTS[3], writer.commit)
    endpoint: Any = token_endpoint
    endpoint.render_tokens = dying_before(POINTS[4], endpoint.render_tokens)


if __name__ == "__main__":
    arm_everything()
    main()
