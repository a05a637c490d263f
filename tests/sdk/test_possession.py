"""The guard and tokens that are bound to a key (RFC 9449 §4.3, §7): whoever cannot prove it stays outside."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from contextlib import asynccontextmanager

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import RSAKey

from remit.core.oauth.dpop import normal as servers_normal
from remit_sdk import Dpop, Unavailable, guard
from remit_sdk.dpop import normal, thumbprint
from remit_sdk.jose import DpopKey, read_proof_key
from remit_sdk.possession import MemoryReplays, Possession, Request
from remit_sdk.verify import Rejected
from tests.rules.tree import ROOT
from tests.sdk.calendar import ROUTES, calendar
from tests.sdk.clock import NOW, StillClock
from tests.sdk.issuer import CREDENTIALS, RESOURCE, SigningKey, b64
from tests.sdk.issuer import thumbprint as jkt_of

VECTORS = json.loads((ROOT / "tests" / "conformance" / "vectors" / "dpop.json").read_text(encoding="utf-8"))
OURS, THEIRS = SigningKey("ours"), SigningKey("theirs")
EVENTS = f"{RESOURCE}/events"
SECRET = b"n" * 32


def jwk(key=OURS):
    return {name: key.public()[name] for name in ("kty", "crv", "x", "y")}


def ath(token):
    return b64(hashlib.sha256(token.encode()).digest())


def proof(token, key=OURS, *, header=None, signer=None, **changes):
    head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk(key), **(header or {})}
    said = {"jti": secrets.token_hex(8), "htm": "GET", "htu": EVENTS, "iat": NOW, "ath": ath(token), **changes}
    parts = [{name: value for name, value in part.items() if value is not ...} for part in (head, said)]
    return (signer or key).sign(*parts)


@pytest.fixture
def token(issuer):
    return issuer.token(cnf={"jkt": jkt_of(jwk())})


async def call(client, token, *proofs, scheme="DPoP", url="/events"):
    headers = [("Authorization", f"{scheme} {token}"), *(("DPoP", text) for text in proofs)]
    return await client.get(url, headers=headers)


@asynccontextmanager
async def guarded(issuer, clock, *, resource=RESOURCE, base_url=RESOURCE, root_path="", routes=ROUTES, **settings):
    made = guard(issuer.base, resource=resource, credentials=CREDENTIALS, clock=clock, dpop=Dpop(**settings))
    async with made.running():
        await made.ready()
        app = made.wrap(calendar(), routes=routes)
        transport = httpx2.ASGITransport(app=app, root_path=root_path)
        async with httpx2.AsyncClient(transport=transport, base_url=base_url) as client:
            yield client


@pytest.mark.requirement("DPOP-7", "DPOP-13")
@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP"])
async def test_whoever_proves_the_key_comes_in(client, token, scheme):
    answer = await call(client, token, proof(token), scheme=scheme)
    assert (answer.status_code, answer.json()["user"]) == (200, "usr_alice")
    assert (await call(client, token, proof(token, htu=EVENTS + "?a=b#c"), url="/events?x=y")).status_code == 200


BAD = {
    "no proof": (lambda token: (), "invalid_dpop_proof"),
    "two proofs": (lambda token: (proof(token), proof(token)), "invalid_dpop_proof"),
    "garbage": (lambda token: ("proof",), "invalid_dpop_proof"),
    "another key": (lambda token: (proof(token, THEIRS),), "invalid_token"),
    "our key, signed by another": (lambda token: (proof(token, signer=THEIRS),), "invalid_dpop_proof"),
    "wrong typ": (lambda token: (proof(token, header={"typ": "at+jwt"}),), "invalid_dpop_proof"),
    "typ is missing": (lambda token: (proof(token, header={"typ": ...}),), "invalid_dpop_proof"),
    "alg is missing": (lambda token: (proof(token, header={"alg": ...}),), "invalid_dpop_proof"),
    "alg is none": (lambda token: (proof(token, header={"alg": "none"}),), "invalid_dpop_proof"),
    "alg is another one": (lambda token: (proof(token, header={"alg": "RS256"}),), "invalid_dpop_proof"),
    "jwk is missing": (lambda token: (proof(token, header={"jwk": ...}),), "invalid_dpop_proof"),
    "jwk is private": (lambda token: (proof(token, header={"jwk": jwk() | {"d": "AA"}}),), "invalid_dpop_proof"),
    "something critical": (lambda token: (proof(token, header={"crit": ["x"]}),), "invalid_dpop_proof"),
    "another method": (lambda token: (proof(token, htm="POST"),), "invalid_dpop_proof"),
    "the method in lower case": (lambda token: (proof(token, htm="get"),), "invalid_dpop_proof"),
    "htm is missing": (lambda token: (proof(token, htm=...),), "invalid_dpop_proof"),
    "another address": (lambda token: (proof(token, htu=EVENTS + "/7"),), "invalid_dpop_proof"),
    "another host": (lambda token: (proof(token, htu="http://127.0.0.2:9400/events"),), "invalid_dpop_proof"),
    "htu is missing": (lambda token: (proof(token, htu=...),), "invalid_dpop_proof"),
    "iat is missing": (lambda token: (proof(token, iat=...),), "invalid_dpop_proof"),
    "an hour old": (lambda token: (proof(token, iat=NOW - 3600),), "invalid_dpop_proof"),
    "an hour ahead": (lambda token: (proof(token, iat=NOW + 3600),), "invalid_dpop_proof"),
    "jwk is for another algorithm": (
        lambda token: (proof(token, header={"jwk": jwk() | {"alg": "EdDSA"}}),),
        "invalid_dpop_proof",
    ),
    "jti is too long": (lambda token: (proof(token, jti="j" * 257),), "invalid_dpop_proof"),
    "jti is missing": (lambda token: (proof(token, jti=...),), "invalid_dpop_proof"),
    "ath is missing": (lambda token: (proof(token, ath=...),), "invalid_dpop_proof"),
    "ath of another token": (lambda token: (proof(token, ath=ath("other")),), "invalid_dpop_proof"),
}


@pytest.mark.requirement("DPOP-1", "DPOP-2", "DPOP-3", "DPOP-5", "DPOP-7", "DPOP-8", "DPOP-10", "DPOP-18", "BR-4")
async def test_a_bad_proof_is_refused_and_a_good_one_still_works(client, token):
    for name, (make, error) in BAD.items():
        answer = await call(client, token, *make(token))
        challenge = answer.headers["www-authenticate"]
        assert (answer.status_code, answer.json()["error"]) == (401, error), name
        assert challenge.startswith(f'DPoP error="{error}"'), name
        assert 'algs="ES256 EdDSA Ed25519 PS256"' in challenge, name
    good = (proof(token, iat=NOW - 10), proof(token, iat=NOW + 10), proof(token, x=1, header={"y": 2}))
    assert [(await call(client, token, text)).status_code for text in good] == [200, 200, 200]


@pytest.mark.requirement("DPOP-2")
async def test_rsa_signs_a_proof_by_pss_alone_and_with_a_key_of_a_fair_size(client, issuer):
    key = RSAKey.generate_key(2048, private=True)
    public = {name: key.as_dict(private=False)[name] for name in ("kty", "n", "e")}
    token = issuer.token(cnf={"jkt": thumbprint(public)})
    for alg, status in (("RS256", 401), ("PS256", 200)):
        shown = jws.serialize_compact(
            {"typ": "dpop+jwt", "alg": alg, "jwk": public},
            json.dumps({"jti": alg, "htm": "GET", "htu": EVENTS, "iat": NOW, "ath": ath(token)}),
            key,
            algorithms=[alg],
        )
        assert (await call(client, token, shown)).status_code == status, alg
    for bits, fits in ((2047, False), (2048, True), (8192, True), (8193, False)):
        modulus = b64(((1 << bits - 1) + 1).to_bytes((bits + 7) // 8, "big"))
        assert (read_proof_key({"kty": "RSA", "e": "AQAB", "n": modulus}, "PS256") is not None) is fits, bits


@pytest.mark.requirement("DPOP-10", "DPOP-13")
async def test_a_bound_token_is_no_bearer_token_nor_the_other_way_round(client, issuer, token):
    plain = issuer.token()
    for answer in (
        await call(client, token, scheme="Bearer"),
        await call(client, token, proof(token), scheme="Bearer"),
    ):
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
        assert ", DPoP algs=" in answer.headers["www-authenticate"]
    answer = await call(client, plain, proof(plain))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert (await call(client, plain, scheme="Bearer")).status_code == 200


@pytest.mark.parametrize(
    "binding", [{}, "x", None, {"jkt": 1}, {"jkt": "short"}, {"x5t#S256": "a" * 43}, {"jkt": jkt_of(jwk()), "x": 1}]
)
async def test_a_binding_that_is_not_understood_is_no_bearer_token(client, issuer, binding):
    odd = issuer.token(cnf=binding)
    for scheme, proofs in (("Bearer", ()), ("DPoP", (proof(odd),))):
        assert (await call(client, odd, *proofs, scheme=scheme)).status_code == 401


@pytest.mark.requirement("DPOP-6")
async def test_a_proof_is_good_once_however_it_is_spelled(client, token):
    shown = proof(token, jti="1")
    answers = await asyncio.gather(*(call(client, token, shown) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401]
    respelled = proof(token, jti="1", htu="HTTP://127.0.0.1:9400/%65vents?x#y")
    assert (await call(client, token, respelled)).json()["error"] == "invalid_dpop_proof"


@pytest.mark.requirement("DPOP-6", "DPOP-11")
async def test_a_store_that_is_full_or_away_lets_nobody_in(issuer, clock, token):
    class Away:
        async def first(self, key, until):
            raise Unavailable("the store is away")

    for replays in (Away(), MemoryReplays(clock, most=0)):
        async with guarded(issuer, clock, replays=replays) as client:
            answer = await call(client, token, proof(token))
            assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")


async def test_what_is_over_makes_room():
    clock = StillClock()
    replays = MemoryReplays(clock, most=2)
    assert await replays.first("a", clock.now() + 1)
    assert await replays.first("b", clock.now() + 100)
    assert not await replays.first("a", clock.now() + 1)
    with pytest.raises(Unavailable):
        await replays.first("c", clock.now() + 1)
    clock.advance(2)
    assert await replays.first("c", clock.now() + 1)
    assert not await replays.first("b", clock.now() + 100)


@pytest.mark.requirement("DPOP-10", "DPOP-11")
async def test_a_guard_may_ask_for_its_own_nonces(issuer, clock, token):
    async with guarded(issuer, clock, nonce_secret=SECRET) as client:
        first = await call(client, token, proof(token))
        assert (first.status_code, first.json()["error"]) == (401, "use_dpop_nonce")
        nonce = first.headers["dpop-nonce"]
        # The nonce says when the proof was made, whatever clock its maker has.
        assert (await call(client, token, proof(token, nonce=nonce, iat=NOW - 3600))).status_code == 200
        assert (await call(client, token, proof(token, nonce="made up"))).json()["error"] == "use_dpop_nonce"
        clock.advance(450)
        assert (await call(client, token, proof(token, nonce=nonce))).json()["error"] == "use_dpop_nonce"


@pytest.mark.requirement("DPOP-16", "PRM-4")
async def test_a_guard_may_want_nothing_else(issuer, clock, token):
    async with guarded(issuer, clock, required=True) as client:
        answer = await call(client, issuer.token(), scheme="Bearer")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith('DPoP error="invalid_token"')
        assert (await client.get("/events")).headers["www-authenticate"].startswith("DPoP ")
        assert (await call(client, token, proof(token))).status_code == 200
        document = (await client.get("/.well-known/oauth-protected-resource")).json()
        assert document["dpop_bound_access_tokens_required"] is True


@pytest.mark.requirement("DPOP-4")
async def test_the_address_is_the_one_that_clients_know(issuer, clock):
    issuer.resource = "https://api.example/calendar"
    token = issuer.token(cnf={"jkt": jkt_of(jwk())})
    public = "https://api.example/calendar/events"
    # A proxy cuts `/calendar` off, and asks under a host of its own.
    async with guarded(
        issuer, clock, resource=issuer.resource, base_url="http://inner:8000", addresses=[issuer.resource]
    ) as client:
        assert (await call(client, token, proof(token, htu=public))).status_code == 200
        for htu in ("http://inner:8000/events", "https://evil.example/calendar/events"):
            assert (await call(client, token, proof(token, htu=htu))).json()["error"] == "invalid_dpop_proof"
    # The server says what it cut off.
    async with guarded(
        issuer, clock, resource=issuer.resource, base_url="http://inner:8000", root_path="/calendar"
    ) as client:
        assert (await call(client, token, proof(token, htu=public), url="/calendar/events")).status_code == 200


@pytest.mark.parametrize(
    "settings",
    [{"addresses": ["ftp://a"]}, {"addresses": ["http://api.example"]}, {"nonce_secret": b"short"}],
)
def test_what_cannot_be_meant_is_refused_at_once(settings):
    with pytest.raises(ValueError):
        Possession(Dpop(**settings), resource=RESOURCE, clock=StillClock())


@pytest.mark.requirement("DPOP-2", "DPOP-7")
async def test_the_proof_of_the_standard():
    vector = VECTORS["proofs"][1]
    clock = StillClock()
    clock.advance(vector["iat"] - NOW)
    possession = Possession(Dpop(), resource="https://resource.example.org", clock=clock)
    about = Request(
        method=vector["method"],
        targets=possession.targets("/protectedresource", "/protectedresource"),
        token=vector["token"],
        jkt=VECTORS["jkt"],
    )
    assert thumbprint(VECTORS["jwk"]) == VECTORS["jkt"]
    assert await possession.check((vector["proof"],), about) is None
    assert isinstance(await possession.check((vector["proof"],), about), Rejected)


@pytest.mark.requirement("DPOP-4")
@given(
    url=st.builds(
        "{}://{}{}/{}".format,
        st.sampled_from(["https", "HTTP", "http"]),
        st.sampled_from(["a.example", "A.Example", "127.0.0.1", "[::1]"]),
        st.sampled_from(["", ":443", ":80", ":8080"]),
        st.text("ab/.%27EeFf~?#", max_size=20),
    )
)
def test_guard_and_server_spell_an_address_alike(url):
    ours, servers = normal(url), servers_normal(url)
    assert servers is None or ours == servers


def test_a_key_is_kept_and_comes_back():
    key = DpopKey.generate()
    assert DpopKey.load(key.export()).jkt == key.jkt == thumbprint(key.public)
    assert set(key.public) == {"kty", "crv", "x", "y"}
    assert "d" not in repr(key)[:40]
    for text in ("", "{}", json.dumps(key.public), json.dumps({"kty": "oct", "k": "AA"})):
        with pytest.raises(ValueError):
            DpopKey.load(text)
