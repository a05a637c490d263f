"""The API reference that the server shows: everything that the OpenAPI document holds, under anchors, and no script."""

from __future__ import annotations

from typing import Any

from remit.http.docs.reference import Kind, _kind
from tests.http.pages.well_formed import read
from tests.kit.world import BASE


async def documents(remit, issuer=BASE):
    page = await remit.http.get(f"{issuer}/docs/api")
    assert page.status_code == 200
    return page, (await remit.http.get(f"{issuer}/api/v1/openapi.json")).json()


async def test_every_operation_and_shape_has_its_anchor(remit):
    page, document = await documents(remit)
    html = read(page.text)
    assert html.faults == []
    anchors = {element.attributes["id"] for element in html.elements if "id" in element.attributes}
    operations = {one["operationId"]: one for methods in document["paths"].values() for one in methods.values()}
    assert len(operations) > 50
    assert set(operations) | set(document["components"]["schemas"]) <= anchors
    links = {element.attributes["href"][1:] for element in html.every("a") if element.attributes["href"][0] == "#"}
    assert links <= anchors
    assert set(operations) <= links
    for operation in operations.values():
        assert operation["summary"] in page.text


async def test_members_and_permissions_are_told(remit):
    page, document = await documents(remit)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert f"{method.upper()} {path}" in page.text
            for scopes in (named["remit"] for named in operation["security"]):
                assert all(f"<code>{scope}</code>" in page.text for scope in scopes)
    for schema in document["components"]["schemas"].values():
        assert all(f'<code class="whole">{name}</code>' in page.text for name in schema.get("properties", ()))


async def test_each_tenant_is_told_its_own_address(remit):
    page, _ = await documents(remit, remit.acme.issuer)
    assert f"{remit.acme.issuer}/api/v1" in page.text
    assert "set-cookie" not in page.headers
    shown = await remit.http.get(f"{remit.acme.issuer}/docs")
    assert f'href="{remit.acme.issuer}/docs/api"' in shown.text
    assert page.headers["content-security-policy"] == shown.headers["content-security-policy"]


SCHEMAS: dict[str, tuple[dict[str, Any], Kind]] = {
    "a span of text": (
        {"type": "string", "minLength": 1, "maxLength": 80},
        Kind(before="text", after=", 1 to 80 characters"),
    ),
    "a bound above": ({"type": "string", "maxLength": 9}, Kind(before="text", after=", up to 9 characters")),
    "a bound below": ({"type": "integer", "minimum": 60}, Kind(before="whole number", after=", 60 or more")),
    "a list of shapes": (
        {"type": "array", "items": {"$ref": "#/components/schemas/AgentView"}},
        Kind(before="list of ", of="AgentView"),
    ),
    "a shape or nothing": (
        {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/NewRemit"}]},
        Kind(of="NewRemit", after=" or null"),
    ),
    "words": ({"enum": ["web", "native"]}, Kind(before="web or native")),
    "a time": ({"type": "string", "format": "date-time"}, Kind(before="time")),
    "an object of lists": (
        {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
        Kind(before="object whose values are: list of text"),
    ),
    "anything": ({}, Kind(before="any JSON")),
}


def test_kinds_are_said_in_words():
    assert {name: _kind(schema) for name, (schema, _) in SCHEMAS.items()} == {
        name: kind for name, (_, kind) in SCHEMAS.items()
    }
