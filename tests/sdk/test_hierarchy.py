"""Scopes that include others."""

from __future__ import annotations

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit_sdk import guard
from remit_sdk.hierarchy import Hierarchy
from tests.sdk.calendar import ROUTES, calendar
from tests.sdk.issuer import CREDENTIALS, RESOURCE

INCLUDES = {"calendar": "write:calendar delete:calendar", "write:calendar": "read:calendar"}


@pytest.fixture
async def client(issuer, clock):
    api = guard(issuer.base, resource=RESOURCE, credentials=CREDENTIALS, includes=INCLUDES, clock=clock)
    async with api.running():
        await api.ready()
        transport = httpx2.ASGITransport(app=api.wrap(calendar(), routes=ROUTES))
        async with httpx2.AsyncClient(transport=transport, base_url=RESOURCE) as opened:
            yield opened


CALLS = {
    "what it says itself": ("read:calendar", "GET", "/events", 200),
    "what it includes": ("write:calendar", "GET", "/events", 200),
    "both of two, by one": ("write:calendar", "POST", "/events", 200),
    "what is included by what it includes": ("calendar", "GET", "/events", 200),
    "another that it includes": ("calendar", "DELETE", "/events/7", 200),
    "what includes it": ("read:calendar", "POST", "/events", 403),
    "a sibling": ("delete:calendar", "GET", "/events", 403),
    "nothing of this": ("other", "GET", "/events", 403),
}


@pytest.mark.requirement("BR-8")
@pytest.mark.parametrize(("scope", "method", "path", "status"), CALLS.values(), ids=CALLS)
async def test_a_wider_scope_does_what_a_narrower_may(client, issuer, scope, method, path, status):
    answer = await client.request(method, path, headers={"Authorization": f"Bearer {issuer.token(scope=scope)}"})
    assert answer.status_code == status
    if status == 403:
        # The challenge names the least that is needed, not what would include it.
        needed = {"GET": "read:calendar", "POST": "read:calendar write:calendar"}[method]
        assert f'scope="{needed}"' in answer.headers["www-authenticate"]


@pytest.mark.requirement("BR-8")
async def test_without_a_table_no_scope_includes_another(issuer, clock):
    api = guard(issuer.base, resource=RESOURCE, credentials=CREDENTIALS, clock=clock)
    async with api.running():
        await api.ready()
        transport = httpx2.ASGITransport(app=api.wrap(calendar(), routes=ROUTES))
        async with httpx2.AsyncClient(transport=transport, base_url=RESOURCE) as client:
            headers = {"Authorization": f"Bearer {issuer.token(scope='write:calendar')}"}
            assert (await client.get("/events", headers=headers)).status_code == 403


@pytest.mark.parametrize("table", [{"a b": "c"}, {"": "x"}, {"a": ""}, {"a": 'b"'}])
def test_a_table_that_cannot_be_meant_is_refused(table):
    with pytest.raises(ValueError, match="scope"):
        Hierarchy(table)


NAMES = st.sampled_from("abcdef")


@given(st.dictionaries(NAMES, st.sets(NAMES, min_size=1)), st.frozensets(NAMES))
def test_widening_only_follows_the_table_and_comes_to_an_end(table, held):
    widened = Hierarchy(table).widen(held)
    assert held <= widened
    assert Hierarchy(table).widen(widened) == widened
    reached = set(held)
    for _ in range(6):
        reached |= {below for scope in reached for below in table.get(scope, ())}
    assert widened == reached
