"""`remit api`: any operation of the REST API, by whoever is signed in."""

from __future__ import annotations

import sys
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import Parameter

from remit.cli.exits import OK, USAGE, exit_of
from remit.cli.here import Ended, end, say
from remit.cli.output import text
from remit.cli.remote import asking, find_login, problem_of

Method = Literal["get", "post", "patch", "put"]


def api(
    method: Annotated[Method, Parameter(help="What to do.")],
    path: Annotated[str, Parameter(help="What with, below /api/v1, as in agents or stops?in_force=true.")],
    /,
    *fields: Annotated[str, Parameter(help="Members of the body: name=text, or name:=JSON.")],
    stdin: Annotated[
        bool, Parameter(name="--stdin", negative="", show_default=False, help="Read the body from standard input.")
    ] = False,
    if_match: Annotated[
        str | None, Parameter(help="The ETag you read. [default: that of the thing as it is now]")
    ] = None,
    key: Annotated[str | None, Parameter(help="Idempotency-Key, to repeat a POST safely.")] = None,
    dry_run: Annotated[
        bool, Parameter(negative="", show_default=False, help="Check and do everything, keep nothing.")
    ] = False,
    server: Annotated[str | None, Parameter(help="Issuer to ask; the last one signed in to, if not named.")] = None,
) -> int:
    """Ask the REST API of the server you are signed in to, and print its answer."""
    try:
        return _ask(method, path, _body(method, fields, stdin=stdin), if_match, key, server, dry=dry_run)
    except Ended as ended:
        return ended.code


def _ask(
    method: Method,
    path: str,
    body: bytes | None,
    if_match: str | None,
    key: str | None,
    server: str | None,
    *,
    dry: bool,
) -> int:
    login = find_login(server)
    address = f"{login.api}/v1/{path.removeprefix('/')}"
    headers = {"authorization": f"Bearer {login.access_token}"}
    if body is not None:
        headers["content-type"] = "application/json"
    if key is not None:
        headers["idempotency-key"] = key
    if dry and method != "get":
        address += f"{'&' if '?' in address else '?'}dry_run=true"
    with asking() as http:
        if method in ("patch", "put"):
            present = http.get(address.partition("?")[0], headers=headers)
            headers["if-match"] = if_match or present.headers.get("etag") or "*"
        answer = http.request(method.upper(), address, headers=headers, content=body)
    if answer.is_success:
        print(msgspec.json.format(answer.content, indent=2).decode())
        return OK
    told = problem_of(answer)
    say(f"remit: {text(told.detail)}{f' ({text(told.doc_url)})' if told.doc_url else ''}")
    return exit_of(told.code)


def _body(method: Method, fields: tuple[str, ...], *, stdin: bool) -> bytes | None:
    if method == "get":
        if fields or stdin:
            raise end("a get has no body: put what you look for into the path, as in agents?limit=5", USAGE)
        return None
    if stdin:
        return sys.stdin.buffer.read(64 * 1024 + 1)
    members: dict[str, Any] = {}
    for field in fields:
        name, equals, value = field.partition("=")
        if not equals or not name.rstrip(":"):
            raise end(f"{text(field)}: a member is name=text or name:=JSON", USAGE)
        if not name.endswith(":"):
            members[name] = value
            continue
        try:
            members[name[:-1]] = msgspec.json.decode(value)
        except msgspec.MsgspecError:
            raise end(f"{text(field)}: what stands behind := is not JSON", USAGE) from None
    return msgspec.json.encode(members)
