"""Discovery: RFC 8414 and OpenID Connect metadata, the key set, and the metadata of our own API (RFC 9728)."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from remit.core.clients import GrantType
from remit.core.oauth.details import TYPES
from remit.core.oauth.dpop import DPOP_ALGS
from remit.core.oauth.scopes import IDENTITY_SCOPES
from remit.core.sessions import ACR_VALUES
from remit.core.tenants import Tenant
from remit.http.context import context_of
from remit.services.documents import takes_documents
from remit.services.grants import GRANTS
from remit.services.registration import takes_registrations
from remit.wire.caller import tenant_of
from remit.wire.conditional import render_tagged

PUBLIC = {"cache-control": "public, max-age=300"}
ASSERTION_ALGS = ["ES256", "EdDSA", "Ed25519", "PS256", "RS256"]
CLAIMS = ["sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "amr", "nonce", "at_hash", "sid", "name", "email"]
AUTH_METHODS = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]


def document(tenant: Tenant, scopes: frozenset[str], *, registers: bool, reads: bool) -> dict[str, object]:
    """Return the metadata of one tenant: the same at every URL, and nothing that does not work (ASM-4)."""
    issuer = tenant.issuer
    confidential = [method for method in AUTH_METHODS if method != "none"]
    registration: dict[str, object] = {"registration_endpoint": f"{issuer}/oauth/register"} if registers else {}
    if reads:
        registration["client_id_metadata_document_supported"] = True
    devices = {"device_authorization_endpoint": f"{issuer}/oauth/device_authorization"} if tenant.device_flow else {}
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        **registration,
        **devices,
        "pushed_authorization_request_endpoint": f"{issuer}/oauth/par",
        "token_endpoint": f"{issuer}/oauth/token",
        "jwks_uri": f"{issuer}/oauth/jwks",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "userinfo_endpoint": f"{issuer}/oauth/userinfo",
        "end_session_endpoint": f"{issuer}/oauth/end-session",
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "remit_feed_endpoint": f"{issuer}/feed",
        "remit_decisions_endpoint": f"{issuer}/decisions",
        "scopes_supported": sorted(IDENTITY_SCOPES | scopes),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": [kind for kind in GRANTS if kind != GrantType.DEVICE_CODE or tenant.device_flow],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": AUTH_METHODS,
        "token_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGS,
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGS,
        "revocation_endpoint_auth_methods_supported": AUTH_METHODS,
        "revocation_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGS,
        "dpop_signing_alg_values_supported": list(DPOP_ALGS),
        "authorization_response_iss_parameter_supported": True,
        "require_pushed_authorization_requests": tenant.require_pushed,
        "request_parameter_supported": True,
        "request_object_signing_alg_values_supported": ASSERTION_ALGS,
        "require_signed_request_object": False,
        # What a pushed request was answered with is always taken (RFC 9126 §5); these speak of other addresses. Where
        # they are left out, readers differ on what that means: request_uri counts as supported.
        "request_uri_parameter_supported": False,
        "require_request_uri_registration": False,
        "authorization_details_types_supported": sorted(TYPES),
        "claims_parameter_supported": True,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "claims_supported": CLAIMS,
        "acr_values_supported": list(ACR_VALUES),
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "ui_locales_supported": ["en"],
        "service_documentation": tenant.docs,
    }


async def metadata_endpoint(request: Request) -> Response:
    """Serve the metadata of this tenant."""
    deps = context_of(request).deps
    async with deps.db.read(tenant_of(request).id) as work:
        tenant = await work.tenants.current()
        resources = await work.resources.list()
        registers, reads = await takes_registrations(work, deps), await takes_documents(work, deps)
    names = frozenset(scope.name for resource in resources if resource.uri != tenant.api for scope in resource.scopes)
    return _public(request, msgspec.json.encode(document(tenant, names, registers=registers, reads=reads)))


async def jwks_endpoint(request: Request) -> Response:
    """Serve the public keys that verify this tenant's tokens now or soon (GEN-17)."""
    deps = context_of(request).deps
    async with deps.db.read(tenant_of(request).id) as work:
        keys = await work.keys.all()
    return _public(request, msgspec.json.encode(deps.keyring.jwks(keys)))


async def protected_resource_endpoint(request: Request) -> Response:
    """Describe the admin API as the protected resource that it is (RFC 9728 §2)."""
    tenant = tenant_of(request)
    body = {
        "resource": tenant.api,
        "authorization_servers": [tenant.issuer],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(DPOP_ALGS),
        "resource_name": "Remit API",
    }
    return _public(request, msgspec.json.encode(body))


def _public(request: Request, body: bytes) -> Response:
    return render_tagged(request, body, "application/json", headers=PUBLIC)
