"""REST v1: what clients and resources prove themselves by, and how they change over without an outage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import Meta

from remit.core.credentials import LONGEST_OVERLAP, USUAL_OVERLAP, Credential, CredentialKind
from remit.core.names import ClientId, ResourceId, Secret
from remit.core.oauth.verdicts import Refusal
from remit.http.api.clients import Jwks
from remit.http.api.operation import Call, NoQuery, Operation, Shape, View
from remit.http.api.shapes import Nothing
from remit.services.provisioning import credentials
from remit.services.provisioning.clients import add_client_secret
from remit.services.provisioning.credentials import Rotated
from remit.services.provisioning.resources import add_resource_secret

Overlap: TypeAlias = Annotated[
    int, Meta(ge=0, le=int(LONGEST_OVERLAP.total_seconds()), description="How long what there is stays good beside it.")
]
_USUAL: Final = int(USUAL_OVERLAP.total_seconds())


class CredentialView(View):
    """A credential as it may be shown: everything about it but what proves anything."""

    id: str
    kind: CredentialKind
    created_at: datetime | None
    expires_at: datetime | None
    last_used_at: datetime | None
    live: bool


class Credentials(View):
    """What somebody proves himself by, newest first."""

    credentials: list[CredentialView]


class NewSecret(View):
    """A secret, told this once. `client_id` is whose it is."""

    client_id: str
    client_secret: str | None


class RotatedSecret(View):
    """A new secret, told this once, and when those it replaces end."""

    client_id: str
    client_secret: str | None
    replaced: list[str]
    until: datetime


class RotatedKeys(View):
    """When the keys that were replaced end."""

    client_id: str
    replaced: list[str]
    until: datetime


class SecretRotation(Shape):
    """How to change over: with an overlap of a day, unless it says otherwise. 0 ends the old one at once."""

    overlap_seconds: Overlap = _USUAL


class NewKeys(Shape):
    """New public keys, beside which the old ones stay good for the overlap."""

    jwks: Jwks
    overlap_seconds: Overlap = _USUAL


async def list_client_credentials(call: Call[NoQuery, None]) -> Credentials | Refusal:
    found = await credentials.client_credentials_of(call.tenant.id, call.deps, _client(call))
    return found if isinstance(found, Refusal) else _views(found)


async def list_resource_credentials(call: Call[NoQuery, None]) -> Credentials | Refusal:
    found = await credentials.resource_credentials_of(call.tenant.id, call.deps, _resource(call))
    return found if isinstance(found, Refusal) else _views(found)


async def add_secret_of_client(call: Call[NoQuery, Nothing]) -> NewSecret | Refusal:
    made = await add_client_secret(call.tenant.id, call.deps, call.who, client=_client(call))
    return _new(_client(call), made)


async def add_secret_of_resource(call: Call[NoQuery, Nothing]) -> NewSecret | Refusal:
    made = await add_resource_secret(call.tenant.id, call.deps, call.who, resource=_resource(call))
    return _new(_resource(call), made)


async def rotate_client_secret(call: Call[NoQuery, SecretRotation]) -> RotatedSecret | Refusal:
    overlap = timedelta(seconds=call.body.overlap_seconds)
    made = await credentials.rotate_client_secret(
        call.tenant.id, call.deps, call.who, client=_client(call), overlap=overlap
    )
    return made if isinstance(made, Refusal) else _rotated(_client(call), made)


async def rotate_resource_secret(call: Call[NoQuery, SecretRotation]) -> RotatedSecret | Refusal:
    overlap = timedelta(seconds=call.body.overlap_seconds)
    made = await credentials.rotate_resource_secret(
        call.tenant.id, call.deps, call.who, resource=_resource(call), overlap=overlap
    )
    return made if isinstance(made, Refusal) else _rotated(_resource(call), made)


async def rotate_client_keys(call: Call[NoQuery, NewKeys]) -> RotatedKeys | Refusal:
    body = call.body
    made = await credentials.rotate_client_keys(
        call.tenant.id,
        call.deps,
        call.who,
        client=_client(call),
        jwks=msgspec.json.encode(body.jwks).decode(),
        overlap=timedelta(seconds=body.overlap_seconds),
    )
    if isinstance(made, Refusal):
        return made
    return RotatedKeys(client_id=_client(call), replaced=list(made.replaced), until=made.until)


async def revoke_client_credential(call: Call[NoQuery, Nothing]) -> CredentialView | Refusal:
    made = await credentials.revoke_client_credential(
        call.tenant.id, call.deps, call.who, client=_client(call), credential=call.path["credential"]
    )
    return made if isinstance(made, Refusal) else _view(made)


async def revoke_resource_secret(call: Call[NoQuery, Nothing]) -> CredentialView | Refusal:
    made = await credentials.revoke_resource_secret(
        call.tenant.id, call.deps, call.who, resource=_resource(call), secret=call.path["credential"]
    )
    return made if isinstance(made, Refusal) else _view(made)


def _client(call: Call[Any, Any]) -> ClientId:
    return ClientId(call.path["client"])


def _resource(call: Call[Any, Any]) -> ResourceId:
    return ResourceId(call.path["resource"])


def _new(holder: str, made: Secret | Refusal) -> NewSecret | Refusal:
    return made if isinstance(made, Refusal) else NewSecret(client_id=holder, client_secret=made.reveal())


def _rotated(holder: str, made: Rotated) -> RotatedSecret:
    secret = None if made.secret is None else made.secret.reveal()
    return RotatedSecret(client_id=holder, client_secret=secret, replaced=list(made.replaced), until=made.until)


def _views(found: Sequence[Credential]) -> Credentials:
    return Credentials(credentials=[_view(one) for one in found])


def _view(one: Credential) -> CredentialView:
    return CredentialView(
        id=one.id,
        kind=one.kind,
        created_at=one.created_at,
        expires_at=one.expires_at,
        last_used_at=one.last_used_at,
        live=one.live,
    )


_SECRET: Final = "client_secret"
_OF_CLIENT: Final = "/api/v1/clients/{client}"
_OF_RESOURCE: Final = "/api/v1/resources/{resource}"
_MAY: Final = "clients:write"
_MAY_TOO: Final = "resources:write"

OPERATIONS: Final = (
    Operation(
        "GET",
        f"{_OF_CLIENT}/credentials",
        "clients:read",
        list_client_credentials,
        "List what a client proves itself by",
        Credentials,
    ),
    Operation(
        "POST",
        f"{_OF_CLIENT}/secrets",
        _MAY,
        add_secret_of_client,
        "Give a client a further secret",
        NewSecret,
        body=Nothing,
        created=True,
        secret=_SECRET,
    ),
    Operation(
        "POST",
        f"{_OF_CLIENT}/secrets/rotate",
        _MAY,
        rotate_client_secret,
        "Change a client over to a new secret",
        RotatedSecret,
        body=SecretRotation,
        created=True,
        secret=_SECRET,
    ),
    Operation(
        "POST",
        f"{_OF_CLIENT}/keys/rotate",
        _MAY,
        rotate_client_keys,
        "Change a client over to new public keys",
        RotatedKeys,
        body=NewKeys,
    ),
    Operation(
        "POST",
        f"{_OF_CLIENT}/credentials/{{credential}}/revoke",
        _MAY,
        revoke_client_credential,
        "End one secret of a client, or its old keys, at once",
        CredentialView,
        body=Nothing,
    ),
    Operation(
        "GET",
        f"{_OF_RESOURCE}/credentials",
        "resources:read",
        list_resource_credentials,
        "List what a resource proves itself by",
        Credentials,
    ),
    Operation(
        "POST",
        f"{_OF_RESOURCE}/secrets",
        _MAY_TOO,
        add_secret_of_resource,
        "Give a resource a further secret",
        NewSecret,
        body=Nothing,
        created=True,
        secret=_SECRET,
    ),
    Operation(
        "POST",
        f"{_OF_RESOURCE}/secrets/rotate",
        _MAY_TOO,
        rotate_resource_secret,
        "Change a resource over to a new secret",
        RotatedSecret,
        body=SecretRotation,
        created=True,
        secret=_SECRET,
    ),
    Operation(
        "POST",
        f"{_OF_RESOURCE}/credentials/{{credential}}/revoke",
        _MAY_TOO,
        revoke_resource_secret,
        "End one secret of a resource at once",
        CredentialView,
        body=Nothing,
    ),
)
