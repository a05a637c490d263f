"""Which issuers a guard believes, how it learns their keys, and what it refuses to start with."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from remit_sdk import EveryTenant, Unavailable, Untrustworthy, guard
from remit_sdk.jwks import REFETCH_AFTER, REFRESH_AFTER, RETRY_AFTER, UNUSABLE_AFTER, KeySet, read_keys
from remit_sdk.metadata import metadata_url, read_endpoints
from remit_sdk.routes import RouteTable
from remit_sdk.www_authenticate import challenge_by
from tests.sdk.calendar import ROUTES, calendar
from tests.sdk.clock import NOW
from tests.sdk.host import host
from tests.sdk.issuer import CREDENTIALS, RESOURCE, SigningKey, running_issuer

BASE = "https://remit.example.com"
GOOD: dict[str, Any] = {"issuer": BASE, "resource": "https://api.example.com", "credentials": CREDENTIALS}

WRONG = {
    "an issuer without TLS": {"issuer": "http://remit.example.com"},
    "an issuer with a final slash": {"issuer": BASE + "/"},
    "an issuer with a query": {"issuer": BASE + "?a=1"},
    "no issuer": {"issuer": []},
    "a resource without TLS": {"resource": "http://api.example.com"},
    "a resource with a query": {"resource": "https://api.example.com?a"},
    "a resource with a fragment": {"resource": "https://api.example.com#a"},
    "a resource that is no URL": {"resource": "calendar"},
    "no secret": {"credentials": ("res", "")},
    "one secret for several issuers": {"issuer": [BASE, BASE + "/t/acme"]},
    "one secret for every tenant": {"issuer": EveryTenant(BASE)},
    "an issuer without credentials": {"credentials": {BASE + "/t/acme": CREDENTIALS}},
    "too much leeway": {"leeway": 121},
    "negative leeway": {"leeway": -1},
    "a malformed scope": {"scopes": 'a"b'},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_settings_that_cannot_be_meant_are_refused_at_once(change):
    guard(**GOOD)
    with pytest.raises(ValueError):
        guard(**(GOOD | change))


ROUTE_TABLES = {
    "no method": {"/events": "a"},
    "no path": {"GET": "a"},
    "no scope": {"GET /events": ""},
    "an unreadable parameter": {"GET /events/{id": "a"},
    "a pattern": {"GET /events/{id:int}": "a"},
}


@pytest.mark.parametrize("table", ROUTE_TABLES.values(), ids=ROUTE_TABLES)
def test_a_route_that_cannot_be_read_is_refused_at_once(table):
    with pytest.raises(ValueError):
        RouteTable(table)


PATHS = {
    "the path itself": ("GET", "/events", True),
    "HEAD is read like GET": ("HEAD", "/events", True),
    "a parameter": ("DELETE", "/events/a b", True),
    "an empty parameter": ("DELETE", "/events/", False),
    "a parameter over a slash": ("DELETE", "/events/a/b", False),
    "another case": ("GET", "/Events", False),
    "a path behind the path": ("GET", "/events/x", False),
    "a path before the path": ("GET", "/v1/events", False),
    "a line feed behind it": ("GET", "/events\n", False),
    "a dot in a name": ("GET", "/file.txt", True),
    "a dot is no wildcard": ("GET", "/fileXtxt", False),
    "any method": ("PATCH", "/any", True),
    "a rest": ("GET", "/rest/a/b", True),
    "an empty rest": ("GET", "/rest/", False),
    "a rest that goes up": ("GET", "/rest/../events", False),
}  # fmt: skip


@pytest.mark.parametrize(("method", "path", "found"), PATHS.values(), ids=PATHS)
def test_the_route_table_finds_what_it_lists(method, path, found):
    table = RouteTable({
        "GET /events": "a", "DELETE /events/{id}": "a", "GET /file.txt": "a", "* /any": "a", "GET /rest/{p:path}": "a",
    })  # fmt: skip
    assert (table.find(method, path) is not None) is found


def test_every_tenant_of_a_host_is_the_host_and_its_slugs():
    every = EveryTenant(BASE)
    for issuer in (BASE, f"{BASE}/t/acme", f"{BASE}/t/a-1"):
        assert every.names(issuer), issuer
    for issuer in (
        f"{BASE}/",
        f"{BASE}/t/",
        f"{BASE}/t/A",
        f"{BASE}/t/a/b",
        f"{BASE}/t/a?b",
        "https://evil/t/acme",
        f"{BASE}.evil/t/a",
        f"{BASE}/t/a\n",
    ):
        assert not every.names(issuer), issuer


@pytest.fixture
def tenants():
    with running_issuer(now=NOW) as first, running_issuer(now=NOW, keys=[SigningKey("k2")]) as second:
        yield first, second


async def calling(api, token):
    transport = httpx2.ASGITransport(app=api.wrap(calendar(), routes=ROUTES))
    async with httpx2.AsyncClient(transport=transport, base_url=RESOURCE) as client:
        return await client.get("/events", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.requirement("BCP-18")
async def test_one_api_serves_several_tenants_and_keeps_them_apart(tenants, clock):
    acme, globex = tenants
    pairs = {acme.base: CREDENTIALS, globex.base: CREDENTIALS}
    api = guard([acme.base, globex.base], resource=RESOURCE, credentials=pairs, clock=clock)
    async with api.running():
        await api.ready()
        assert (await calling(api, acme.token())).json()["tenant"] == "ten_acme"
        assert (await calling(api, globex.token(tenant="ten_globex"))).json()["tenant"] == "ten_globex"
        # Globex's key, whatever it claims, speaks for Globex only.
        assert (await calling(api, globex.token(iss=acme.base))).status_code == 401
        acme.stop("user", "usr_alice")
        await clock.until(lambda: len(api._links[acme.base].epochs))
        assert (await calling(api, acme.token(epo=0))).status_code == 401
        assert (await calling(api, globex.token(epo=0))).status_code == 200


async def test_an_issuer_that_is_not_trusted_is_never_asked(tenants, clock):
    acme, stranger = tenants
    api = guard(acme.base, resource=RESOURCE, credentials=CREDENTIALS, clock=clock)
    async with api.running():
        assert (await calling(api, stranger.token())).status_code == 401
    assert stranger.hits == {}


async def test_a_tenant_without_credentials_is_never_asked(tenants, clock):
    acme, _ = tenants
    api = guard(EveryTenant(host().base), resource=RESOURCE, credentials={acme.base: CREDENTIALS}, clock=clock)
    async with api.running():
        assert (await calling(api, acme.token(iss=f"{host().base}/t/ghost"))).status_code == 401
        assert acme.hits == {}
        assert (await calling(api, acme.token())).status_code == 200


LYING = {
    "another issuer": {"issuer": "https://evil.example"},
    "keys of another origin": {"jwks_uri": "https://evil.example/jwks"},
    "no keys": {"jwks_uri": None},
    "introspection elsewhere": {"introspection_endpoint": "http://127.0.0.1:1/x"},
    "the feed elsewhere": {"remit_feed_endpoint": "https://evil.example/feed"},
}


@pytest.mark.requirement("ASM-5")
@pytest.mark.parametrize("lie", LYING.values(), ids=LYING)
async def test_metadata_that_lies_is_not_believed(issuer, clock, lie):
    issuer.metadata_extra = lie
    api = guard(issuer.base, resource=RESOURCE, credentials=CREDENTIALS, clock=clock)
    async with api.running():
        answer = await calling(api, issuer.token())
    assert answer.status_code == 503
    assert "jwks" not in issuer.hits


@pytest.mark.requirement("ASM-1")
def test_the_metadata_url_is_made_by_insertion():
    assert metadata_url(BASE) == f"{BASE}/.well-known/oauth-authorization-server"
    assert metadata_url(f"{BASE}/t/acme") == f"{BASE}/.well-known/oauth-authorization-server/t/acme"


def test_an_endpoint_with_a_password_is_not_believed():
    with pytest.raises(Untrustworthy):
        read_endpoints(
            {"issuer": BASE, "jwks_uri": "https://x@remit.example.com/jwks"}, issuer=BASE, names=["jwks_uri"]
        )


class Keys:
    """A published key set that counts its readers."""

    def __init__(self) -> None:
        self.keys = [SigningKey("k1")]
        self.away = False
        self.reads = 0

    async def __call__(self):
        self.reads += 1
        if self.away:
            raise Unavailable
        return {"keys": [key.public() for key in self.keys]}


@pytest.mark.requirement("GEN-18")
async def test_unknown_kids_cost_one_fetch_a_minute(clock):
    published = Keys()
    keys = KeySet(published, clock)
    assert await keys.find("k1")
    assert await keys.find("k2") is None
    assert published.reads == 1
    clock.advance(REFETCH_AFTER)
    for number in range(50):
        assert await keys.find(f"x{number}") is None
    assert published.reads == 2
    published.keys.append(SigningKey("k2"))
    clock.advance(REFETCH_AFTER)
    assert await keys.find("k2")


async def test_a_withdrawn_key_is_forgotten(clock):
    published = Keys()
    keys = KeySet(published, clock)
    await keys.find("k1")
    published.keys = [SigningKey("k2")]
    clock.advance(REFRESH_AFTER)
    assert await keys.find("k1") is None


async def test_an_issuer_that_is_away_makes_unknown_keys_unknowable(clock):
    published = Keys()
    published.away = True
    keys = KeySet(published, clock)
    for _ in range(3):
        with pytest.raises(Unavailable):
            await keys.find("k1")
    assert published.reads == 1
    published.away = False
    clock.advance(RETRY_AFTER)
    assert await keys.find("k1")
    published.away = True
    clock.advance(REFRESH_AFTER)
    assert await keys.find("k1"), "an issuer's pause does not stop the API"
    with pytest.raises(Unavailable):
        await keys.find("k2")
    clock.advance(UNUSABLE_AFTER)
    with pytest.raises(Unavailable):
        await keys.find("k1")


def test_a_kid_that_two_keys_share_is_nobodys():
    shared = [SigningKey("k1").public(), SigningKey("k1").public(), SigningKey("k2").public()]
    assert set(read_keys({"keys": shared})) == {"k2"}
    assert read_keys({"keys": "x"}) == {}


CHALLENGES = {
    "one": (['Bearer error="invalid_token"'], {"error": "invalid_token"}),
    "behind another scheme": (['DPoP algs="ES256", Bearer error="x", scope="a b"'], {"error": "x", "scope": "a b"}),
    "before another scheme": (['Bearer error="x", DPoP error="y"'], {"error": "x"}),
    "in a second field": (["Basic realm=x", "bearer Error=x"], {"error": "x"}),
    "alone": (["Bearer"], {}),
    "quoted commas and quotes": (['Bearer realm="a, \\"b\\"", error="x"'], {"realm": 'a, "b"', "error": "x"}),
    "a parameter twice": (['Bearer error="x", error="y"'], {"error": "x"}),
    "none": (["Basic realm=x"], None),
    "no header": ([], None),
    "rubbish": (['=,="'], None),
}


@pytest.mark.parametrize(("values", "expected"), CHALLENGES.values(), ids=CHALLENGES)
def test_challenges_are_read_as_the_rfc_writes_them(values, expected):
    assert challenge_by("bearer", values) == expected
