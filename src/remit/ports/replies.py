"""The parts of the store that keep what was said: answers for whoever asks twice, and facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer that was given: to what, as a digest, and what it said. It never holds a secret."""

    request: bytes
    status: int
    body: bytes


class Replies(Protocol):
    """Answers under the keys that callers chose, for as long as they may ask again."""

    async def find(self, caller: str, key: str, *, at: datetime) -> Reply | None: ...
    async def keep(self, caller: str, key: str, reply: Reply, *, until: datetime) -> None: ...


class Facts(Protocol):
    """What was settled once and is compared ever after. The instance's own lie under `remit.core.tenants.INSTANCE`."""

    async def recall(self, name: str) -> str | None: ...
    async def settle(self, name: str, value: str) -> str:
        """Remember a value unless there is one, and return what holds: whoever comes first decides."""
        ...

    async def change(self, name: str, value: str) -> None: ...
