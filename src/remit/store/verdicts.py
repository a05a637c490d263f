"""What was judged of tokens, remembered while the tenant's stamps stand (ADR 9)."""

from __future__ import annotations

import hashlib

from remit.store.statements import Statements


class VerdictMemory:
    """Verdicts by the digest of their token, so that what lies in memory opens nothing."""

    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find(self, token: str) -> object | None:
        return await self._statements.conclusion("verdict", _digest(token))

    def keep(self, token: str, verdict: object) -> None:
        self._statements.conclude("verdict", _digest(token), verdict)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
