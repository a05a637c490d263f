"""Resources, their scopes and the digests of their secrets."""

from __future__ import annotations

from datetime import datetime

from remit.core.credentials import StoredSecret
from remit.core.names import AgentId, ResourceId
from remit.core.resources import Resource, ResourceState, Risk, Scope
from remit.store.clients import secret_of
from remit.store.columns import maybe_to_ms, set_from_json, set_to_json, to_ms
from remit.store.statements import Row, Statements, Value

GET = """
select r.id, r.uri, r.name, r.state, r.token_seconds, r.details_types, r.served_by, r.dpop_bound,
       s.name, s.sentence, s.risk, s.sensitive
  from resource r left join scope s on s.tenant = r.tenant and s.resource_id = r.id
 where r.tenant = :tenant and r.id = :id order by s.position
"""

BY_URI = """
select r.id, r.uri, r.name, r.state, r.token_seconds, r.details_types, r.served_by, r.dpop_bound,
       s.name, s.sentence, s.risk, s.sensitive
  from resource r left join scope s on s.tenant = r.tenant and s.resource_id = r.id
 where r.tenant = :tenant and r.uri = :uri order by s.position
"""

LIST = """
select r.id, r.uri, r.name, r.state, r.token_seconds, r.details_types, r.served_by, r.dpop_bound,
       s.name, s.sentence, s.risk, s.sensitive
  from resource r left join scope s on s.tenant = r.tenant and s.resource_id = r.id
 where r.tenant = :tenant order by r.id, s.position
"""

PAGE = """
select r.id, r.uri, r.name, r.state, r.token_seconds, r.details_types, r.served_by, r.dpop_bound,
       s.name, s.sentence, s.risk, s.sensitive
  from resource r left join scope s on s.tenant = r.tenant and s.resource_id = r.id
 where r.tenant = :tenant and r.id in (
       select id from resource where tenant = :tenant and id > :after order by id limit :limit)
 order by r.id, s.position
"""

CHANGE = """
update resource set name = :name, state = :state, token_seconds = :token_seconds, details_types = :details_types,
       served_by = :served_by, dpop_bound = :dpop_bound
 where tenant = :tenant and id = :id
returning 1
"""

DROP_SCOPES = """
delete from scope where tenant = :tenant and resource_id = :id
"""

ADD = """
insert into resource (tenant, id, uri, name, state, token_seconds, details_types, served_by, dpop_bound, created_at)
values (:tenant, :id, :uri, :name, :state, :token_seconds, :details_types, :served_by, :dpop_bound, :at)
on conflict (tenant, uri) do nothing returning 1
"""

MOVE = """
update resource set uri = :uri where tenant = :tenant and id = :id
"""

ADD_SCOPE = """
insert into scope (tenant, resource_id, name, sentence, risk, sensitive, position)
values (:tenant, :resource, :name, :sentence, :risk, :sensitive, :position)
"""

SECRETS = """
select id, digest, created_at, expires_at
  from resource_secret where tenant = :tenant and resource_id = :resource order by id
"""

ADD_SECRET = """
insert into resource_secret (tenant, resource_id, id, digest, expires_at, created_at)
values (:tenant, :resource, :id, :digest, :expires_at, :at)
"""

END_SECRET = """
update resource_secret set expires_at = :at where tenant = :tenant and resource_id = :resource and id = :id
"""


class ResourceTable:
    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def get(self, resource: ResourceId) -> Resource | None:
        return await self._statements.recalled("resource", resource, lambda: self._find(GET, id=resource))

    async def by_uri(self, uri: str) -> Resource | None:
        return await self._statements.recalled("resource_by_uri", uri, lambda: self._find(BY_URI, uri=uri))

    async def _find(self, sql: str, **params: Value) -> Resource | None:
        found = _resources(await self._statements.rows(sql, **params))
        return found[0] if found else None

    async def list(self) -> tuple[Resource, ...]:
        return _resources(await self._statements.rows(LIST))

    async def move(self, resource: ResourceId, uri: str) -> None:
        await self._statements.rows(MOVE, id=resource, uri=uri)

    async def add(self, resource: Resource, *, at: datetime) -> bool:
        added = await self._statements.touched(
            ADD,
            id=resource.id,
            uri=resource.uri,
            name=resource.name,
            state=resource.state.value,
            token_seconds=resource.token_seconds,
            details_types=set_to_json(resource.details_types),
            served_by=resource.served_by,
            dpop_bound=int(resource.dpop_bound),
            at=to_ms(at),
        )
        if added:
            await self._add_scopes(resource)
        return added

    async def page(self, *, after: str = "", limit: int) -> tuple[Resource, ...]:
        return _resources(await self._statements.rows(PAGE, after=after, limit=limit))

    async def change(self, resource: Resource) -> None:
        found = await self._statements.touched(
            CHANGE,
            id=resource.id,
            name=resource.name,
            state=resource.state.value,
            token_seconds=resource.token_seconds,
            details_types=set_to_json(resource.details_types),
            served_by=resource.served_by,
            dpop_bound=int(resource.dpop_bound),
        )
        if found:
            await self._statements.rows(DROP_SCOPES, id=resource.id)
            await self._add_scopes(resource)

    async def _add_scopes(self, resource: Resource) -> None:
        for position, scope in enumerate(resource.scopes):
            await self._statements.rows(
                ADD_SCOPE,
                resource=resource.id,
                name=scope.name,
                sentence=scope.sentence,
                risk=scope.risk.value,
                sensitive=int(scope.sensitive),
                position=position,
            )

    async def secrets(self, resource: ResourceId) -> tuple[StoredSecret, ...]:
        return await self._statements.recalled("resource_secrets", resource, lambda: self._secrets(resource)) or ()

    async def _secrets(self, resource: ResourceId) -> tuple[StoredSecret, ...]:
        return tuple(secret_of(row) for row in await self._statements.rows(SECRETS, resource=resource))

    async def end_secret(self, resource: ResourceId, secret: str, *, at: datetime) -> None:
        await self._statements.rows(END_SECRET, resource=resource, id=secret, at=to_ms(at))

    async def add_secret(self, resource: ResourceId, secret: StoredSecret) -> None:
        await self._statements.rows(
            ADD_SECRET,
            resource=resource,
            id=secret.id,
            digest=secret.digest,
            expires_at=maybe_to_ms(secret.expires_at),
            at=to_ms(secret.created_at),
        )


def _resources(rows: list[Row]) -> tuple[Resource, ...]:
    """Fold one row a scope into one resource each; the rows of a resource stand together."""
    heads: dict[str, Row] = {}
    scopes: dict[str, list[Scope]] = {}
    for row in rows:
        id_, scope = row[0], row[8:]
        heads.setdefault(id_, row)
        held = scopes.setdefault(id_, [])
        if scope[0] is not None:
            name, sentence, risk, sensitive = scope
            held.append(Scope(name=name, sentence=sentence, risk=Risk(risk), sensitive=bool(sensitive)))
    return tuple(
        Resource(
            id=ResourceId(id_),
            uri=head[1],
            name=head[2],
            state=ResourceState(head[3]),
            token_seconds=head[4],
            details_types=set_from_json(head[5]),
            served_by=None if head[6] is None else AgentId(head[6]),
            dpop_bound=bool(head[7]),
            scopes=tuple(scopes[id_]),
        )
        for id_, head in heads.items()
    )
