"""A user's own pages: what works for him, with Stop and Change."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.routing import Route

from remit.core.names import GrantId
from remit.core.oauth.redirects import is_local_path
from remit.core.oauth.verdicts import Refusal
from remit.http.account.activity.load import load as load_activity
from remit.http.account.change.load import load as load_change
from remit.http.account.my_agents.load import load as load_my_agents
from remit.http.browser import go, page, set_theme
from remit.http.visits import EVERYBODY, Visit, form_for, page_for
from remit.services.directory import OwnGrant, find_own_grant, live
from remit.services.grant_changes import narrow, revoke_all_own, revoke_own
from remit.wire.parse import Form


async def show_my_agents(visit: Visit) -> Response:
    return page(visit.context.pages, await load_my_agents(visit), visit.browser)


async def show_activity(visit: Visit) -> Response:
    return page(visit.context.pages, await load_activity(visit), visit.browser)


async def show_change(visit: Visit) -> Response:
    own = await _own(visit)
    return visit.missing() if own is None else page(visit.context.pages, load_change(visit, own), visit.browser)


async def change(visit: Visit, form: Form) -> Response:
    """Keep what stays ticked. Unticking everything is what Stop is for, so that nobody does it by accident."""
    own = await _own(visit)
    if own is None:
        return visit.missing()
    kept = frozenset(form.many("scope"))
    if not kept:
        view = load_change(visit, own, error="Leave at least one thing ticked, or choose Stop.")
        return page(visit.context.pages, view, visit.browser)
    outcome = await narrow(visit.tenant, own.facts.grant.id, visit.user.id, kept, visit.deps, visit.own_who())
    if isinstance(outcome, Refusal):
        return _refuse(visit, outcome)
    said = "changed" if live(outcome, visit.deps.clock.now()) else "stopped"
    return go(f"{visit.issuer}/account?said={said}&about={outcome.id}", visit.browser)


async def stop(visit: Visit, _: Form) -> Response:
    """End this grant of the user. It is a revocation: to go on, the agent has to ask him again."""
    grant = visit.named("grant")
    if grant is None:
        return visit.missing()
    outcome = await revoke_own(visit.tenant, GrantId(grant), visit.user.id, visit.deps, visit.own_who())
    if isinstance(outcome, Refusal):
        return _refuse(visit, outcome)
    return go(f"{visit.issuer}/account?said=stopped&about={outcome.id}", visit.browser)


async def stop_everything(visit: Visit, _: Form) -> Response:
    await revoke_all_own(visit.tenant, visit.user.id, visit.deps, visit.own_who())
    return go(f"{visit.issuer}/account?said=all-stopped", visit.browser)


async def choose_theme(visit: Visit, form: Form) -> Response:
    """Remember light or dark in this browser, and go back to the page where the form stood."""
    back, issuer = form.one("back") or "", visit.issuer
    root = urlsplit(issuer).path
    local = is_local_path(back) and (back == root or back.startswith(f"{root}/"))
    response = go(visit.browser.tenant.origin + back if local else f"{issuer}/account", visit.browser)
    set_theme(response, visit.browser.tenant, form.one("theme") or "")
    return response


async def _own(visit: Visit) -> OwnGrant | None:
    """Return the grant of the path if it is this user's and still gives something."""
    grant = visit.named("grant")
    if grant is None:
        return None
    own = await find_own_grant(visit.tenant, GrantId(grant), visit.user.id, visit.deps)
    return own if own is not None and live(own.facts.grant, visit.deps.clock.now()) else None


def _refuse(visit: Visit, refusal: Refusal) -> Response:
    return visit.missing() if refusal.code == "not_found" else visit.refuse(refusal)


ROUTES: Final = (
    Route("/account", page_for(EVERYBODY, show_my_agents), methods=["GET"]),
    Route("/account/agents/{grant}/stop", form_for(EVERYBODY, stop), methods=["POST"]),
    Route("/account/agents/{grant}/change", page_for(EVERYBODY, show_change), methods=["GET"]),
    Route("/account/agents/{grant}/change", form_for(EVERYBODY, change), methods=["POST"]),
    Route("/account/activity", page_for(EVERYBODY, show_activity), methods=["GET"]),
    Route("/account/theme", form_for(EVERYBODY, choose_theme), methods=["POST"]),
    Route("/account/stop-everything", form_for(EVERYBODY, stop_everything), methods=["POST"]),
)
