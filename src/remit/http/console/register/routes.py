"""The form that registers an agent. Where its client has a secret, that is the answer: it is shown this once."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from remit.http._kit.views import FieldError
from remit.http.browser import go
from remit.http.console.ending import show
from remit.http.console.register.load import Typed, draft_of, error_of, load, read
from remit.http.console.rows import agent_url, console_frame
from remit.http.console.secret.page import SecretPage
from remit.http.visits import ADMINS, READERS, Visit, form_for, page_for
from remit.services.provisioning.whole import Flaw, register_whole
from remit.wire.parse import Form


async def show_form(visit: Visit) -> Response:
    return show(visit, await load(visit, Typed(owner=visit.user.email)))


async def register(visit: Visit, form: Form) -> Response:
    typed = read(form)
    draft = await draft_of(visit, typed)
    if isinstance(draft, FieldError):
        return show(visit, await load(visit, typed, draft))
    made = await register_whole(visit.tenant, visit.deps, visit.admin_who(), draft)
    if isinstance(made, Flaw):
        if made.refusal.code == "not_found":
            return visit.missing()  # no page of ours offered that
        return show(visit, await load(visit, typed, error_of(made)))
    back = agent_url(visit, made.agent.id)
    if made.client is None or made.client.secret is None:
        return go(f"{back}?said=registered&about={made.agent.id}", visit.browser)
    view = SecretPage(
        frame=await console_frame(visit, "Agents"),
        back=back,
        back_label=made.agent.name,
        kind="client",
        holder=made.client.client.name,
        client_id=made.client.client.id,
        secret=made.client.secret.reveal(),
        until=None,
    )
    return show(visit, view)


ROUTES: Final = (
    Route("/console/agents/register", page_for(READERS, show_form), methods=["GET"]),
    Route("/console/agents/register", form_for(ADMINS, register), methods=["POST"]),
)
