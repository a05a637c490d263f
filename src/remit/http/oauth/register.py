"""POST /oauth/register (RFC 7591 §3), and each client's own registration below it (RFC 7592 §2)."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from remit.core.clients import Client, GrantType
from remit.core.names import Secret
from remit.core.oauth import scopes
from remit.core.oauth.verdicts import Refusal, TooMany
from remit.core.self_registration import ClientMetadata
from remit.core.tenants import Tenant
from remit.http.context import context_of
from remit.services.client_configuration import (
    give_up_registration,
    read_registration,
    replace_registration,
)
from remit.services.client_metadata import Metadata
from remit.services.registration import Registered, register
from remit.wire.caller import bearer, origin_of, tenant_of
from remit.wire.oauth_errors import (
    NO_STORE,
    challenge,
    render_method,
    render_refusal,
    render_throttled,
    render_too_large,
)
from remit.wire.parse import TooLarge, parse_json, read_body

JSON = "application/json"


async def registration_endpoint(request: Request) -> Response:
    """Register a client, where this issuer takes registrations."""
    if request.method != "POST":
        return render_method("POST")
    token, said = bearer(request), await _read(request)
    if isinstance(said, TooLarge):
        return render_too_large(said)
    if isinstance(token, Refusal):
        return challenge(token.code, token.hint)
    deps, tenant = context_of(request).deps, tenant_of(request)
    shown = token if isinstance(token, Secret) else None
    outcome = await register(tenant.id, said, deps, origin_of(request), token=shown)
    if isinstance(outcome, TooMany):
        return render_throttled(outcome.wait)
    return _refuse(outcome) if isinstance(outcome, Refusal) else _render(tenant, outcome, status=201)


async def configuration_endpoint(request: Request) -> Response:
    """Let a client read, replace and give up its registration, with the token that it got for that."""
    if request.method not in {"GET", "PUT", "DELETE"}:
        return render_method("GET, PUT, DELETE")
    token, client = bearer(request), str(request.path_params["client"])
    if not isinstance(token, Secret):
        return challenge(token.code, token.hint) if isinstance(token, Refusal) else challenge()
    deps, tenant, origin = context_of(request).deps, tenant_of(request), origin_of(request)
    if request.method == "DELETE":
        refusal = await give_up_registration(tenant.id, client, token, deps, origin)
        return _refuse(refusal) if refusal is not None else Response(b"", 204, NO_STORE)
    if request.method == "GET":
        outcome = await read_registration(tenant.id, client, token, deps, origin)
    else:
        said = await _read(request)
        if isinstance(said, TooLarge):
            return render_too_large(said)
        outcome = await replace_registration(tenant.id, client, token, said, deps, origin)
    return _refuse(outcome) if isinstance(outcome, Refusal) else _render(tenant, outcome, status=200)


def _refuse(refusal: Refusal) -> Response:
    """Answer a token that opens nothing as RFC 6750 §3 says, everything else as RFC 7591 §3.2.2."""
    if refusal.code == "invalid_token":
        return challenge(refusal.code, refusal.hint)
    return render_refusal(refusal)


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


def _render(tenant: Tenant, registered: Registered, *, status: int) -> Response:
    """Tell everything that holds now, defaults included (DCR-2)."""
    body = _told(registered.client, registered.secret)
    if registered.access is not None:
        body["registration_client_uri"] = f"{tenant.issuer}/oauth/register/{registered.client.id}"
        body["registration_access_token"] = registered.access.reveal()
    return Response(msgspec.json.encode(body), status, NO_STORE, JSON)


def _told(client: Client, secret: Secret | None) -> dict[str, object]:
    told: dict[str, object] = {
        "client_id": client.id,
        "client_id_issued_at": int(client.created_at.timestamp()),
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "grant_types": sorted(client.grant_types),
        "response_types": ["code"] if GrantType.AUTHORIZATION_CODE in client.grant_types else [],
        "application_type": client.application_type,
        "token_endpoint_auth_method": client.auth_method,
        "id_token_signed_response_alg": client.id_token_alg,
    }
    if client.logout.redirect_uris:
        told["post_logout_redirect_uris"] = client.logout.redirect_uris
    if client.logout.backchannel_uri is not None:
        told["backchannel_logout_uri"] = client.logout.backchannel_uri
        told["backchannel_logout_session_required"] = client.logout.backchannel_session
    if client.require_pushed:
        told["require_pushed_authorization_requests"] = True
    if client.details_types:
        told["authorization_details_types"] = sorted(client.details_types)
    if client.require_signed:
        told["require_signed_request_object"] = True
    if client.dpop_bound:
        told["dpop_bound_access_tokens"] = True
    if client.home is not None:
        told["client_uri"] = client.home
    if client.jwks is not None:
        told["jwks"] = msgspec.Raw(client.jwks.encode())
    if client.default_scopes:
        told["scope"] = scopes.render(client.default_scopes)
    if secret is not None:
        # 0 says that it does not expire (RFC 7591 §3.2.1).
        told |= {"client_secret": secret.reveal(), "client_secret_expires_at": 0}
    return told
