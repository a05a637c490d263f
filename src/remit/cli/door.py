"""The one seam of commands that have an operation of the REST API: where it is asked.

Each such command is written against the table of operations. A door carries what it asks: `LocalDoor` performs it in
process on the data folder of this machine, `RemoteDoor` sends it to a server that somebody signed in to. Both speak the
JSON of the API, so a command cannot tell one from the other, and neither can whoever reads its output.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import msgspec

from remit.cli.exits import SERVER, USAGE, exit_of
from remit.cli.here import Here, end, say
from remit.cli.output import text
from remit.cli.remote import Login, asking, problem_of
from remit.core.errors import BadText
from remit.core.names import UserId
from remit.core.oauth.verdicts import Refusal
from remit.core.permissions import API_SCOPES
from remit.core.users import User
from remit.http.api.caller import ApiCaller
from remit.http.api.operation import Call, Operation, Shape
from remit.http.api.perform import Asked, perform, read_json, read_query
from remit.http.api.table import OPERATIONS
from remit.services.integrity import Integrity
from remit.wire.problems import kind_of

ANY = "*"
_OF: dict[Any, Operation] = {operation.handler: operation for operation in OPERATIONS}
_PLACE = re.compile(r"(.*) - at `\$\.?([^`]*)`", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of an operation, as it goes over the wire."""

    path: Mapping[str, str]
    fields: Mapping[str, str]
    body: bytes
    match: str
    dry: bool


@dataclass(frozen=True, slots=True)
class Told:
    """An answer: its JSON, and its entity tag where it has one."""

    body: bytes
    tag: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal: the code of its problem document, and what to change."""

    code: str
    detail: str


class Door(Protocol):
    """Where operations are asked."""

    @property
    def elsewhere(self) -> str:
        """Return the issuer of the server; empty on this machine."""

    @property
    def here(self) -> Here:
        """Return the data folder where it is on this machine, for what is too long for one operation.

        Raises:
            Ended: it is elsewhere.
        """

    async def carry(self, operation: Operation, question: Question) -> Told | Refused: ...

    async def speak_for(self, user: str) -> None:
        """Ask in the name of a user.

        Raises:
            Ended: whoever is signed in speaks for himself.
        """


class LocalDoor:
    """The data folder of this machine, whose owner may do everything."""

    elsewhere = ""

    def __init__(self, here: Here) -> None:
        self.here = here
        self._integrity = Integrity()
        self._user: User | None = None

    async def carry(self, operation: Operation, question: Question) -> Told | Refused:
        asked = _read(operation, question)
        if isinstance(asked, Refusal):
            return _refused(asked)
        here = self.here
        caller = ApiCaller(who=here.who, origin=here.origin, scopes=_EVERYTHING, user=self._user)
        try:
            done = await perform(
                operation, asked, tenant=here.tenant, caller=caller, deps=here.deps, integrity=self._integrity
            )
        except BadText:
            done = Refusal("invalid_request", "a text holds U+0000 or half of a surrogate pair")
        return _refused(done) if isinstance(done, Refusal) else Told(done.body, done.tag)

    async def speak_for(self, user: str) -> None:
        async with self.here.deps.db.read(self.here.tenant.id) as work:
            self._user = await work.users.get(UserId(user))


class RemoteDoor:
    """A server that somebody signed in to: he may do what he agreed to and what his role allows."""

    def __init__(self, login: Login) -> None:
        self._login = login

    @property
    def elsewhere(self) -> str:
        return self._login.issuer

    @property
    def here(self) -> Here:
        raise end("this works on the data folder of this machine alone", USAGE)

    async def carry(self, operation: Operation, question: Question) -> Told | Refused:
        from urllib.parse import quote

        names = {name: quote(value, safe="") for name, value in question.path.items()}
        address = self._login.api + operation.path.removeprefix("/api").format(**names)
        headers = {"authorization": f"Bearer {self._login.access_token}"}
        fields = {**question.fields, **({"dry_run": "true"} if question.dry else {})}
        if operation.current is not None:
            headers["if-match"] = question.match
        if operation.body is not None:
            headers["content-type"] = "application/json"
        with asking() as http:
            answer = http.request(
                operation.method, address, params=fields, headers=headers, content=question.body or None
            )
        if answer.is_success:
            return Told(answer.content, answer.headers.get("etag", ""))
        problem = problem_of(answer)
        return Refused(problem.code, problem.detail)

    async def speak_for(self, user: str) -> None:
        raise end("on a server whoever is signed in approves: leave out --approver", USAGE)


Query = TypeVar("Query", bound=Shape)
Body = TypeVar("Body")
Seen = TypeVar("Seen")


class Paged(Protocol):
    """A part of a list. `next` is the cursor of the following one."""

    next: str | None


Page = TypeVar("Page", bound=Paged)


@dataclass(slots=True, kw_only=True)
class Api:
    """The operations as a command asks them: handlers of the table in, their views out, refusals end the command."""

    door: Door
    dry: bool = False
    changed: bool = False
    """Something was asked that changes things."""
    _tags: dict[str, str] = field(default_factory=dict)

    async def ask(
        self,
        handler: Callable[[Call[Query, Body]], Awaitable[Seen | Refusal]],
        *path: str,
        query: Query | None = None,
        body: Body | None = None,
    ) -> Seen:
        """Ask an operation. A change stands on the state that this command read; where it read none, on any.

        Raises:
            Ended: it was refused, and that was told.
        """
        told = await self.try_(handler, *path, query=query, body=body)
        if isinstance(told, Refused):
            raise end(text(plain(told.detail)), exit_of(told.code))
        return told

    async def try_(
        self,
        handler: Callable[[Call[Query, Body]], Awaitable[Seen | Refusal]],
        *path: str,
        query: Query | None = None,
        body: Body | None = None,
    ) -> Seen | Refused:
        """Ask an operation whose refusal is an answer, too."""
        operation = _OF[handler]
        names = dict(zip(operation.parameters, path, strict=True))
        place = operation.path.format(**names)
        question = Question(
            path=names,
            fields=_fields(query),
            body=b"" if body is None else msgspec.json.encode(body),
            match=self._tags.get(place) or ANY,
            dry=self.dry and operation.changes,
        )
        told = await self.door.carry(operation, question)
        self.changed = self.changed or operation.changes
        if isinstance(told, Refused):
            return told
        self._tags[place] = told.tag
        try:
            seen: Any = msgspec.json.decode(told.body, type=operation.answer)
        except msgspec.MsgspecError:
            raise end(
                "the server answered something that this command does not know: are both of one version?", SERVER
            ) from None
        answer: Seen = seen
        return answer

    async def every(
        self,
        handler: Callable[[Call[Query, Any]], Awaitable[Page | Refusal]],
        *path: str,
        query: Query | None = None,
    ) -> AsyncIterator[Page]:
        """Read a list page by page, to its end."""
        kind: type[Any] = _OF[handler].query
        fields = {"limit": "200", **_fields(query)}
        while True:
            page = await self.ask(handler, *path, query=msgspec.convert(fields, kind, strict=False))
            yield page
            if page.next is None:
                return
            fields["cursor"] = page.next

    def say(self, words: str) -> None:
        """Tell what came of a change. Of a dry run nothing came."""
        if not self.dry:
            say(words)


_EVERYTHING = frozenset(scope.name for scope in API_SCOPES)


def plain(detail: str) -> str:
    """Say what is wrong with a member the way a person at a terminal calls it."""
    found = _PLACE.fullmatch(detail)
    if found is None:
        return detail
    flaw, where = found[1].removeprefix("query: "), re.sub("[._]", " ", found[2])
    return f"{where}: {flaw[:1].lower()}{flaw[1:]}" if where else flaw


def _read(operation: Operation, question: Question) -> Asked | Refusal:
    query = read_query(operation, question.fields)
    if isinstance(query, Refusal):
        return query
    body = None if operation.body is None else read_json(operation, question.body)
    if isinstance(body, Refusal):
        return body
    return Asked(path=question.path, query=query, body=body, raw=question.body, match=question.match, dry=question.dry)


def _refused(refusal: Refusal) -> Refused:
    return Refused(kind_of(refusal), refusal.hint)


def _fields(query: Shape | None) -> dict[str, str]:
    """Write a query as it stands in an address; what it leaves open is left out."""
    told: dict[str, Any] = {} if query is None else msgspec.to_builtins(query)
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in told.items()
        if value not in (None, "")
    }
