"""When credentials were last used. Told in batches beside the requests, so a token costs no statement more for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from remit.core.credentials import Use
from remit.store.columns import from_ms, to_ms
from remit.store.statements import Statements

USED = """
insert into credential_use (tenant, holder, credential, last_at) values (:tenant, :holder, :credential, :at)
on conflict (tenant, holder, credential) do update set last_at = excluded.last_at
 where credential_use.last_at < excluded.last_at
"""

LAST_USED = """
select credential, last_at from credential_use where tenant = :tenant and holder = :holder order by credential
"""


class CredentialTable:
    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def used(self, uses: Sequence[Use]) -> None:
        for use in uses:
            await self._statements.rows(USED, holder=use.holder, credential=use.credential, at=to_ms(use.at))

    async def last_used(self, holder: str) -> dict[str, datetime]:
        rows = await self._statements.rows(LAST_USED, holder=holder)
        return {credential: from_ms(at) for credential, at in rows}
