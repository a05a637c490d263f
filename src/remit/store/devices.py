"""What devices ask for, until it is answered, redeemed or too old."""

from __future__ import annotations

from datetime import datetime

from remit.core.names import ClientId, LineId, ResourceId
from remit.core.oauth.device import DeviceRequest, DeviceState
from remit.store.columns import from_json, from_ms, maybe_from_ms, maybe_to_ms, to_json, to_ms
from remit.store.statements import Row, Statements

FIND = """
select id, digest, user_code, client_id, client_version, resource_id, scopes, details, max_age, acr, peer, jkt, state,
       pace, next_at, created_at, expires_at, line_id, auth_time, amr
  from device_request where tenant = :tenant and id = :id
"""

BY_CODE = """
select id, digest, user_code, client_id, client_version, resource_id, scopes, details, max_age, acr, peer, jkt, state,
       pace, next_at, created_at, expires_at, line_id, auth_time, amr
  from device_request where tenant = :tenant and user_code = :user_code
"""

ADD = """
insert into device_request (tenant, id, digest, user_code, client_id, client_version, resource_id, scopes, details,
                            max_age, acr, peer, jkt, state, pace, next_at, created_at, expires_at, line_id, auth_time,
                            amr)
values (:tenant, :id, :digest, :user_code, :client, :client_version, :resource, :scopes, :details,
        :max_age, :acr, :peer, :jkt, :state, :pace, :next_at, :created_at, :expires_at, :line, :auth_time,
        :amr)
on conflict (tenant, user_code) do nothing returning 1
"""

PACE = """
update device_request set pace = :pace, next_at = :next_at where tenant = :tenant and id = :id
"""

APPROVE = """
update device_request
   set state = 'approved', line_id = :line, auth_time = :auth_time, amr = :amr, expires_at = :expires_at
 where tenant = :tenant and id = :id and state = 'pending'
returning 1
"""

DENY = """
update device_request set state = 'denied' where tenant = :tenant and id = :id and state = 'pending'
returning 1
"""

SPEND = """
update device_request set state = 'spent' where tenant = :tenant and id = :id and state = 'approved'
returning 1
"""


class DeviceRequestTable:
    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find(self, id: str) -> DeviceRequest | None:
        row = await self._statements.row(FIND, id=id)
        return None if row is None else _request(row)

    async def by_code(self, user_code: str) -> DeviceRequest | None:
        row = await self._statements.row(BY_CODE, user_code=user_code)
        return None if row is None else _request(row)

    async def add(self, request: DeviceRequest) -> bool:
        return await self._statements.touched(
            ADD,
            id=request.id,
            digest=request.digest,
            user_code=request.user_code,
            client=request.client,
            client_version=request.client_version,
            resource=request.resource,
            scopes=to_json(request.scopes),
            details=request.details,
            max_age=request.max_age,
            acr=request.acr,
            peer=request.peer,
            jkt=request.jkt,
            state=request.state.value,
            pace=request.interval,
            next_at=to_ms(request.next_at),
            created_at=to_ms(request.created_at),
            expires_at=to_ms(request.expires_at),
            line=request.line,
            auth_time=maybe_to_ms(request.auth_time),
            amr=to_json(request.amr),
        )

    async def pace(self, id: str, *, interval: int, next_at: datetime) -> None:
        await self._statements.rows(PACE, id=id, pace=interval, next_at=to_ms(next_at))

    async def approve(
        self, id: str, *, line: LineId, auth_time: datetime, amr: tuple[str, ...], expires_at: datetime
    ) -> bool:
        return await self._statements.touched(
            APPROVE, id=id, line=line, auth_time=to_ms(auth_time), amr=to_json(amr), expires_at=to_ms(expires_at)
        )

    async def deny(self, id: str) -> bool:
        return await self._statements.touched(DENY, id=id)

    async def spend(self, id: str) -> bool:
        return await self._statements.touched(SPEND, id=id)


def _request(row: Row) -> DeviceRequest:
    (
        id_,
        digest,
        user_code,
        client,
        client_version,
        resource,
        scopes,
        details,
        max_age,
        acr,
        peer,
        jkt,
        state,
        pace,
        next_at,
        created_at,
        expires_at,
        line,
        auth_time,
        amr,
    ) = row
    return DeviceRequest(
        id=id_,
        digest=digest,
        user_code=user_code,
        client=ClientId(client),
        client_version=client_version,
        resource=ResourceId(resource),
        scopes=from_json(scopes),
        details=details,
        max_age=max_age,
        acr=acr,
        peer=peer,
        jkt=jkt,
        state=DeviceState(state),
        interval=pace,
        next_at=from_ms(next_at),
        created_at=from_ms(created_at),
        expires_at=from_ms(expires_at),
        line=LineId(line) if line is not None else None,
        auth_time=maybe_from_ms(auth_time),
        amr=from_json(amr),
    )
