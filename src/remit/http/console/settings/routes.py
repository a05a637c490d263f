"""The settings and their two forms."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from remit.core.lifetimes import ChosenLifetimes
from remit.core.oauth.verdicts import Refusal
from remit.http.console.ending import end, refused, show
from remit.http.console.settings.load import LABELS, load, read
from remit.http.visits import ADMINS, READERS, Visit, form_for, page_for
from remit.services.lifetimes import choose_lifetimes
from remit.services.signing_keys import rotate_keys
from remit.wire.parse import Form


async def show_settings(visit: Visit) -> Response:
    return show(visit, await load(visit))


async def save_lifetimes(visit: Visit, form: Form) -> Response:
    chosen = read(form, visit.deps.lifetimes)
    if not isinstance(chosen, ChosenLifetimes):
        typed = {name: form.one(name) or "" for name in LABELS}
        return show(visit, await load(visit, typed=typed, errors=chosen))
    outcome = await choose_lifetimes(visit.tenant, visit.deps, visit.admin_who(), chosen)
    return end(visit, outcome, f"{visit.issuer}/console/settings?said=lifetimes&about={visit.tenant}")


async def rotate(visit: Visit, _: Form) -> Response:
    outcome = await rotate_keys(visit.tenant, visit.deps, visit.admin_who())
    if isinstance(outcome, Refusal):
        return refused(visit, outcome)
    return end(visit, outcome, f"{visit.issuer}/console/settings?said=rotated&about={outcome[0].kid}")


ROUTES: Final = (
    Route("/console/settings", page_for(READERS, show_settings), methods=["GET"]),
    Route("/console/settings/lifetimes", form_for(ADMINS, save_lifetimes), methods=["POST"]),
    Route("/console/settings/rotate", form_for(ADMINS, rotate), methods=["POST"]),
)
