"""Each member of the three documents that clients discover us by: what it says on the wire, and what is not there yet.

RFC 8414 §2, OpenID Connect Discovery §3, RFC 9728 §2, and what the specifications of each capability add to them.
"""

from __future__ import annotations

from typing import Any

import pytest

from remit.core.oauth.scopes import IDENTITY_SCOPES
from tests.kit.registration import let_in
from tests.kit.world import BASE

ALGS = ["ES256", "EdDSA", "Ed25519", "PS256", "RS256"]
CONFIDENTIAL = ["client_secret_basic", "client_secret_post", "private_key_jwt"]

SERVER: dict[str, Any] = {
    "issuer": "{issuer}",
    "authorization_endpoint": "{issuer}/oauth/authorize",
    "token_endpoint": "{issuer}/oauth/token",
    "pushed_authorization_request_endpoint": "{issuer}/oauth/par",
    "jwks_uri": "{issuer}/oauth/jwks",
    "userinfo_endpoint": "{issuer}/oauth/userinfo",
    "registration_endpoint": "{issuer}/oauth/register",
    "revocation_endpoint": "{issuer}/oauth/revoke",
    "introspection_endpoint": "{issuer}/oauth/introspect",
    "service_documentation": "{issuer}/docs",
    "end_session_endpoint": "{issuer}/oauth/end-session",
    "backchannel_logout_supported": True,
    "backchannel_logout_session_supported": True,
    "remit_feed_endpoint": "{issuer}/feed",
    "remit_decisions_endpoint": "{issuer}/decisions",
    "scopes_supported": sorted(
        IDENTITY_SCOPES | {"read:calendar", "write:calendar", "delete:calendar", "tickets.update"}
    ),
    "response_types_supported": ["code"],
    "response_modes_supported": ["query", "form_post"],
    "grant_types_supported": [
        *("authorization_code", "refresh_token", "client_credentials"),
        "urn:ietf:params:oauth:grant-type:token-exchange",
    ],
    "subject_types_supported": ["public"],
    "id_token_signing_alg_values_supported": ["RS256", "ES256"],
    "claims_supported": [
        "sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "amr", "nonce", "at_hash", "sid", "name", "email",
    ],
    "claims_parameter_supported": True,
    "acr_values_supported": ["urn:remit:acr:single-factor", "urn:remit:acr:multi-factor"],
    "ui_locales_supported": ["en"],
    "token_endpoint_auth_methods_supported": ["none", *CONFIDENTIAL],
    "token_endpoint_auth_signing_alg_values_supported": ALGS,
    "revocation_endpoint_auth_methods_supported": ["none", *CONFIDENTIAL],
    "revocation_endpoint_auth_signing_alg_values_supported": ALGS,
    "introspection_endpoint_auth_methods_supported": CONFIDENTIAL,
    "introspection_endpoint_auth_signing_alg_values_supported": ALGS,
    "code_challenge_methods_supported": ["S256"],
    "dpop_signing_alg_values_supported": ["ES256", "EdDSA", "Ed25519", "PS256"],
    "authorization_response_iss_parameter_supported": True,
    "authorization_details_types_supported": ["remit_tool_call"],
    "require_pushed_authorization_requests": False,
    "client_id_metadata_document_supported": True,
    "request_parameter_supported": True,
    "request_object_signing_alg_values_supported": ALGS,
    "require_signed_request_object": False,
    "request_uri_parameter_supported": False,
    "require_request_uri_registration": False,
    "prompt_values_supported": ["none", "login", "consent", "select_account"],
}  # fmt: skip
"""What is published. Arrays are complete: a value that is not here is not there."""

NOT_YET = {
    "device_authorization_endpoint",
    "backchannel_authentication_endpoint", "userinfo_signing_alg_values_supported",
    "op_policy_uri", "op_tos_uri", "introspection_signing_alg_values_supported",
    "tls_client_certificate_bound_access_tokens", "mtls_endpoint_aliases",
    "authorization_grant_profiles_supported",
    "identity_chaining_requested_token_types_supported", "backchannel_token_delivery_modes_supported",
    "backchannel_user_code_parameter_supported", "protected_resources", "refresh_token_expiration_types_supported",
    "global_token_revocation_endpoint", "status_list_aggregation_endpoint", "signed_metadata",
}  # fmt: skip
"""What the specifications know and we do not offer; each is absent, which means no."""

RESOURCE: dict[str, Any] = {
    "resource": "{issuer}/api",
    "authorization_servers": ["{issuer}"],
    "bearer_methods_supported": ["header"],
    "dpop_signing_alg_values_supported": ["ES256", "EdDSA", "Ed25519", "PS256"],
    "resource_name": "Remit API",
}

FORMS = {
    "OAuth, inserted": "{base}/.well-known/oauth-authorization-server{path}",
    "OpenID, inserted": "{base}/.well-known/openid-configuration{path}",
    "OpenID, appended": "{base}{path}/.well-known/openid-configuration",
}
TENANTS = {"at the root": ("default", ""), "on a path": ("acme", "/t/acme")}


def written_out(member: Any, issuer: str) -> Any:
    if isinstance(member, list):
        return [written_out(value, issuer) for value in member]
    return member.replace("{issuer}", issuer) if isinstance(member, str) else member


@pytest.mark.requirement(
    "ASM-1",
    "ASM-2",
    "ASM-3",
    "ASM-4",
    "OIDC-9",
    "PKCE-5",
    "MCP-1",
    "MCP-2",
    "MCP-4",
    "MCP-6",
    "MCP-7",
    "DCR-1",
    "JAR-4",
)
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(("slug", "path"), TENANTS.values(), ids=TENANTS)
async def test_each_member_of_the_server_is_as_agreed(remit, form, slug, path):
    world = remit.worlds[slug]
    await let_in(remit, world)
    told = await remit.http.get(form.format(base=BASE, path=path))
    assert told.headers["content-type"] == "application/json"
    assert told.json() == {name: written_out(member, world.issuer) for name, member in SERVER.items()}
    assert not NOT_YET & told.json().keys()


@pytest.mark.requirement("PRM-1", "PRM-2", "PRM-3", "PRM-4", "PRM-5")
@pytest.mark.parametrize(("slug", "path"), TENANTS.values(), ids=TENANTS)
async def test_each_member_of_our_own_api_is_as_agreed(remit, slug, path):
    told = await remit.http.get(f"{BASE}/.well-known/oauth-protected-resource{path}/api")
    assert (told.status_code, told.headers["content-type"]) == (200, "application/json")
    issuer = remit.worlds[slug].issuer
    assert told.json() == {name: written_out(member, issuer) for name, member in RESOURCE.items()}


@pytest.mark.requirement("ASM-3")
async def test_an_array_without_elements_is_left_out(remit):
    """A tenant whose resources define no scope of their own still has the four of OpenID; nothing else can be empty."""
    for slug in remit.worlds:
        told = (await remit.http.get(f"{remit.worlds[slug].issuer}/.well-known/openid-configuration")).json()
        assert [name for name, member in told.items() if member in ([], {}, None, "")] == []


KEY = {"kid", "kty", "use", "alg", "remit_typ"}
MATERIAL = {"EC": KEY | {"crv", "x", "y"}, "RSA": KEY | {"n", "e"}}


@pytest.mark.requirement("GEN-17", "BCP-17")
@pytest.mark.parametrize(("slug", "path"), TENANTS.values(), ids=TENANTS)
async def test_each_member_of_a_key_is_as_agreed(remit, slug, path):
    told = await remit.http.get(f"{BASE}{path}/oauth/jwks")
    assert told.headers["content-type"] in {"application/json", "application/jwk-set+json"}
    assert told.headers["cache-control"] == "public, max-age=300"
    assert told.json().keys() == {"keys"}
    for key in told.json()["keys"]:
        assert key.keys() == MATERIAL[key["kty"]]
        assert key["use"] == "sig"
