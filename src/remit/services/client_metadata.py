"""Client metadata as clients write it, in a registration request or in a document of their own (RFC 7591 §2)."""

from __future__ import annotations

from typing import Any

import msgspec

from remit.core.clients import Logout
from remit.core.names import Secret
from remit.core.oauth.verdicts import Refusal
from remit.core.self_registration import ClientMetadata

UNREADABLE = Refusal("invalid_client_metadata", "it must be one JSON object with the members of RFC 7591")


class Metadata(msgspec.Struct):
    """The members that are read. Others are ignored, whatever they hold (DCR-5)."""

    client_id: str | None = None
    client_secret: Any = None
    client_secret_expires_at: Any = None
    redirect_uris: list[str] | None = None
    token_endpoint_auth_method: str | None = None
    grant_types: list[str] | None = None
    response_types: list[str] | None = None
    application_type: str | None = None
    client_name: str | None = None
    scope: str | None = None
    id_token_signed_response_alg: str | None = None
    require_pushed_authorization_requests: bool | None = None
    require_signed_request_object: bool | None = None
    dpop_bound_access_tokens: bool | None = None
    authorization_details_types: list[str] | None = None
    post_logout_redirect_uris: list[str] | None = None
    backchannel_logout_uri: str | None = None
    backchannel_logout_session_required: bool | None = None
    client_uri: str | None = None
    logo_uri: str | None = None
    tos_uri: str | None = None
    policy_uri: str | None = None
    jwks: Any = None
    jwks_uri: str | None = None

    def said(self) -> ClientMetadata:
        links = (self.client_uri, self.logo_uri, self.tos_uri, self.policy_uri, self.jwks_uri)
        return ClientMetadata(
            client_id=self.client_id,
            secret=Secret(self.client_secret) if isinstance(self.client_secret, str) else None,
            holds_secret=self.client_secret is not None or self.client_secret_expires_at is not None,
            redirect_uris=tuple(self.redirect_uris or ()),
            auth_method=self.token_endpoint_auth_method,
            grant_types=_maybe(self.grant_types),
            response_types=_maybe(self.response_types),
            application_type=self.application_type,
            name=self.client_name,
            scope=self.scope,
            id_token_alg=self.id_token_signed_response_alg,
            require_pushed=self.require_pushed_authorization_requests,
            require_signed=self.require_signed_request_object,
            dpop_bound=self.dpop_bound_access_tokens,
            details_types=tuple(self.authorization_details_types or ()),
            logout=Logout(
                redirect_uris=tuple(self.post_logout_redirect_uris or ()),
                backchannel_uri=self.backchannel_logout_uri or None,
                backchannel_session=bool(self.backchannel_logout_session_required),
            ),
            home=self.client_uri,
            links=tuple(link for link in links if link),
            jwks=None if self.jwks is None else msgspec.json.encode(self.jwks).decode(),
            keyed_twice=self.jwks is not None and self.jwks_uri is not None,
        )


def read_metadata(document: dict[str, object]) -> ClientMetadata | Refusal:
    """Read metadata that was parsed already."""
    try:
        return msgspec.convert(document, Metadata).said()
    except msgspec.ValidationError:
        return UNREADABLE


def _maybe(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)
