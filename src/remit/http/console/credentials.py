"""Roll and revoke what clients and resources prove themselves by. A new secret is shown this once: as the answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from remit.core.credentials import LONGEST_OVERLAP, USUAL_OVERLAP
from remit.core.names import ClientId, ResourceId
from remit.core.oauth.verdicts import Refusal
from remit.http.console.ending import end, refused, show
from remit.http.console.rows import agent_url, console_frame
from remit.http.console.secret.page import SecretPage
from remit.http.visits import ADMINS, Visit, form_for
from remit.services.provisioning.credentials import (
    Rotated,
    revoke_client_credential,
    revoke_resource_secret,
    rotate_client_keys,
    rotate_client_secret,
    rotate_resource_secret,
)
from remit.wire.parse import Form


async def roll_client(visit: Visit, form: Form) -> Response:
    client = ClientId(visit.named("client") or "")
    async with visit.deps.db.read(visit.tenant) as work:
        found = await work.clients.get(client)
    if found is None:
        return visit.missing()
    outcome = await rotate_client_secret(
        visit.tenant, visit.deps, visit.admin_who(), client=client, overlap=_overlap(form)
    )
    back = f"{agent_url(visit, found.agent)}/credentials"
    return await _told(visit, outcome, kind="client", holder=found.name, id_=client, back=back, label="Credentials")


async def roll_resource(visit: Visit, form: Form) -> Response:
    resource = ResourceId(visit.named("resource") or "")
    async with visit.deps.db.read(visit.tenant) as work:
        found = await work.resources.get(resource)
    if found is None:
        return visit.missing()
    outcome = await rotate_resource_secret(
        visit.tenant, visit.deps, visit.admin_who(), resource=resource, overlap=_overlap(form)
    )
    back = f"{visit.issuer}/console/resources"
    return await _told(visit, outcome, kind="resource", holder=found.name, id_=resource, back=back, label="Resources")


async def replace_keys(visit: Visit, form: Form) -> Response:
    """Put the public keys of a client in place of those it has."""
    client = ClientId(visit.named("client") or "")
    async with visit.deps.db.read(visit.tenant) as work:
        found = await work.clients.get(client)
    if found is None:
        return visit.missing()
    jwks = (form.one("jwks") or "").strip()
    who = visit.admin_who()
    outcome = await rotate_client_keys(visit.tenant, visit.deps, who, client=client, jwks=jwks, overlap=_overlap(form))
    return end(visit, outcome, f"{agent_url(visit, found.agent)}/credentials?said=keys&about={client}")


def _overlap(form: Form) -> timedelta:
    """Read how long what is replaced stays good. What no page of ours offers is what is usual."""
    return OVERLAPS.get(form.one("overlap") or "", USUAL_OVERLAP)


async def revoke_of_client(visit: Visit, _: Form) -> Response:
    client = ClientId(visit.named("client") or "")
    async with visit.deps.db.read(visit.tenant) as work:
        found = await work.clients.get(client)
    if found is None:
        return visit.missing()
    credential = str(visit.request.path_params["credential"])
    who = visit.admin_who()
    outcome = await revoke_client_credential(visit.tenant, visit.deps, who, client=client, credential=credential)
    return end(visit, outcome, f"{agent_url(visit, found.agent)}/credentials?said=ended&about={client}")


async def revoke_of_resource(visit: Visit, _: Form) -> Response:
    resource = ResourceId(visit.named("resource") or "")
    secret = str(visit.request.path_params["secret"])
    outcome = await revoke_resource_secret(
        visit.tenant, visit.deps, visit.admin_who(), resource=resource, secret=secret
    )
    return end(visit, outcome, f"{visit.issuer}/console/resources?said=ended&about={resource}")


async def _told(
    visit: Visit, outcome: Rotated | Refusal, *, kind: str, holder: str, id_: str, back: str, label: str
) -> Response:
    if isinstance(outcome, Refusal):
        return refused(visit, outcome)
    assert outcome.secret is not None  # noqa: S101 - a secret was rotated, not a key set
    view = SecretPage(
        frame=await console_frame(visit, "Agents" if kind == "client" else "Access"),
        back=back,
        back_label=label,
        kind=kind,
        holder=holder,
        client_id=id_,
        secret=outcome.secret.reveal(),
        until=outcome.until if outcome.replaced else None,
    )
    return show(visit, view)


OVERLAPS: Final = {
    "none": timedelta(),
    "hour": timedelta(hours=1),
    "day": USUAL_OVERLAP,
    "week": timedelta(days=7),
    "month": LONGEST_OVERLAP,
}
"""The choices of `overlap`."""

ROUTES: Final = (
    Route("/console/clients/{client}/keys", form_for(ADMINS, replace_keys), methods=["POST"]),
    Route("/console/clients/{client}/roll", form_for(ADMINS, roll_client), methods=["POST"]),
    Route(
        "/console/clients/{client}/credentials/{credential}/revoke",
        form_for(ADMINS, revoke_of_client),
        methods=["POST"],
    ),
    Route("/console/resources/{resource}/roll", form_for(ADMINS, roll_resource), methods=["POST"]),
    Route(
        "/console/resources/{resource}/credentials/{secret}/revoke",
        form_for(ADMINS, revoke_of_resource),
        methods=["POST"],
    ),
)
