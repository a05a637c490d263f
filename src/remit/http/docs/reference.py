"""View model of the API reference, and how it is read from the OpenAPI document that the API serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from remit.http._kit.views import Frame

_SCHEMAS: Final = "#/components/schemas/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a value is, in words; `of` is the shape in the middle of them, which has a section of its own."""

    before: str = ""
    of: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A parameter, or a member of a shape."""

    name: str
    kind: Kind
    about: str = ""
    where: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRow:
    """One operation; its id is the anchor."""

    id: str
    method: str
    path: str
    summary: str
    permission: str
    parameters: tuple[Member, ...]
    body: str
    answer: str
    statuses: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    name: str
    operations: tuple[OperationRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeRow:
    """A body or an answer; its name is the anchor. `values` where it is one of a few words."""

    name: str
    about: str
    members: tuple[Member, ...] = ()
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencePage:
    """Every operation of the REST API. The same for everybody: what there is to ask is no secret."""

    frame: Frame
    title: str
    about: str
    base: str
    document: str
    groups: tuple[Group, ...]
    shapes: tuple[ShapeRow, ...]


def groups_of(paths: Mapping[str, Any]) -> tuple[Group, ...]:
    """Return the operations of a document by their tag, in its order."""
    groups: dict[str, list[OperationRow]] = {}
    for path, methods in paths.items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append(_operation(method.upper(), path, operation))
    return tuple(Group(name=name, operations=tuple(rows)) for name, rows in groups.items())


def shapes_of(schemas: Mapping[str, Any]) -> tuple[ShapeRow, ...]:
    """Return the bodies and answers of a document by their name."""
    return tuple(_shape(name, schema) for name, schema in sorted(schemas.items()))


def _operation(method: str, path: str, told: Mapping[str, Any]) -> OperationRow:
    done = next(response for status, response in told["responses"].items() if status in ("201", "200"))
    return OperationRow(
        id=told["operationId"],
        method=method,
        path=path,
        summary=told["summary"],
        permission=" ".join(scope for named in told["security"] for scopes in named.values() for scope in scopes),
        parameters=tuple(
            Member(
                name=one["name"],
                kind=_kind(one["schema"]),
                about=one.get("description") or one["schema"].get("description", ""),
                where=one["in"],
                required=one["required"],
            )
            for one in told.get("parameters", ())
        ),
        body=_named(told.get("requestBody", {})),
        answer=_named(done),
        statuses=tuple((status, response["description"]) for status, response in told["responses"].items()),
    )


def _named(content: Mapping[str, Any]) -> str:
    """Return the name of the shape in a request or an answer."""
    for media in content.get("content", {}).values():
        reference: str = media["schema"].get("$ref", "")
        return reference.removeprefix(_SCHEMAS)
    return ""


def _shape(name: str, schema: Mapping[str, Any]) -> ShapeRow:
    required = schema.get("required", ())
    members = tuple(
        Member(name=member, kind=_kind(told), about=_about(told), required=member in required)
        for member, told in schema.get("properties", {}).items()
    )
    values = tuple(str(value) for value in schema.get("enum", ()))
    return ShapeRow(name=name, about=schema.get("description", ""), members=members, values=values)


def _about(schema: Mapping[str, Any]) -> str:
    """Say what a value means, and what it is where it is left out."""
    said: str = schema.get("description", "") or "".join(_about(choice) for choice in schema.get("anyOf", ()))
    default = schema.get("default")
    if default in (None, "", [], {}):
        return said
    usual = str(default).lower() if isinstance(default, bool) else default
    return f"{said} Left out: `{usual}`.".strip()


def _kind(schema: Mapping[str, Any]) -> Kind:
    """Say what a value is; whatever a schema leaves open is `any JSON`."""
    match schema:
        case {"$ref": str(reference)}:
            return Kind(of=reference.removeprefix(_SCHEMAS))
        case {"anyOf": [*choices]}:
            kinds = [_kind(choice) for choice in choices]
            first = next((kind for kind in kinds if kind.of), kinds[0])
            others = [kind.before for kind in kinds if kind is not first]
            return Kind(before=first.before, of=first.of, after=first.after + "".join(f" or {one}" for one in others))
        case {"enum": [*values]}:
            return Kind(before=" or ".join(str(value) for value in values))
        case {"type": "array"}:
            inner = _kind(schema.get("items", {}))
            return Kind(before=f"list of {inner.before}", of=inner.of, after=inner.after)
        case {"type": "object", "additionalProperties": dict() as inside}:
            inner = _kind(inside)
            return Kind(before=f"object whose values are: {inner.before}", of=inner.of, after=inner.after)
        case {"type": "string", "format": "date-time"}:
            return Kind(before="time")
        case {"type": "string"}:
            return Kind(before="text", after=_span(schema, "minLength", "maxLength", " characters"))
        case {"type": "integer"}:
            return Kind(before="whole number", after=_span(schema, "minimum", "maximum", ""))
        case {"type": "boolean"}:
            return Kind(before="true or false")
        case {"type": str(name)}:
            return Kind(before=name)
        case _:
            return Kind(before="any JSON")


def _span(schema: Mapping[str, Any], low: str, high: str, what: str) -> str:
    least, most = schema.get(low), schema.get(high)
    if least is None and most is None:
        return ""
    if most is None:
        return f", {least} or more{what}"
    return f", {least} to {most}{what}" if least else f", up to {most}{what}"
