"""Users and the scopes that each holds himself."""

from __future__ import annotations

from datetime import datetime

from remit.core.names import ResourceId, UserId
from remit.core.users import Rights, Role, User, UserState
from remit.store.columns import to_ms
from remit.store.statements import Row, Statements

GET = """
select id, email, name, role, state, password_hash from users where tenant = :tenant and id = :id
"""

BY_EMAIL = """
select id, email, name, role, state, password_hash from users where tenant = :tenant and email_key = :email_key
"""

LIST = """
select id, email, name, role, state, password_hash from users where tenant = :tenant order by id
"""

PAGE = """
select id, email, name, role, state, password_hash from users
 where tenant = :tenant and id > :after order by id limit :limit
"""

CHANGE = """
update users set name = :name, role = :role where tenant = :tenant and id = :id
"""

ADD = """
insert into users (tenant, id, email, email_key, name, role, state, password_hash, created_at)
values (:tenant, :id, :email, :email_key, :name, :role, :state, :password_hash, :at)
on conflict (tenant, email_key) do nothing returning 1
"""

SET_STATE = """
update users set state = :state where tenant = :tenant and id = :id
"""

SET_PASSWORD = """
update users set password_hash = :password_hash where tenant = :tenant and id = :id
"""

RIGHTS = """
select scope from user_scope where tenant = :tenant and user_id = :user and resource_id = :resource
"""

DROP_RIGHTS = """
delete from user_scope where tenant = :tenant and user_id = :user and resource_id = :resource
"""

ADD_RIGHT = """
insert into user_scope (tenant, user_id, resource_id, scope) values (:tenant, :user, :resource, :scope)
"""


def email_key(email: str) -> str:
    """Return the form in which addresses are compared; databases fold case differently, so they are not asked."""
    return email.strip().casefold()


class UserTable:
    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def get(self, user: UserId) -> User | None:
        return await self._statements.recalled("user", user, lambda: self._get(user))

    async def _get(self, user: UserId) -> User | None:
        row = await self._statements.row(GET, id=user)
        return None if row is None else _user(row)

    async def by_email(self, email: str) -> User | None:
        row = await self._statements.row(BY_EMAIL, email_key=email_key(email))
        return None if row is None else _user(row)

    async def list(self) -> tuple[User, ...]:
        return tuple(_user(row) for row in await self._statements.rows(LIST))

    async def add(self, user: User, *, at: datetime) -> bool:
        return await self._statements.touched(
            ADD,
            id=user.id,
            email=user.email,
            email_key=email_key(user.email),
            name=user.name,
            role=user.role.value,
            state=user.state.value,
            password_hash=user.password_hash,
            at=to_ms(at),
        )

    async def page(self, *, after: str = "", limit: int) -> tuple[User, ...]:
        return tuple(_user(row) for row in await self._statements.rows(PAGE, after=after, limit=limit))

    async def change(self, user: User) -> None:
        await self._statements.rows(CHANGE, id=user.id, name=user.name, role=user.role.value)

    async def set_state(self, user: UserId, state: UserState) -> None:
        await self._statements.rows(SET_STATE, id=user, state=state.value)

    async def set_password(self, user: UserId, password_hash: str) -> None:
        await self._statements.rows(SET_PASSWORD, id=user, password_hash=password_hash)

    async def rights(self, user: UserId, resource: ResourceId) -> Rights:
        head = await self._statements.head()
        if head is not None and not head.rights_on:
            return Rights(resource=resource, scopes=None)
        return await self._statements.recalled("rights", (user, resource), lambda: self._rights(user, resource)) or (
            Rights(resource=resource, scopes=frozenset())
        )

    async def _rights(self, user: UserId, resource: ResourceId) -> Rights:
        held = await self._statements.rows(RIGHTS, user=user, resource=resource)
        return Rights(resource=resource, scopes=frozenset(scope for (scope,) in held))

    async def set_rights(self, user: UserId, resource: ResourceId, scopes: frozenset[str]) -> None:
        await self._statements.rows(DROP_RIGHTS, user=user, resource=resource)
        for scope in sorted(scopes):
            await self._statements.rows(ADD_RIGHT, user=user, resource=resource, scope=scope)


def _user(row: Row) -> User:
    id_, email, name, role, state, password_hash = row
    return User(
        id=UserId(id_),
        email=email,
        name=name,
        role=Role(role),
        state=UserState(state),
        password_hash=password_hash,
    )
