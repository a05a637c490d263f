"""The settings of a command: the environment and file of the server, with the flags on top."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from remit.cli.exits import USAGE

if TYPE_CHECKING:
    from remit.settings import Settings


def load_or_exit(
    *,
    data: Path | None = None,
    host: str | None = None,
    port: int | None = None,
    probe_port: int | None = None,
    base_url: str | None = None,
) -> Settings:
    """Return the settings, or say every problem with them and leave.

    Raises:
        SystemExit: the settings do not hold.
    """
    from remit.settings import SettingsError, load

    flags = {
        "data.dir": data,
        "server.host": host,
        "server.port": port,
        "server.probe_port": probe_port,
        "server.base_url": base_url,
    }
    try:
        return load(environ=os.environ, flags=flags, cwd=Path.cwd())
    except SettingsError as error:
        print("remit does not start:", file=sys.stderr)
        for problem in error.problems:
            print(f"  {problem}", file=sys.stderr)
        raise SystemExit(USAGE) from None
