"""A user's own page about how he signs in: set up a second factor, get recovery codes, take it away."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from remit.core.display import sentence
from remit.core.names import Secret
from remit.core.oauth.verdicts import Refusal, TooMany
from remit.core.totp import address_of, spelled
from remit.http._kit.views import FieldError
from remit.http.account.security.page import SecurityPage
from remit.http.account.waiting import told_to_wait, too_many_tries
from remit.http.browser import frame, go, page
from remit.http.visits import EVERYBODY, Visit, form_for, page_for
from remit.services.second_factor import begin, confirm, look, remove, renew
from remit.wire.caller import origin_of
from remit.wire.parse import Form
from remit.wire.problems import status_of


async def show(visit: Visit) -> Response:
    return await _show(visit)


async def begin_form(visit: Visit, form: Form) -> Response:
    outcome = await begin(visit.tenant, visit.user, form.one("password") or "", visit.deps, origin_of(visit.request))
    return await _again(visit, outcome, "password")


async def confirm_form(visit: Visit, form: Form) -> Response:
    outcome = await confirm(visit.tenant, visit.user.id, form.one("code") or "", visit.deps, visit.own_who())
    return await _again(visit, outcome, "code")


async def recovery_form(visit: Visit, form: Form) -> Response:
    outcome = await renew(visit.tenant, visit.user.id, form.one("code") or "", visit.deps, visit.own_who())
    return await _again(visit, outcome, "code")


async def remove_form(visit: Visit, form: Form) -> Response:
    outcome = await remove(visit.tenant, visit.user.id, form.one("code") or "", visit.deps, visit.own_who())
    return await _again(visit, outcome, "code")


async def _again(visit: Visit, outcome: tuple[Secret, ...] | Refusal | TooMany | None, field: str) -> Response:
    """Show the page with what came of a form: codes, or what is wrong; after everything else go to it anew."""
    match outcome:
        case None:
            return go(f"{visit.issuer}/account/security", visit.browser)
        case TooMany(wait):
            error = FieldError(name=field, text=too_many_tries(wait))
            return told_to_wait(await _show(visit, error=error, status=status_of("too_many")), wait)
        case Refusal():
            return await _show(visit, error=FieldError(name=field, text=sentence(outcome.hint)))
        case codes:
            return await _show(visit, codes=codes)


async def _show(
    visit: Visit, *, codes: tuple[Secret, ...] = (), error: FieldError | None = None, status: int = 200
) -> Response:
    found = await look(visit.tenant, visit.user.id, visit.deps)
    state = "off" if found.factor is None else "on" if found.factor.active else "pending"
    secret = found.secret
    view = SecurityPage(
        frame=frame(visit.browser, visit.deps),
        back=f"{visit.issuer}/account",
        state=state,
        base=f"{visit.issuer}/account/security",
        secret="" if secret is None else spelled(secret),
        address=""
        if secret is None
        else address_of(secret, issuer=visit.browser.tenant.name, account=visit.user.email),
        codes=tuple(code.reveal() for code in codes),
        codes_left=found.codes_left,
        error=error,
    )
    return page(visit.context.pages, view, visit.browser, status=status)


ROUTES: Final = (
    Route("/account/security", page_for(EVERYBODY, show), methods=["GET"]),
    Route("/account/security/begin", form_for(EVERYBODY, begin_form), methods=["POST"]),
    Route("/account/security/confirm", form_for(EVERYBODY, confirm_form), methods=["POST"]),
    Route("/account/security/recovery", form_for(EVERYBODY, recovery_form), methods=["POST"]),
    Route("/account/security/remove", form_for(EVERYBODY, remove_form), methods=["POST"]),
)
