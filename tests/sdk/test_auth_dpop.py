"""`RemitAuth` binds its tokens to a key where the issuer offers it (RFC 9449), with every client library."""

from __future__ import annotations

import json

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from remit_sdk import BoundToken, ConsentRequired, Dpop, FileStore, MemoryStore, Untrustworthy, WrongResource
from remit_sdk.possession import Possession
from remit_sdk.possession import Request as Proving
from tests.sdk.clock import NOW, StillClock
from tests.sdk.host import hosting
from tests.sdk.issuer import running_issuer, unb64
from tests.sdk.test_auth import LIBRARIES, consent_to, make_auth


class Front:
    """An API that asks for its nonces, refuses what a test says, and keeps what was sent."""

    def __init__(self, clock: StillClock) -> None:
        self.base = ""
        self.clock = clock
        self.possession: Possession | None = None
        self.refusals: list[str] = []
        self.calls: list[dict[str, str]] = []

    async def serve(self, request: Request) -> Response:
        self.calls.append(dict(request.headers))
        if self.refusals:
            return JSONResponse({}, 401, {"WWW-Authenticate": f'DPoP error="{self.refusals.pop()}"'})
        if self.possession is None:
            # The server of these tests cuts the first two segments off the path, as a proxy would.
            settings = Dpop(nonce_secret=b"n" * 32, addresses=[self.base])
            self.possession = Possession(settings, resource=self.base, clock=self.clock)
        token = request.headers["authorization"].removeprefix("DPoP ")
        about = Proving(
            method=request.method,
            targets=self.possession.targets(request.url.path, request.url.path),
            token=token,
            jkt=json.loads(unb64(token.split(".")[1]))["cnf"]["jkt"],
        )
        flaw = await self.possession.check(tuple(request.headers.getlist("dpop")), about)
        if flaw is None:
            return JSONResponse({})
        told = {"WWW-Authenticate": f'DPoP error="{flaw.reason.value}"', "DPoP-Nonce": self.possession.nonce() or ""}
        return JSONResponse({"error": flaw.hint}, 401, told)

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self.serve, methods=["GET", "POST"])])


@pytest.fixture
def front(clock):
    made = Front(clock)
    with hosting("front", made.app()) as base:
        made.base = base
        yield made


@pytest.fixture
def issuer(front):
    with running_issuer(now=NOW, resource=front.base, dpop=True) as issuer:
        yield issuer


@pytest.fixture
def auth(issuer, front, clock):
    made = make_auth(issuer, front, clock)
    consent_to(made)
    return made


@pytest.mark.requirement("DPOP-7", "DPOP-11", "DPOP-15", "DPOP-19")
@pytest.mark.parametrize("call", LIBRARIES.values(), ids=LIBRARIES)
async def test_every_library_proves_its_key_and_learns_the_nonce(call, issuer, front, auth):
    answer = await call("GET", f"{front.base}/events?x=y", auth)
    assert answer.status_code == 200, answer.text
    # The first proof had no nonce; the second one, of the same token, has it, and so has every later one.
    assert len(front.calls) == 2
    assert (await call("POST", f"{front.base}/events", auth, b"lunch")).status_code == 200
    assert len(front.calls) == 3
    assert {call["authorization"].partition(" ")[0] for call in front.calls} == {"DPoP"}
    assert len({call["dpop"] for call in front.calls}) == 3
    assert issuer.hits["authorization_code"] == 1


@pytest.mark.parametrize("call", LIBRARIES.values(), ids=LIBRARIES)
async def test_a_refused_token_is_renewed_by_its_key(call, issuer, front, auth):
    await call("GET", f"{front.base}/events", auth)
    front.refusals.append("invalid_token")
    assert (await call("GET", f"{front.base}/events", auth)).status_code == 200
    assert issuer.hits["refresh_token"] == 1
    assert len({proof["jkt"] for proof in issuer.proofs}) == 1
    # What keeps being refused is not asked for again and again.
    front.refusals += ["invalid_token"] * 5
    assert (await call("GET", f"{front.base}/events", auth)).status_code == 401
    assert len(front.refusals) == 3


@pytest.mark.requirement("DPOP-9", "DPOP-11")
def test_the_token_endpoint_may_ask_for_a_nonce_and_change_it(issuer, front, clock):
    issuer.nonce = "one"
    auth = make_auth(issuer, front, clock)
    consent_to(auth)
    assert [proof.get("nonce") for proof in issuer.proofs] == [None, "one"]
    consenting = len(issuer.proofs)
    issuer.nonce = "two"
    first = auth.tokens()
    auth.tokens(unlike=first.access_token)
    assert [proof.get("nonce") for proof in issuer.proofs[consenting:]] == ["one", "two"]


def test_the_key_is_kept_beside_the_refresh_token(issuer, front, clock, tmp_path):
    store = FileStore(tmp_path / "tokens")
    auth = make_auth(issuer, front, clock, store=store)
    consent_to(auth)
    kept = json.loads((tmp_path / "tokens").read_text())
    (tokens,) = kept.values()
    assert json.loads(tokens["dpop_key"])["d"]
    again = make_auth(issuer, front, clock, store=FileStore(tmp_path / "tokens"))
    held = again.tokens()
    renewed = again.tokens(unlike=held.access_token)
    assert renewed.access_token != held.access_token
    assert len({proof["jkt"] for proof in issuer.proofs}) == 1


def test_an_agent_that_acts_for_itself_keeps_its_key(issuer, front, clock):
    auth = make_auth(issuer, front, clock, grant_type="client_credentials", client_secret="secret")
    first = auth.tokens()
    auth.tokens(unlike=first.access_token)
    assert len({proof["jkt"] for proof in issuer.proofs}) == 1
    assert len({proof["jti"] for proof in issuer.proofs}) == 2


def test_a_bound_token_is_not_handed_out_alone(auth, front):
    with pytest.raises(BoundToken):
        auth.token()
    made = auth.headers("GET", f"{front.base}/events")
    assert made["Authorization"].startswith("DPoP ")
    assert made["DPoP"].count(".") == 2
    with pytest.raises(WrongResource):
        auth.headers("GET", "https://elsewhere.example/")


def test_whoever_wants_bearer_tokens_gets_a_line_of_its_own(issuer, front, clock):
    store = MemoryStore()
    consent_to(make_auth(issuer, front, clock, store=store, dpop=False))
    plain = make_auth(issuer, front, clock, store=store, dpop=False)
    assert plain.token()
    assert issuer.proofs == []
    with pytest.raises(ConsentRequired):
        make_auth(issuer, front, clock, store=store).tokens()


def test_an_issuer_that_offers_nothing_gives_bearer_tokens(issuer, front, clock):
    issuer.dpop = False
    auth = make_auth(issuer, front, clock)
    consent_to(auth)
    assert auth.token()
    assert issuer.proofs == []


async def test_a_bearer_token_in_the_place_of_a_bound_one_is_not_believed(issuer, front, clock):
    issuer._access = lambda scope, **_: {  # what a man in the middle would answer
        "access_token": "x",
        "token_type": "Bearer",
        "expires_in": 900,
        "scope": scope,
    }
    auth = make_auth(issuer, front, clock, grant_type="client_credentials", client_secret="secret")
    with pytest.raises(Untrustworthy):
        auth.tokens()
