"""`RemitAuth` with every client library, against a real issuer and a real API."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import httpx
import httpx2
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from remit_sdk import AgentStopped, ConsentRequired, OutOfScope, Refused, RemitAuth, Untrustworthy, WrongResource
from tests.sdk.clock import NOW, StillClock
from tests.sdk.host import hosting
from tests.sdk.issuer import SigningKey, running_issuer, unb64


class Api:
    """A resource server that keeps what it was sent and refuses the tokens it is told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, bytes]] = []
        self.purposes: list[str | None] = []
        self.refused: set[str] = set()
        self.step_up = False
        self.base = ""

    async def events(self, request: Request) -> Response:
        token = request.headers["authorization"].removeprefix("Bearer ")
        self.calls.append((request.method, token, await request.body()))
        self.purposes.append(request.headers.get("remit-purpose"))
        if token in self.refused:
            return JSONResponse({}, 401, {"WWW-Authenticate": 'Bearer error="invalid_token", resource_metadata="x"'})
        if self.step_up:
            asked = (
                'Bearer error="insufficient_user_authentication", acr_values="urn:remit:acr:multi-factor", max_age=300'
            )
            return JSONResponse({}, 401, {"WWW-Authenticate": asked})
        if request.method == "DELETE":
            needed = 'DPoP algs="ES256", Bearer error="insufficient_scope", scope="read:calendar delete:calendar"'
            return JSONResponse({}, 403, {"WWW-Authenticate": needed})
        return JSONResponse({"ok": True})

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/events", self.events, methods=["GET", "POST", "DELETE"])])


@pytest.fixture
def calendar():
    made = Api()
    with hosting("api", made.app()) as base:
        made.base = base
        yield made


@pytest.fixture
def issuer(calendar):
    with running_issuer(now=NOW, resource=calendar.base) as issuer:
        yield issuer


def make_auth(issuer, calendar, clock, **settings):
    wish = {"client_id": "cli_helper", "resource": calendar.base, "scopes": "read:calendar write:calendar"}
    return RemitAuth(issuer.base, **(wish | {"clock": clock} | settings))


def consent_to(auth):
    """Play the user: follow the address, allow, and come back."""
    with pytest.raises(ConsentRequired) as raised:
        auth.tokens()
    answer = httpx2.get(raised.value.url)
    assert answer.status_code == 303
    raised.value.finish(answer.headers["location"])


@pytest.fixture
def auth(issuer, calendar, clock):
    made = make_auth(issuer, calendar, clock)
    consent_to(made)
    return made


async def by_httpx2(method, url, auth, body=None):
    with httpx2.Client(auth=auth) as client:
        return client.request(method, url, content=body)


async def by_httpx2_async(method, url, auth, body=None):
    async with httpx2.AsyncClient(auth=auth) as client:
        return await client.request(method, url, content=body)


async def by_httpx(method, url, auth, body=None):
    with httpx.Client(auth=auth) as client:
        return client.request(method, url, content=body)


async def by_httpx_async(method, url, auth, body=None):
    async with httpx.AsyncClient(auth=auth) as client:
        return await client.request(method, url, content=body)


async def by_requests(method, url, auth, body=None):
    with requests.Session() as session:
        session.auth = auth
        return session.request(method, url, data=body)


LIBRARIES = {
    "httpx2": by_httpx2,
    "httpx2, async": by_httpx2_async,
    "httpx": by_httpx,
    "httpx, async": by_httpx_async,
    "requests": by_requests,
}


@pytest.mark.parametrize("call", LIBRARIES.values(), ids=LIBRARIES)
class TestEveryLibrary:
    async def test_sends_the_token_to_its_resource(self, call, auth, calendar):
        answer = await call("GET", f"{calendar.base}/events", auth)
        assert answer.status_code == 200
        assert calendar.calls == [("GET", auth.token(), b"")]

    async def test_without_a_line_a_user_is_asked(self, call, issuer, calendar, clock):
        with pytest.raises(ConsentRequired):
            await call("GET", f"{calendar.base}/events", make_auth(issuer, calendar, clock))
        assert calendar.calls == []

    async def test_renews_once_and_repeats_once_when_a_token_is_refused(self, call, auth, issuer, calendar):
        old = auth.token()
        calendar.refused.add(old)
        answer = await call("POST", f"{calendar.base}/events", auth, b"lunch")
        assert answer.status_code == 200
        assert calendar.calls == [("POST", old, b"lunch"), ("POST", auth.token(), b"lunch")]
        assert issuer.hits["refresh_token"] == 1

    async def test_gives_up_when_the_new_token_is_refused_too(self, call, auth, issuer, calendar):
        calendar.refused = Everything()
        answer = await call("GET", f"{calendar.base}/events", auth)
        assert answer.status_code == 401
        assert len(calendar.calls) == 2
        assert issuer.hits["refresh_token"] == 1

    async def test_names_the_missing_scope(self, call, auth, calendar):
        with pytest.raises(OutOfScope) as raised:
            await call("DELETE", f"{calendar.base}/events", auth)
        assert raised.value.missing == {"delete:calendar"}
        assert len(calendar.calls) == 1

    async def test_tells_a_stop_from_the_end_of_a_line(self, call, auth, issuer, calendar):
        calendar.refused.add(auth.token())
        issuer.refresh_error = ("invalid_grant", "the agent was stopped")
        with pytest.raises(AgentStopped):
            await call("GET", f"{calendar.base}/events", auth)
        issuer.refresh_error = ("invalid_grant", "the line was revoked")
        with pytest.raises(ConsentRequired):
            await call("GET", f"{calendar.base}/events", auth)

    @pytest.mark.requirement("BR-6")
    async def test_never_carries_the_token_elsewhere(self, call, auth, calendar):
        for url in ("http://127.0.0.1:1/events", calendar.base.replace("127.0.0.1", "localhost") + "/events"):
            with pytest.raises(WrongResource):
                await call("GET", url, auth)


class Everything:
    def __contains__(self, _: object) -> bool:
        return True


def test_a_streamed_body_is_not_sent_twice(auth, calendar):
    calendar.refused.add(auth.token())
    with httpx2.Client(auth=auth) as client:
        answer = client.post(f"{calendar.base}/events", content=iter([b"lun", b"ch"]))
    assert answer.status_code == 401
    assert len(calendar.calls) == 1
    assert auth.token() not in calendar.refused


def test_a_path_is_part_of_the_resource(issuer, calendar, clock):
    auth = make_auth(issuer, calendar, clock, resource=f"{calendar.base}/mcp")
    auth.check_address(f"{calendar.base}/mcp")
    auth.check_address(f"{calendar.base}/mcp/tools?x=1")
    for path in ("/", "/mcp2", "/other/mcp"):
        with pytest.raises(WrongResource):
            auth.check_address(calendar.base + path)


def test_the_purpose_goes_with_each_call_unless_the_call_has_its_own(issuer, calendar, clock):
    auth = make_auth(issuer, calendar, clock, purpose="plan the week")
    consent_to(auth)
    with httpx2.Client(auth=auth) as client:
        client.get(f"{calendar.base}/events")
        client.get(f"{calendar.base}/events", headers={"Remit-Purpose": "find a free hour"})
    assert calendar.purposes == ["plan the week", "find a free hour"]


def test_the_way_to_the_consent_page_names_everything(issuer, calendar, clock):
    url = urlsplit(make_auth(issuer, calendar, clock).consent().url)
    query = parse_qs(url.query)
    assert query["response_type"] == ["code"]
    assert query["client_id"] == ["cli_helper"]
    assert query["redirect_uri"] == ["http://127.0.0.1/callback"]
    assert query["scope"] == ["read:calendar write:calendar"]
    assert query["resource"] == [calendar.base]
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["code_challenge"][0]) == 43
    assert len(query["state"][0]) >= 43


def test_parallel_calls_ask_the_user_once(issuer, calendar, clock):
    auth = make_auth(issuer, calendar, clock)
    assert auth.consent().url == auth.consent().url
    assert auth.consent().url != auth.consent(["delete:calendar"]).url


FORGED = {
    "another state": lambda q: q | {"state": "x"},
    "no state": lambda q: {k: v for k, v in q.items() if k != "state"},
    "another issuer": lambda q: q | {"iss": "https://evil.example"},
    "no issuer": lambda q: {k: v for k, v in q.items() if k != "iss"},
    "no code": lambda q: {k: v for k, v in q.items() if k != "code"},
    "an error of another issuer": lambda q: {
        "error": "access_denied",
        "state": q["state"],
        "iss": "https://evil.example",
    },
}


@pytest.mark.requirement("BCP-5", "BCP-6")
@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_response_that_is_not_ours_is_not_believed(issuer, calendar, clock, forge):
    auth = make_auth(issuer, calendar, clock)
    consent = auth.consent()
    location = httpx2.get(consent.url).headers["location"]
    answer = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
    with pytest.raises(Untrustworthy):
        consent.finish(str(httpx2.URL("http://127.0.0.1/callback", params=forge(answer))))
    assert "authorization_code" not in issuer.hits
    consent.finish(location)  # the true response still counts
    assert auth.token()


def test_a_repeated_parameter_or_another_address_is_not_believed(issuer, calendar, clock):
    consent = make_auth(issuer, calendar, clock).consent()
    location = httpx2.get(consent.url).headers["location"]
    for forged in (
        f"{location}&code=other",
        location.replace("/callback", "/other"),
        location.replace("127.0.0.1", "[::1]"),
    ):
        with pytest.raises(Untrustworthy):
            consent.finish(forged)


def test_a_user_who_denies_is_heard(issuer, calendar, clock):
    consent = make_auth(issuer, calendar, clock).consent()
    state = parse_qs(urlsplit(consent.url).query)["state"][0]
    answer = {"error": "access_denied", "state": state, "iss": issuer.base}
    with pytest.raises(Refused, match="access_denied"):
        consent.finish(str(httpx2.URL("http://127.0.0.1/callback", params=answer)))


def test_the_loopback_listener_takes_the_callback_and_nothing_else(issuer, calendar, clock):
    auth = make_auth(issuer, calendar, clock)
    visits = []

    def user(url):
        def browse():
            redirect = parse_qs(urlsplit(url).query)["redirect_uri"][0]
            with httpx2.Client(follow_redirects=True) as browser:
                visits.append(browser.get(redirect.replace("/callback", "/favicon.ico")).status_code)
                visits.append(browser.get(url).status_code)

        threading.Thread(target=browse).start()

    auth.consent().wait(show=user, timeout=10)
    assert auth.token()
    assert visits[:1] == [404]


def test_a_listener_waits_no_longer_than_told(issuer, calendar, clock):
    with pytest.raises(TimeoutError):
        make_auth(issuer, calendar, clock).consent().wait(show=lambda _: None, timeout=0.01)


@contextmanager
def no_renewal_left_running():
    yield
    for thread in threading.enumerate():
        if thread.name == "remit renewal":
            thread.join(10)


def test_a_token_is_renewed_early_while_the_old_one_serves(issuer, calendar, clock):
    auth = make_auth(issuer, calendar, clock)
    consent_to(auth)
    first = auth.token()
    clock.advance(0.8 * issuer.lifetime - 1)
    issuer.now = clock.now()
    assert auth.token() == first
    assert "refresh_token" not in issuer.hits
    clock.advance(1)
    with no_renewal_left_running():
        assert auth.token() == first, "nobody waits for the renewal"
    assert auth.token() != first
    assert issuer.hits["refresh_token"] == 1
    assert issuer.forms[-1]["resource"] == calendar.base


def test_an_issuer_that_is_away_costs_nothing_while_the_token_lives(issuer, calendar, clock):
    auth = make_auth(issuer, calendar, clock)
    consent_to(auth)
    first = auth.token()
    clock.advance(0.9 * issuer.lifetime)
    issuer.refresh_error = ("temporarily_unavailable", "")
    for _ in range(20):
        with no_renewal_left_running():
            assert auth.token() == first
    assert issuer.hits["refresh_token"] == 1, "an issuer in trouble is not asked with every call"


def test_an_expired_token_is_renewed_before_it_is_used(issuer, calendar, clock):
    auth = make_auth(issuer, calendar, clock)
    consent_to(auth)
    first = auth.token()
    clock.advance(issuer.lifetime)
    assert auth.token() != first


def test_fifty_threads_renew_once(issuer, calendar, clock):
    auth = make_auth(issuer, calendar, clock)
    consent_to(auth)
    old = auth.token()
    start = threading.Barrier(50)
    found = []

    def work():
        start.wait()
        found.append(auth.token(unlike=old))

    threads = [threading.Thread(target=work) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 50
    assert len(set(found)) == 1
    assert issuer.hits["refresh_token"] == 1


def test_client_credentials_by_secret(issuer, calendar, clock):
    auth = make_auth(
        issuer, calendar, clock, grant_type="client_credentials", client_secret="secret", scopes="read:calendar"
    )
    assert auth.token() == auth.token()
    assert issuer.hits["client_credentials"] == 1
    assert "client_id" not in issuer.forms[0], "one way to authenticate, not two"
    wrong = make_auth(issuer, calendar, clock, grant_type="client_credentials", client_secret="wrong")
    with pytest.raises(Refused, match="invalid_client"):
        wrong.token()


def test_client_credentials_by_key(issuer, calendar, clock):
    pem = SigningKey("c1").private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    auth = make_auth(issuer, calendar, clock, grant_type="client_credentials", private_key=pem)
    auth.token()
    header, claims, _ = issuer.forms[0]["client_assertion"].split(".")
    assert b'"typ":"client-authentication+jwt"' in unb64(header)
    assert f'"aud":"{issuer.base}"'.encode() in unb64(claims)
    assert issuer.forms[0]["client_id"] == "cli_helper"


SETTINGS = {
    "an issuer without TLS": {"resource": "http://calendar.example.com"},
    "two ways to prove itself": {"client_secret": "a", "private_key": "b"},
    "an unattended client without proof": {"grant_type": "client_credentials"},
    "no scope": {"scopes": ""},
    "a key that is none": {"private_key": "not a key"},
}


@pytest.mark.parametrize("wrong", SETTINGS.values(), ids=SETTINGS)
def test_settings_that_cannot_be_meant_are_refused_at_once(wrong):
    settings = {"client_id": "c", "resource": "https://api.example.com", "scopes": "a"} | wrong
    with pytest.raises(ValueError):
        RemitAuth("https://remit.example.com", clock=StillClock(), **settings)
