"""POST /oauth/register (RFC 7591 §3)."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from remit.core.clients import Client
from remit.core.names import Secret
from remit.core.oauth import scopes
from remit.core.oauth.verdicts import Refusal, TooMany
from remit.core.self_registration import ClientMetadata
from remit.http.context import context_of
from remit.services.client_metadata import Metadata
from remit.services.registration import Registered, register
from remit.wire.caller import origin_of, tenant_of
from remit.wire.oauth_errors import NO_STORE, render_method, render_refusal, render_throttled, render_too_large
from remit.wire.parse import TooLarge, parse_json, read_body

JSON = "application/json"


async def registration_endpoint(request: Request) -> Response:
    """Register a client, where this issuer takes registrations."""
    if request.method != "POST":
        return render_method("POST")
    said = await _read(request)
    if isinstance(said, TooLarge):
        return render_too_large(said)
    outcome = await register(tenant_of(request).id, said, context_of(request).deps, origin_of(request))
    if isinstance(outcome, TooMany):
        return render_throttled(outcome.wait)
    return render_refusal(outcome) if isinstance(outcome, Refusal) else _render(outcome)


async def _read(request: Request) -> ClientMetadata | Refusal | TooLarge:
    media = request.headers.get("content-type", "").split(";", 1)[0].strip().lower()
    if media != JSON:
        return Refusal("invalid_client_metadata", f"send the client's metadata as {JSON}")
    body = await read_body(request)
    if isinstance(body, TooLarge):
        return body
    read = parse_json(body, Metadata)
    if isinstance(read, str):
        return Refusal("invalid_client_metadata", "the body must be one JSON object with the members of RFC 7591")
    return read.said()


def _render(registered: Registered) -> Response:
    """Tell everything that holds now, defaults included (DCR-2)."""
    body = _told(registered.client, registered.secret)
    return Response(msgspec.json.encode(body), 201, NO_STORE, JSON)


def _told(client: Client, secret: Secret | None) -> dict[str, object]:
    told: dict[str, object] = {
        "client_id": client.id,
        "client_id_issued_at": int(client.created_at.timestamp()),
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "grant_types": sorted(client.grant_types),
        "response_types": ["code"],
        "application_type": client.application_type,
        "token_endpoint_auth_method": client.auth_method,
        "id_token_signed_response_alg": client.id_token_alg,
    }
    if client.require_pushed:
        told["require_pushed_authorization_requests"] = True
    if client.details_types:
        told["authorization_details_types"] = sorted(client.details_types)
    if client.default_scopes:
        told["scope"] = scopes.render(client.default_scopes)
    if secret is not None:
        # 0 says that it does not expire (RFC 7591 §3.2.1).
        told |= {"client_secret": secret.reveal(), "client_secret_expires_at": 0}
    return told
