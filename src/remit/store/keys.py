"""Signing keys."""

from __future__ import annotations

from datetime import datetime

from remit.core.keys import KeyState, KeyUse, SigningKey
from remit.core.names import Kid
from remit.store.columns import from_ms, to_ms
from remit.store.statements import Statements

ALL = """
select kid, alg, use, state, public, sealed, created_at, changed_at
  from signing_key where tenant = :tenant order by created_at, kid
"""

ADD = """
insert into signing_key (tenant, kid, alg, use, state, public, sealed, created_at, changed_at)
values (:tenant, :kid, :alg, :use, :state, :public, :sealed, :created_at, :changed_at)
"""

CHANGE = """
update signing_key set state = :state, changed_at = :at where tenant = :tenant and kid = :kid
"""


class KeyTable:
    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def all(self) -> tuple[SigningKey, ...]:
        return await self._statements.recalled("keys", "", self._all) or ()

    async def _all(self) -> tuple[SigningKey, ...]:
        return tuple(
            SigningKey(
                kid=Kid(kid),
                alg=alg,
                use=KeyUse(use),
                state=KeyState(state),
                public=public,
                sealed=sealed,
                created_at=from_ms(created_at),
                changed_at=from_ms(changed_at),
            )
            for kid, alg, use, state, public, sealed, created_at, changed_at in await self._statements.rows(ALL)
        )

    async def add(self, key: SigningKey) -> None:
        await self._statements.rows(
            ADD,
            kid=key.kid,
            alg=key.alg,
            use=key.use.value,
            state=key.state.value,
            public=key.public,
            sealed=key.sealed,
            created_at=to_ms(key.created_at),
            changed_at=to_ms(key.changed_at),
        )

    async def change(self, kid: Kid, state: KeyState, *, at: datetime) -> None:
        await self._statements.rows(CHANGE, kid=kid, state=state.value, at=to_ms(at))
