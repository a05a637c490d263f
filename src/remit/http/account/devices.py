"""Where a user answers a device: type in its code, say that he started it himself, and go on to the consent page."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from remit.core.display import sentence
from remit.core.oauth.authorize import AuthorizeRequest
from remit.core.oauth.device import OFF, read_user_code
from remit.core.oauth.verdicts import Refusal, TooMany
from remit.http.account.device.page import DevicePage
from remit.http.account.device_check.page import DeviceCheckPage
from remit.http.account.waiting import told_to_wait
from remit.http.browser import frame, page
from remit.http.context import error_page
from remit.http.oauth.authorize import answer, take_next_step
from remit.http.oauth.interaction import pack, unpack
from remit.http.visits import EVERYBODY, Visit, form_for, note, page_for
from remit.services.consent import Answer, deny
from remit.services.devices import Entered, enter
from remit.services.sessions import SignedInUser
from remit.wire.caller import origin_of
from remit.wire.parse import Form
from remit.wire.problems import status_of

STALE: Final = Refusal("invalid_request", "this question was not asked in this browser: type in the code again")


async def show_code(visit: Visit) -> Response:
    """Show the field for a code. What the address brings is only filled in: nothing goes on by itself (DEV-3)."""
    if not visit.browser.tenant.device_flow:
        return visit.refuse(OFF)
    return _code_page(visit, code=read_user_code(visit.query.one("user_code") or "") or "")


async def take_code(visit: Visit, form: Form) -> Response:
    """Look for the device with this code, and ask whether the user started it."""
    typed, origin = form.one("user_code") or "", origin_of(visit.request)
    outcome = await enter(visit.tenant, typed, visit.user.id, visit.deps, origin)
    if outcome is OFF:
        return visit.refuse(OFF)
    if isinstance(outcome, TooMany):
        tried = Refusal("temporarily_unavailable", "too many codes were tried")
        await note(visit.request, tried, visit.own_who())
        text = f"Too many codes were tried. Wait {outcome.wait} seconds, then start again on the device."
        return told_to_wait(_code_page(visit, code=typed, error=text, status=status_of("too_many")), outcome.wait)
    if isinstance(outcome, Refusal):
        await note(visit.request, outcome, visit.own_who())
        return _code_page(visit, code=typed, error=sentence(outcome.hint))
    return _check_page(visit, outcome)


async def take_check(visit: Visit, form: Form) -> Response:
    """Go on to the consent page, or tell the device no. What was asked comes from the sealed request."""
    asked = unpack(form.one("ix"), visit.browser, visit.deps)
    if asked is None or asked.device is None:
        return visit.refuse(STALE)
    if form.one("decision") == "go":
        return await take_next_step(visit.request, visit.browser, asked)
    return await _refuse_device(visit, asked)


async def _refuse_device(visit: Visit, asked: AuthorizeRequest) -> Response:
    who = SignedInUser(session=visit.session, user=visit.user)
    given = await deny(visit.tenant, asked, who, visit.deps, origin_of(visit.request))
    if isinstance(given, Answer):
        return answer(visit.request, visit.browser, given)
    return error_page(visit.request, visit.browser, given)


def _code_page(visit: Visit, *, code: str, error: str = "", status: int = 200) -> Response:
    view = DevicePage(
        frame=frame(visit.browser, visit.deps), action=f"{visit.issuer}/device", code=code[:40], error=error
    )
    return page(visit.context.pages, view, visit.browser, status=status)


def _check_page(visit: Visit, entered: Entered) -> Response:
    device, asked = entered.device, entered.request
    view = DeviceCheckPage(
        frame=frame(visit.browser, visit.deps),
        action=f"{visit.issuer}/device/answer",
        ix=pack(asked, visit.browser, visit.deps),
        code=asked.device.code if asked.device is not None else "",
        client=entered.party.client.name,
        agent=entered.party.agent.name,
        peer=device.peer or "",
        asked_at=device.created_at,
        expires_at=device.expires_at,
    )
    return page(visit.context.pages, view, visit.browser)


ROUTES: Final = (
    Route("/device", page_for(EVERYBODY, show_code), methods=["GET"]),
    Route("/device", form_for(EVERYBODY, take_code), methods=["POST"]),
    Route("/device/answer", form_for(EVERYBODY, take_check), methods=["POST"]),
)
