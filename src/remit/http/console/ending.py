"""How a request to the console ends: a page, a way back, or why not."""

from __future__ import annotations

from starlette.responses import Response

from remit.core.oauth.verdicts import Refusal
from remit.http._kit.render import View
from remit.http.browser import go, page
from remit.http.visits import Visit


def show(visit: Visit, view: View | None) -> Response:
    return visit.missing() if view is None else page(visit.context.pages, view, visit.browser)


def end(visit: Visit, outcome: object, url: str) -> Response:
    if isinstance(outcome, Refusal):
        return refused(visit, outcome)
    return go(url, visit.browser)


def refused(visit: Visit, refusal: Refusal) -> Response:
    return visit.missing() if refusal.code == "not_found" else visit.refuse(refusal)
