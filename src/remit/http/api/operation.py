"""What one operation of the REST API is: a row of the table that serves it and describes it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from remit.core.audit.events import Who
from remit.core.oauth.verdicts import Refusal
from remit.core.tenants import Tenant
from remit.http.api.caller import ApiCaller
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.integrity import Integrity


class Shape(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=False):
    """A body or a query that somebody sends: what it does not name is refused, so that no typing error passes."""


class View(msgspec.Struct, kw_only=True):
    """An answer."""


class Thing(View, kw_only=True):
    """The representation of one thing that can be changed: it carries its ETag."""


class NoQuery(Shape):
    """No parameters."""


Query = TypeVar("Query")
Body = TypeVar("Body")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[Query, Body]):
    """One call by somebody who may make it, inside its transaction: `deps` opens no other one."""

    tenant: Tenant
    caller: ApiCaller
    work: Work
    deps: Deps
    integrity: Integrity
    path: Mapping[str, str]
    query: Query
    body: Body
    ready: Any = None
    """What `prepare` made before the transaction."""

    @property
    def who(self) -> Who:
        return self.caller.who


Handler: TypeAlias = Callable[[Call[Any, Any]], Awaitable[View | Refusal]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Early:
    """A request before its transaction."""

    path: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: where it is, what it needs, what it takes, what it answers, and who does it.

    `permission` is empty where everybody may ask; `also` are those that it needs beside it. An operation with `current`
    changes a thing that exists, whose representation that is: its caller says with If-Match which state he saw.
    `secret` names the field of an answer that is told once and never kept. `prepare` does before the transaction what
    takes too long for one. What `tries` happens in a transaction that is always undone, so it changes nothing.
    """

    method: str
    path: str
    permission: str
    handler: Handler
    summary: str
    answer: type[View]
    _: KW_ONLY
    query: type[Shape] = NoQuery
    body: type[Shape] | None = None
    created: bool = False
    current: Handler | None = None
    secret: str = ""
    prepare: Callable[[Tenant, Deps, Early], Awaitable[Any]] | None = None
    also: tuple[str, ...] = ()
    tries: bool = False

    @property
    def id(self) -> str:
        return self.handler.__name__

    @property
    def name(self) -> str:
        """Return what events call it."""
        return f"{self.method} {self.path}"

    @property
    def changes(self) -> bool:
        return self.method != "GET" and not self.tries

    @property
    def permissions(self) -> tuple[str, ...]:
        """Return every permission that it needs."""
        return (self.permission, *self.also) if self.permission else ()

    @property
    def tagged(self) -> bool:
        """Say whether the answer carries an ETag. With a secret beside it, it is not what is read later."""
        one = self.method == "GET" and self.path.endswith("}")
        return one or (issubclass(self.answer, Thing) and not self.secret)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Return the names in the path."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))
