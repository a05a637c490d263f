"""The OpenAPI 3.1 document, made from the table that serves: what is described is what there is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from remit.core.permissions import API_SCOPES
from remit.core.tenants import Tenant
from remit.http.api.operation import Operation
from remit.wire.possession import DPOP_ERRORS
from remit.wire.problems import KINDS, status_of

_REF: Final = "#/components/schemas/{name}"


class Problem(msgspec.Struct, kw_only=True):
    """A problem document (RFC 9457). `code` is stable; `doc_url` says what it means and what to do."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    doc_url: str | None = None
    request_id: str | None = None


_ALWAYS: Final = ("invalid_request", "method_not_allowed", "internal", "unavailable")


def document(operations: Sequence[Operation], tenant: Tenant, *, version: str) -> dict[str, Any]:
    """Describe the API of one tenant."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Remit",
            "version": version,
            "summary": "What the console can do, a program can do.",
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": tenant.issuer}],
        "paths": paths_of(operations),
        "components": {"schemas": schemas_of(operations), "securitySchemes": {"remit": _security(tenant)}},
    }


ABOUT: Final = (
    "Every call needs an access token whose resource is this API (`{issuer}/api`) and which holds the permission of "
    "the operation. Lists are read page by page: `next` is the `cursor` of the following page. A POST may carry an "
    "`Idempotency-Key`: repeated within 24 hours it does nothing again and answers as before, without what is told "
    "once. A PATCH or PUT carries `If-Match`. With `dry_run=true` everything is checked and done, and nothing is kept."
)


def paths_of(operations: Sequence[Operation]) -> dict[str, Any]:
    """Describe every operation by its path and method."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return paths | _public()


def _public() -> dict[str, Any]:
    """Describe what everybody may read."""
    failed = _problems(("method_not_allowed", "internal", "unavailable"))
    return {
        "/api/v1/openapi.json": {
            "get": {
                "operationId": "openapi",
                "summary": "This document",
                "tags": ["about"],
                "responses": {"200": _content("The document.", {"type": "object"}), **failed},
                "security": [],
            }
        },
    }


def _content(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _problems(kinds: Sequence[str]) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for kind in kinds:
        by_status.setdefault(status_of(kind), []).append(kind)
    return {
        str(status): {
            "description": "; ".join(KINDS[kind][1] for kind in found) + ".",
            "content": {"application/problem+json": {"schema": _ref(Problem)}},
        }
        for status, found in sorted(by_status.items())
    }


def schemas_of(operations: Sequence[Operation]) -> dict[str, Any]:
    """Describe every body and answer by its name."""
    kinds: dict[str, type] = {"Problem": Problem}
    for operation in operations:
        for kind in (operation.answer, operation.body):
            # Of two shapes with one name the document would describe one, and callers would send it to both.
            if kind is not None and kinds.setdefault(kind.__name__, kind) is not kind:
                raise ValueError(f"two shapes are called {kind.__name__}")
    _, components = msgspec.json.schema_components(list(kinds.values()), ref_template=_REF)
    return dict(sorted(components.items()))


def _operation(operation: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.path.split("/")[3]],
        "parameters": [*_path(operation), *_query(operation), *_headers(operation)],
        "responses": _responses(operation),
        "security": [{"remit": list(operation.permissions)}] if operation.permission else [],
    }
    if operation.body is not None:
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(operation.body)}}}
    return told


def _path(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1, "maxLength": 128}}
        for name in operation.parameters
    ]


def _query(operation: Operation) -> list[dict[str, Any]]:
    (_,), named = msgspec.json.schema_components([operation.query], ref_template="{name}")
    fields = named[operation.query.__name__]
    found = []
    for name, field in fields["properties"].items():
        inner = {key: value for key, value in field.items() if key not in ("description", "default")}
        told = {
            "name": name,
            "in": "query",
            "required": name in fields.get("required", ()),
            "schema": _plain(inner, named),
        }
        if "description" in field:
            told["description"] = field["description"]
        if field.get("default") not in (None, ""):
            told["schema"]["default"] = field["default"]
        found.append(told)
    if operation.changes:
        about = "Check and do everything, keep nothing, and answer what would be."
        found.append(
            {
                "name": "dry_run",
                "in": "query",
                "required": False,
                "description": about,
                "schema": {"type": "boolean", "default": False},
            }
        )
    return found


def _plain(schema: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
    """Write a schema without references, and without null, which no query can say."""
    if "$ref" in schema:
        return {key: value for key, value in named[schema["$ref"]].items() if key not in ("title", "description")}
    choices = [_plain(choice, named) for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if not choices:
        return schema
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**choices[0], **rest} if len(choices) == 1 else {**rest, "anyOf": choices}


def _headers(operation: Operation) -> list[dict[str, Any]]:
    found = []
    if operation.method == "POST" and operation.changes:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "A key of your own for this one request; repeat both together.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            }
        )
    if operation.tagged and not operation.changes:
        found.append(
            {
                "name": "If-None-Match",
                "in": "header",
                "required": False,
                "description": "The ETag of what you have: while it is still so, the answer is 304 and empty.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            }
        )
    if operation.current is not None:
        found.append(
            {
                "name": "If-Match",
                "in": "header",
                "required": True,
                "description": "The ETag of what you read, or *.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
                "example": "*",
            }
        )
    return found


def refusals(operation: Operation) -> tuple[str, ...]:
    """Return every kind of problem that an operation can answer with."""
    kinds = [*_ALWAYS]
    if operation.permission:
        kinds += ["unauthorized", "invalid_token", "insufficient_scope", "forbidden", *sorted(DPOP_ERRORS)]
    if operation.parameters or operation.changes:
        kinds.append("not_found")
    if operation.changes:
        kinds += ["conflict"]
    if operation.method == "POST" and operation.changes:
        kinds.append("key_reused")
    if operation.current is not None:
        kinds += ["precondition_failed", "precondition_required"]
    if operation.body is not None:
        kinds += ["too_large", "unsupported_media_type"]
    return tuple(kind for kind in KINDS if kind in kinds)


def _responses(operation: Operation) -> dict[str, Any]:
    schema = _ref(operation.answer)
    done = _content("Done.", schema)
    if operation.tagged:
        done["headers"] = {"ETag": {"description": "The state of it, for If-Match.", "schema": {"type": "string"}}}
    if not operation.created:
        same = {"304": {"description": "It is as you have it."}} if operation.tagged and not operation.changes else {}
        return {"200": done, **same, **_problems(refusals(operation))}
    dry = _content("A dry run: this is what would be.", schema)
    return {"200": dry, "201": done, **_problems(refusals(operation))}


def _ref(kind: type) -> dict[str, str]:
    return {"$ref": _REF.format(name=re.sub(r"[^A-Za-z0-9_.-]", "_", kind.__name__))}


def _security(tenant: Tenant) -> dict[str, Any]:
    scopes = {scope.name: scope.sentence for scope in API_SCOPES}
    token = f"{tenant.issuer}/oauth/token"
    authorize = f"{tenant.issuer}/oauth/authorize"
    return {
        "type": "oauth2",
        "description": f"Ask for a token with `resource={tenant.api}`.",
        "flows": {
            "clientCredentials": {"tokenUrl": token, "scopes": scopes},
            "authorizationCode": {"authorizationUrl": authorize, "tokenUrl": token, "scopes": scopes},
        },
    }
