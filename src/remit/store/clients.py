"""Clients and the digests of their secrets."""

from __future__ import annotations

from datetime import datetime

import msgspec

from remit.core.clients import AuthMethod, Client, ClientState, GrantType, Logout, Party
from remit.core.credentials import StoredSecret
from remit.core.names import AgentId, ClientId, ResourceId
from remit.core.oauth.documents import is_document
from remit.store.agents import agent_of, remit_of
from remit.store.columns import (
    from_json,
    from_ms,
    maybe_from_ms,
    maybe_to_ms,
    set_from_json,
    set_to_json,
    to_json,
    to_ms,
)
from remit.store.statements import Row, Statements

GET = """
select id, agent_id, name, auth_method, application_type, redirect_uris, grant_types, default_resource, default_scopes,
       jwks, jwks_at, old_jwks, old_jwks_until, self_registered, version, id_token_alg,
       require_pushed, require_signed, dpop_bound, details_types, document, home, logout, state, created_at
  from client where tenant = :tenant and id = :id
"""

GET_DESCRIBED = """
select id, agent_id, name, auth_method, application_type, redirect_uris, grant_types, default_resource, default_scopes,
       jwks, jwks_at, old_jwks, old_jwks_until, self_registered, version, id_token_alg,
       require_pushed, require_signed, dpop_bound, details_types, document, home, logout, state, created_at
  from client where tenant = :tenant and document = :document
"""

PARTY = """
select c.id, c.agent_id, c.name, c.auth_method, c.application_type, c.redirect_uris, c.grant_types, c.default_resource,
       c.default_scopes, c.jwks, c.jwks_at, c.old_jwks, c.old_jwks_until, c.self_registered, c.version, c.id_token_alg,
       c.require_pushed, c.require_signed, c.dpop_bound, c.details_types, c.document, c.home, c.logout,
       c.state, c.created_at,
       a.id, a.name, a.purpose, a.owner, a.sponsor, a.role, a.model, a.state, a.created_at,
       r.id, r.agent_id, r.version, r.scopes, r.expires_at, r.token_seconds, r.dpop_bound
  from client c
  join agent a on a.tenant = c.tenant and a.id = c.agent_id
  left join remit r on r.tenant = c.tenant and r.agent_id = c.agent_id and r.state = 'active'
 where c.tenant = :tenant and c.id = :id
"""

PARTY_DESCRIBED = """
select c.id, c.agent_id, c.name, c.auth_method, c.application_type, c.redirect_uris, c.grant_types, c.default_resource,
       c.default_scopes, c.jwks, c.jwks_at, c.old_jwks, c.old_jwks_until, c.self_registered, c.version, c.id_token_alg,
       c.require_pushed, c.require_signed, c.dpop_bound, c.details_types, c.document, c.home, c.logout,
       c.state, c.created_at,
       a.id, a.name, a.purpose, a.owner, a.sponsor, a.role, a.model, a.state, a.created_at,
       r.id, r.agent_id, r.version, r.scopes, r.expires_at, r.token_seconds, r.dpop_bound
  from client c
  join agent a on a.tenant = c.tenant and a.id = c.agent_id
  left join remit r on r.tenant = c.tenant and r.agent_id = c.agent_id and r.state = 'active'
 where c.tenant = :tenant and c.document = :document
"""

# Names of self-registered clients are what strangers chose: they never stand before one that an administrator made.
BY_NAME = """
select id, agent_id, name, auth_method, application_type, redirect_uris, grant_types, default_resource, default_scopes,
       jwks, jwks_at, old_jwks, old_jwks_until, self_registered, version, id_token_alg,
       require_pushed, require_signed, dpop_bound, details_types, document, home, logout, state, created_at
  from client
 where tenant = :tenant and id in (select id from client where tenant = :tenant and name = :name)
 order by self_registered, id limit 1
"""

LIST = """
select id, agent_id, name, auth_method, application_type, redirect_uris, grant_types, default_resource, default_scopes,
       jwks, jwks_at, old_jwks, old_jwks_until, self_registered, version, id_token_alg,
       require_pushed, require_signed, dpop_bound, details_types, document, home, logout, state, created_at
  from client where tenant = :tenant order by id
"""

LIST_OF_AGENT = """
select id, agent_id, name, auth_method, application_type, redirect_uris, grant_types, default_resource, default_scopes,
       jwks, jwks_at, old_jwks, old_jwks_until, self_registered, version, id_token_alg,
       require_pushed, require_signed, dpop_bound, details_types, document, home, logout, state, created_at
  from client
 where tenant = :tenant and id in (select id from client where tenant = :tenant and agent_id = :agent)
 order by id
"""

PAGE = """
select id, agent_id, name, auth_method, application_type, redirect_uris, grant_types, default_resource, default_scopes,
       jwks, jwks_at, old_jwks, old_jwks_until, self_registered, version, id_token_alg,
       require_pushed, require_signed, dpop_bound, details_types, document, home, logout, state, created_at
  from client
 where tenant = :tenant and id > :after and (cast(:agent as text) is null or agent_id = :agent)
 order by id limit :limit
"""

CHANGE = """
update client set name = :name, redirect_uris = :redirect_uris, grant_types = :grant_types,
       default_resource = :default_resource, default_scopes = :default_scopes, id_token_alg = :id_token_alg,
       require_pushed = :require_pushed, require_signed = :require_signed,
       dpop_bound = :dpop_bound, details_types = :details_types, logout = :logout, version = :version
 where tenant = :tenant and id = :id
"""

COUNT_SELF_REGISTERED = """
select count(*) from client where tenant = :tenant and self_registered = 1 and state = 'active'
"""

UNUSED = """
select id, agent_id, name, auth_method, application_type, redirect_uris, grant_types, default_resource, default_scopes,
       jwks, jwks_at, old_jwks, old_jwks_until, self_registered, version, id_token_alg,
       require_pushed, require_signed, dpop_bound, details_types, document, home, logout, state, created_at
  from client c
 where tenant = :tenant and self_registered = 1 and state = 'active' and created_at < :before
   and not exists (
       select 1 from grants g
        where g.tenant = c.tenant and g.client_id = c.id
          and g.id in (select id from grants where tenant = c.tenant and agent_id = c.agent_id))
 order by id limit 50
"""

RETIRE = """
update client set state = 'retired' where tenant = :tenant and id = :id
"""

ADD = """
insert into client (tenant, id, agent_id, name, auth_method, application_type, redirect_uris, grant_types,
                    default_resource, default_scopes, jwks, jwks_at, old_jwks, old_jwks_until, self_registered, version,
                    id_token_alg, require_pushed, require_signed, dpop_bound, details_types, document, home, logout,
                    state, created_at)
values (:tenant, :id, :agent, :name, :auth_method, :application_type, :redirect_uris, :grant_types,
        :default_resource, :default_scopes, :jwks, :jwks_at, :old_jwks, :old_jwks_until, :self_registered, :version,
        :id_token_alg, :require_pushed, :require_signed, :dpop_bound, :details_types, :document, :home, :logout,
        :state, :created_at)
"""

SET_KEYS = """
update client set jwks = :jwks, jwks_at = :jwks_at, old_jwks = :old_jwks,
       old_jwks_until = :old_jwks_until, version = :version
 where tenant = :tenant and id = :id
"""

SECRETS = """
select id, digest, created_at, expires_at from client_secret where tenant = :tenant and client_id = :client order by id
"""

EXPIRE = """
update client set state = 'expired', document = null where tenant = :tenant and id = :id
"""

ADOPT = """
update client set self_registered = 0 where tenant = :tenant and id = :id
"""

REDESCRIBE = """
update client set name = :name, auth_method = :auth_method, application_type = :application_type,
       redirect_uris = :redirect_uris, grant_types = :grant_types, default_scopes = :default_scopes, jwks = :jwks,
       home = :home, id_token_alg = :id_token_alg, require_pushed = :require_pushed, require_signed = :require_signed,
       dpop_bound = :dpop_bound, details_types = :details_types, logout = :logout, version = :version
 where tenant = :tenant and id = :id
"""

ADD_SECRET = """
insert into client_secret (tenant, client_id, id, digest, expires_at, created_at)
values (:tenant, :client, :id, :digest, :expires_at, :at)
"""

END_SECRET = """
update client_secret set expires_at = :at where tenant = :tenant and client_id = :client and id = :id
"""

_CLIENT_COLUMNS = 25
_AGENT_COLUMNS = 9


class ClientTable:
    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def get(self, client: ClientId) -> Client | None:
        """Find by id, or by the URL of the document that is a client's id."""
        if is_document(client):
            row = await self._statements.row(GET_DESCRIBED, document=client)
        else:
            row = await self._statements.row(GET, id=client)
        return None if row is None else _client(row)

    async def party(self, client: ClientId) -> Party | None:
        return await self._statements.recalled("party", client, lambda: self._party(client))

    async def _party(self, client: ClientId) -> Party | None:
        if is_document(client):
            row = await self._statements.row(PARTY_DESCRIBED, document=client)
        else:
            row = await self._statements.row(PARTY, id=client)
        if row is None:
            return None
        agent, remit = row[_CLIENT_COLUMNS:][:_AGENT_COLUMNS], row[_CLIENT_COLUMNS + _AGENT_COLUMNS :]
        return Party(
            client=_client(row[:_CLIENT_COLUMNS]),
            agent=agent_of(agent),
            remit=None if remit[0] is None else remit_of(remit),
        )

    async def by_name(self, name: str) -> Client | None:
        row = await self._statements.row(BY_NAME, name=name)
        return None if row is None else _client(row)

    async def list(self, agent: AgentId | None = None) -> tuple[Client, ...]:
        if agent is None:
            rows = await self._statements.rows(LIST)
        else:
            rows = await self._statements.rows(LIST_OF_AGENT, agent=agent)
        return tuple(_client(row) for row in rows)

    async def page(self, *, agent: AgentId | None = None, after: str = "", limit: int) -> tuple[Client, ...]:
        rows = await self._statements.rows(PAGE, agent=agent, after=after, limit=limit)
        return tuple(_client(row) for row in rows)

    async def change(self, client: Client) -> None:
        await self._statements.rows(
            CHANGE,
            id=client.id,
            name=client.name,
            redirect_uris=to_json(client.redirect_uris),
            grant_types=set_to_json(frozenset(item.value for item in client.grant_types)),
            default_resource=client.default_resource,
            default_scopes=set_to_json(client.default_scopes),
            id_token_alg=client.id_token_alg,
            require_pushed=int(client.require_pushed),
            require_signed=int(client.require_signed),
            dpop_bound=int(client.dpop_bound),
            details_types=set_to_json(client.details_types),
            logout=_written(client.logout),
            version=client.version,
        )

    async def count_self_registered(self) -> int:
        row = await self._statements.row(COUNT_SELF_REGISTERED)
        return 0 if row is None else int(row[0])

    async def unused(self, before: datetime) -> tuple[Client, ...]:
        return tuple(_client(row) for row in await self._statements.rows(UNUSED, before=to_ms(before)))

    async def retire(self, client: ClientId) -> None:
        await self._statements.rows(RETIRE, id=client)

    async def expire(self, client: ClientId) -> None:
        await self._statements.rows(EXPIRE, id=client)

    async def adopt(self, client: ClientId) -> None:
        await self._statements.rows(ADOPT, id=client)

    async def redescribe(self, client: Client) -> None:
        await self._statements.rows(REDESCRIBE, id=client.id, **_described(client))

    async def add(self, client: Client) -> None:
        await self._statements.rows(
            ADD,
            id=client.id,
            agent=client.agent,
            default_resource=client.default_resource,
            jwks_at=maybe_to_ms(client.jwks_at),
            old_jwks=client.old_jwks,
            old_jwks_until=maybe_to_ms(client.old_jwks_until),
            self_registered=int(client.self_registered),
            document=client.document,
            state=client.state.value,
            created_at=to_ms(client.created_at),
            **_described(client),
        )

    async def secrets(self, client: ClientId) -> tuple[StoredSecret, ...]:
        return await self._statements.recalled("client_secrets", client, lambda: self._secrets(client)) or ()

    async def _secrets(self, client: ClientId) -> tuple[StoredSecret, ...]:
        return tuple(secret_of(row) for row in await self._statements.rows(SECRETS, client=client))

    async def set_keys(self, client: Client) -> None:
        await self._statements.rows(
            SET_KEYS,
            id=client.id,
            jwks=client.jwks,
            jwks_at=maybe_to_ms(client.jwks_at),
            old_jwks=client.old_jwks,
            old_jwks_until=maybe_to_ms(client.old_jwks_until),
            version=client.version,
        )

    async def end_secret(self, client: ClientId, secret: str, *, at: datetime) -> None:
        await self._statements.rows(END_SECRET, client=client, id=secret, at=to_ms(at))

    async def add_secret(self, client: ClientId, secret: StoredSecret) -> None:
        await self._statements.rows(
            ADD_SECRET,
            client=client,
            id=secret.id,
            digest=secret.digest,
            expires_at=maybe_to_ms(secret.expires_at),
            at=to_ms(secret.created_at),
        )


_logout = msgspec.json.Decoder(Logout)


def _written(logout: Logout) -> str:
    return msgspec.json.encode(logout).decode()


def _described(client: Client) -> dict[str, str | int | None]:
    """Return what a client may say of itself."""
    return {
        "name": client.name,
        "auth_method": client.auth_method.value,
        "application_type": client.application_type,
        "redirect_uris": to_json(client.redirect_uris),
        "grant_types": set_to_json(frozenset(item.value for item in client.grant_types)),
        "default_scopes": set_to_json(client.default_scopes),
        "jwks": client.jwks,
        "home": client.home,
        "id_token_alg": client.id_token_alg,
        "require_pushed": int(client.require_pushed),
        "require_signed": int(client.require_signed),
        "dpop_bound": int(client.dpop_bound),
        "details_types": set_to_json(client.details_types),
        "logout": _written(client.logout),
        "version": client.version,
    }


def secret_of(row: Row) -> StoredSecret:
    id_, digest, created_at, expires_at = row
    return StoredSecret(id=id_, digest=digest, created_at=from_ms(created_at), expires_at=maybe_from_ms(expires_at))


def _client(row: Row) -> Client:
    (
        id_,
        agent,
        name,
        auth_method,
        application_type,
        redirect_uris,
        grant_types,
        default_resource,
        default_scopes,
        jwks,
        jwks_at,
        old_jwks,
        old_jwks_until,
        self_registered,
        version,
        id_token_alg,
        require_pushed,
        require_signed,
        dpop_bound,
        details_types,
        document,
        home,
        logout,
        state,
        created_at,
    ) = row
    return Client(
        id=ClientId(id_),
        agent=AgentId(agent),
        name=name,
        auth_method=AuthMethod(auth_method),
        application_type=application_type,
        redirect_uris=from_json(redirect_uris),
        grant_types=frozenset(GrantType(item) for item in from_json(grant_types)),
        default_resource=None if default_resource is None else ResourceId(default_resource),
        default_scopes=set_from_json(default_scopes),
        jwks=jwks,
        jwks_at=maybe_from_ms(jwks_at),
        old_jwks=old_jwks,
        old_jwks_until=maybe_from_ms(old_jwks_until),
        self_registered=bool(self_registered),
        version=version,
        id_token_alg=id_token_alg,
        require_pushed=bool(require_pushed),
        require_signed=bool(require_signed),
        dpop_bound=bool(dpop_bound),
        document=document,
        home=home,
        details_types=set_from_json(details_types),
        logout=_logout.decode(logout),
        state=ClientState(state),
        created_at=from_ms(created_at),
    )
