"""REST v1: users and what each may do himself."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, UnsetType

from remit.core.names import ResourceId, UserId
from remit.core.oauth.verdicts import Refusal
from remit.core.permissions import held_by
from remit.core.tenants import Tenant
from remit.core.users import Role, User, UserState
from remit.http.api.operation import Call, Early, NoQuery, Operation, Shape, Thing, View
from remit.http.api.shapes import Because, Name, Named, PageQuery, Reason, Scopes, cut, found, given
from remit.ports.deps import Deps
from remit.services.provisioning import users as provisioning
from remit.services.provisioning.changes import change_user as change
from remit.services.provisioning.credentials import NO_RESOURCE
from remit.services.provisioning.users import NO_USER
from remit.services.second_factor import reset


class UserView(Thing):
    """A user. `signs_in` says whether he has a password."""

    id: str
    email: str
    name: str
    role: Role
    state: UserState
    signs_in: bool


class UserPage(View):
    users: list[UserView]
    next: str | None


class UserQuery(PageQuery):
    """Part of the users, or the one with this address."""

    email: Named | None = None


class NewUser(Shape):
    """Somebody new. Without a password he exists and can own agents, and cannot sign in by one."""

    email: Annotated[str, Meta(min_length=3, max_length=254)]
    name: Name
    role: Role = Role.USER
    password: Annotated[str, Meta(max_length=1024)] | None = None


class UserChanges(Shape):
    name: Name | UnsetType = UNSET
    role: Role | UnsetType = UNSET


class StateChange(Shape):
    """`inactive` ends whatever acts for this user; `active` lets him sign in again."""

    state: UserState
    reason: Reason


class RightsView(Thing):
    """The scopes of one resource that a user holds himself; null while every user holds all of them.

    For the tenant's own API they are what his role gives.
    """

    user: str
    resource: str
    scopes: list[str] | None


class NewRights(Shape):
    scopes: Scopes


async def list_users(call: Call[UserQuery, None]) -> UserPage:
    query = call.query
    if query.email is not None:
        named = found(await call.work.users.by_email(query.email))
        return UserPage(users=[_view(user) for user in named], next=None)
    rows = await call.work.users.page(after=query.cursor, limit=query.limit + 1)
    page, last = cut(rows, query.limit)
    return UserPage(users=[_view(user) for user in page], next=last.id if last else None)


async def get_user(call: Call[NoQuery, Any]) -> UserView | Refusal:
    user = await _find(call)
    return user if isinstance(user, Refusal) else _view(user)


async def create_user(call: Call[NoQuery, NewUser]) -> UserView | Refusal:
    body = call.body
    made = await provisioning.create_user(
        call.tenant.id,
        call.deps,
        call.who,
        email=body.email,
        name=body.name,
        role=body.role,
        password=body.password,
        hashed=call.ready,
    )
    return made if isinstance(made, Refusal) else _view(made)


async def change_user(call: Call[NoQuery, UserChanges]) -> UserView | Refusal:
    user = await _find(call)
    if isinstance(user, Refusal):
        return user
    made = await change(call.tenant.id, call.deps, call.who, replace(user, **given(call.body)))
    return made if isinstance(made, Refusal) else _view(made)


async def set_user_state(call: Call[NoQuery, StateChange]) -> UserView | Refusal:
    user, body = UserId(call.path["user"]), call.body
    made = await provisioning.set_user_state(
        call.tenant.id, call.deps, call.who, user=user, state=body.state, reason=body.reason
    )
    return made if isinstance(made, Refusal) else _view(made)


async def reset_second_factor(call: Call[NoQuery, Because]) -> UserView | Refusal:
    user = UserId(call.path["user"])
    made = await reset(call.tenant.id, user, call.deps, call.who, reason=call.body.reason)
    return made if isinstance(made, Refusal) else _view(made)


async def get_rights(call: Call[NoQuery, Any]) -> RightsView | Refusal:
    user = await _find(call)
    if isinstance(user, Refusal):
        return user
    resource = await call.work.resources.get(ResourceId(call.path["resource"]))
    if resource is None:
        return NO_RESOURCE
    if resource.uri == call.tenant.api:
        return RightsView(user=user.id, resource=resource.id, scopes=sorted(held_by(user.role)))
    held = (await call.work.users.rights(user.id, resource.id)).scopes
    return RightsView(user=user.id, resource=resource.id, scopes=None if held is None else sorted(held))


async def set_rights(call: Call[NoQuery, NewRights]) -> RightsView | Refusal:
    user, resource = UserId(call.path["user"]), ResourceId(call.path["resource"])
    scopes = frozenset(call.body.scopes)
    made = await provisioning.set_rights(
        call.tenant.id, call.deps, call.who, user=user, resource=resource, scopes=scopes
    )
    return made if isinstance(made, Refusal) else await get_rights(call)


async def _hashed(_: Tenant, deps: Deps, early: Early) -> Any:
    """Hash a password that will do before the work, which it would hold up."""
    body: NewUser = early.body
    if body.password is None or provisioning.judge_person(body.email, body.name, body.password) is not None:
        return None
    return await deps.passwords.hash(body.password)


async def _find(call: Call[NoQuery, Any]) -> User | Refusal:
    return await call.work.users.get(UserId(call.path["user"])) or NO_USER


def _view(user: User) -> UserView:
    return UserView(
        id=user.id,
        email=user.email,
        name=user.name,
        role=user.role,
        state=user.state,
        signs_in=user.password_hash is not None,
    )


_ALL: Final = "/api/v1/users"
_ONE: Final = "/api/v1/users/{user}"
_RIGHTS: Final = "/api/v1/users/{user}/rights/{resource}"

OPERATIONS: Final = (
    Operation("GET", _ALL, "users:read", list_users, "List users", UserPage, query=UserQuery),
    Operation(
        "POST",
        _ALL,
        "users:write",
        create_user,
        "Create a user",
        UserView,
        body=NewUser,
        created=True,
        prepare=_hashed,
    ),
    Operation("GET", _ONE, "users:read", get_user, "Show a user", UserView),
    Operation("PATCH", _ONE, "users:write", change_user, "Change a user", UserView, body=UserChanges, current=get_user),
    Operation(
        "POST",
        f"{_ONE}/state",
        "users:write",
        set_user_state,
        "End what acts for a user, or let him act again",
        UserView,
        body=StateChange,
    ),
    Operation(
        "POST",
        f"{_ONE}/second-factor/reset",
        "users:write",
        reset_second_factor,
        "Take the second factor of a user away who lost it",
        UserView,
        body=Because,
    ),
    Operation("GET", _RIGHTS, "users:read", get_rights, "Show what a user may do himself", RightsView),
    Operation(
        "PUT",
        _RIGHTS,
        "users:write",
        set_rights,
        "Say what a user may do himself",
        RightsView,
        body=NewRights,
        current=get_rights,
    ),
)
