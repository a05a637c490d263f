"""JSON that two readers could read differently is refused wherever it decides something."""

from __future__ import annotations

import msgspec
import pytest

from remit.wire.parse import MAX_DEPTH, parse_json
from tests.kit.registration import let_in


class Metadata(msgspec.Struct):
    a: int = 0


AMBIGUOUS = {
    "a member twice": b'{"a":1,"a":2}',
    "a member twice in another spelling": b'{"a":1,"\\u0061":2}',
    "a member twice that nobody reads": b'{"x":{"b":1,"b":1}}',
    "a list of such": b'{"x":[{"b":1,"b":1}]}',
    "nested deeper than readers go": b'{"x":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}",
    "something behind it": b'{"a":1}{}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "a number that is none": b'{"a":NaN}',
    "a number without an end": b'{"x":' + b"9" * 5000 + b"}",
    "no object": b"[]",
}


@pytest.mark.requirement("GEN-9")
@pytest.mark.parametrize("body", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_what_could_be_read_in_two_ways_is_not_read(body):
    assert isinstance(parse_json(body, Metadata), str)


@pytest.mark.requirement("GEN-9")
def test_and_the_rest_is():
    assert parse_json(b'{"a":1,"x":{"a":2},"y":{"a":3}}', Metadata) == Metadata(a=1)
    deep = b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1)
    assert parse_json(b'{"a":1,"x":' + deep + b"}", Metadata) == Metadata(a=1)


@pytest.mark.requirement("GEN-9", "DCR-3")
async def test_a_client_does_not_register_two_sets_of_redirects(remit):
    world = remit.acme
    await let_in(remit, world)
    body = b'{"redirect_uris":["https://a.example/cb"],"redirect_uris":["https://b.example/cb"]}'
    headers = {"content-type": "application/json"}
    answer = await remit.http.post(f"{world.issuer}/oauth/register", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


@pytest.mark.requirement("GEN-9")
async def test_a_report_is_read_in_one_way(remit):
    world = remit.acme
    answer = await remit.http.post(
        f"{world.issuer}/decisions",
        content=b'{"decisions":[],"decisions":[]}',
        auth=(world.calendar.id, world.calendar_secret.reveal()),
    )
    assert answer.status_code == 400
