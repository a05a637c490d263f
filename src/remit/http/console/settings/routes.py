"""The settings and their two forms."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from remit.core.display import plain_text
from remit.core.keys import KeyUse
from remit.core.lifetimes import ChosenLifetimes
from remit.core.names import Kid
from remit.core.oauth.verdicts import Refusal
from remit.http.console.ending import end, refused, show
from remit.http.console.settings.load import LABELS, load, read, word_of
from remit.http.visits import ADMINS, READERS, Visit, form_for, page_for
from remit.services.lifetimes import choose_lifetimes
from remit.services.signing_keys import revoke_key, rotate_keys
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


async def rotate(visit: Visit, form: Form) -> Response:
    use = form.one("use") or ""
    outcome = await rotate_keys(
        visit.tenant,
        visit.deps,
        visit.admin_who(),
        use=KeyUse(use) if use in set(KeyUse) else None,
        at_once=form.one("when") == "now",
    )
    if isinstance(outcome, Refusal):
        return refused(visit, outcome)
    return end(visit, outcome, f"{visit.issuer}/console/settings?said=rotated&about={outcome[0].kid}")


async def take_out(visit: Visit, form: Form) -> Response:
    """Take a key out at once, for whoever typed which one he means."""
    kid = Kid(form.one("kid") or "")
    async with visit.deps.db.read(visit.tenant) as work:
        if all(key.kid != kid for key in await work.keys.all()):
            return visit.missing()
    if (form.one("typed") or "").strip() != word_of(kid):
        return visit.refuse(NOT_TYPED)
    reason = plain_text(form.one("reason") or "", limit=LONGEST_REASON)
    outcome = await revoke_key(visit.tenant, kid, visit.deps, visit.admin_who(), reason=reason)
    return end(visit, outcome, f"{visit.issuer}/console/settings?said=key-ended&about={kid}")


NOT_TYPED: Final = Refusal("invalid_request", "type the last six characters of the key that you mean")
LONGEST_REASON: Final = 200

ROUTES: Final = (
    Route("/console/settings/keys/revoke", form_for(ADMINS, take_out), methods=["POST"]),
    Route("/console/settings", page_for(READERS, show_settings), methods=["GET"]),
    Route("/console/settings/lifetimes", form_for(ADMINS, save_lifetimes), methods=["POST"]),
    Route("/console/settings/rotate", form_for(ADMINS, rotate), methods=["POST"]),
)
