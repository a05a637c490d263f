"""Revoke or trim what a filter finds: the page that shows it, and the form that does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from remit.core.display import plain_text
from remit.core.oauth.verdicts import Refusal
from remit.http._kit.views import FieldError
from remit.http.browser import go
from remit.http.console.ending import refused, show
from remit.http.console.rows import grants_url
from remit.http.console.taking_back.load import load, look, read
from remit.http.visits import ADMINS, READERS, Visit, form_for, page_for
from remit.services.many_grants import OTHERS_NOW, take_back
from remit.wire.parse import Form

LONGEST_REASON: Final = 200


def show_what(*, trims: bool) -> Callable[[Visit], Awaitable[Response]]:
    async def show_it(visit: Visit) -> Response:
        asked = read(visit.query, trims=trims)
        return show(visit, await load(visit, asked, await look(visit, asked)))

    return show_it


def take_what(*, trims: bool) -> Callable[[Visit, Form], Awaitable[Response]]:
    async def take_it(visit: Visit, form: Form) -> Response:
        asked = read(form, trims=trims)
        found = await look(visit, asked)
        if isinstance(found, Refusal):
            return refused(visit, found)
        if form.one("mark") != found.mark:
            return visit.refuse(OTHERS_NOW)
        reason = plain_text(form.one("reason") or "", limit=LONGEST_REASON)
        errors = []
        if not reason:
            errors.append(FieldError(name="reason", text="Say why."))
        if not trims and (form.one("typed") or "").strip() != str(len(found.taken)):
            errors.append(FieldError(name="typed", text=f"Type {len(found.taken)}, the number of grants."))
        if errors:
            return show(visit, await load(visit, asked, found, reason=reason, errors=tuple(errors)))
        done = await take_back(visit.tenant, found, visit.deps, visit.admin_who(), reason=reason)
        if isinstance(done, Refusal):
            return refused(visit, done)
        return go(grants_url(visit, said="taken", about=done.event), visit.browser)

    return take_it


ROUTES: Final = tuple(
    Route(f"/console/grants/{path}", endpoint, methods=[method])
    for path, trims in (("revoke", False), ("trim", True))
    for method, endpoint in (
        ("GET", page_for(READERS, show_what(trims=trims))),
        ("POST", form_for(ADMINS, take_what(trims=trims))),
    )
)
