"""How the demo tells its story: short lines, and a check behind each of them."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

LABEL = 22
"""Width of what stands before the details; with them a line fits a terminal of 80 columns."""


class DemoFailed(Exception):
    """Something did not behave as the story says."""


class Teller:
    """Writes the story. Nothing is told that was not checked first."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._chapter = 0

    def chapter(self, title: str) -> None:
        self._chapter += 1
        self._console.print()
        self._console.print(Text(f"{self._chapter}  {title}", style="bold"))

    def line(self, text: str, detail: str = "") -> None:
        words = Text(f"   {text}")
        if detail:
            words = Text(f"   {text:<{LABEL}}  ") + Text(detail, style="dim")
        self._console.print(words)

    def outcome(self, call: str, status: str, *, good: bool, detail: str = "") -> None:
        """Tell one call and what came of it."""
        words = Text(f"   {call:<{LABEL}}  ") + Text(f"{status:<6}", style="green" if good else "red")
        self._console.print(words + Text(detail, style="dim"))

    def code(self, text: str) -> None:
        for line in text.splitlines():
            self._console.print(Text(f"   {line}", style="cyan"))


def check(holds: object, what: str) -> None:
    """Stop the demo where the product does not do what the story says.

    Raises:
        DemoFailed: it does not hold.
    """
    if not holds:
        raise DemoFailed(what)
