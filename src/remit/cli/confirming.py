"""Ask once more before something that cannot be taken back: who means it types what it is about."""

from __future__ import annotations

import sys

from remit.cli.exits import REFUSED, USAGE
from remit.cli.here import end


def confirm(effect: str, word: str) -> None:
    """Tell the effect and wait for the word.

    Raises:
        Ended: nobody is there to type it, or something else was typed.
    """
    if not sys.stdin.isatty():
        raise end(f"{effect} Nobody is here to confirm it: give --yes, or look first with --dry-run", USAGE)
    print(f"{effect} Type {word} to go on: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != word:
        raise end("nothing was done", REFUSED)
