"""Whom a tenant lets in, and when documents of clients were last read."""

from __future__ import annotations

from remit.core.admission import Admission, Documents, Registrations
from remit.core.names import ClientId
from remit.core.oauth.documents import Reading
from remit.store.columns import from_json, from_ms, to_json, to_ms
from remit.store.statements import Statements

GET = """
select registration, documents, hosts, same_origin from admission where tenant = :tenant
"""

CHOOSE = """
insert into admission (tenant, registration, documents, hosts, same_origin)
values (:tenant, :registration, :documents, :hosts, :same_origin)
on conflict (tenant) do update
   set registration = excluded.registration, documents = excluded.documents, hosts = excluded.hosts,
       same_origin = excluded.same_origin
"""

READING = """
select etag, read_at, fresh_until from client_reading where tenant = :tenant and client_id = :client and what = :what
"""

PUT_READING = """
insert into client_reading (tenant, client_id, what, etag, read_at, fresh_until)
values (:tenant, :client, :what, :etag, :read_at, :fresh_until)
on conflict (tenant, client_id, what) do update
   set etag = excluded.etag, read_at = excluded.read_at, fresh_until = excluded.fresh_until
"""


class AdmissionTable:
    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def get(self) -> Admission | None:
        return await self._statements.recalled("admission", "", self._read)

    async def _read(self) -> Admission | None:
        row = await self._statements.row(GET)
        if row is None:
            return None
        registration, documents, hosts, same_origin = row
        return Admission(
            registration=Registrations(registration),
            documents=Documents(documents),
            hosts=from_json(hosts),
            same_origin=bool(same_origin),
        )

    async def choose(self, admission: Admission) -> None:
        await self._statements.rows(
            CHOOSE,
            registration=admission.registration.value,
            documents=admission.documents.value,
            hosts=to_json(admission.hosts),
            same_origin=int(admission.same_origin),
        )


class ReadingTable:
    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def get(self, client: ClientId, what: str) -> Reading | None:
        row = await self._statements.row(READING, client=client, what=what)
        if row is None:
            return None
        etag, read_at, fresh_until = row
        return Reading(etag=etag, read_at=from_ms(read_at), fresh_until=from_ms(fresh_until))

    async def put(self, client: ClientId, what: str, reading: Reading) -> None:
        await self._statements.rows(
            PUT_READING,
            client=client,
            what=what,
            etag=reading.etag,
            read_at=to_ms(reading.read_at),
            fresh_until=to_ms(reading.fresh_until),
        )
