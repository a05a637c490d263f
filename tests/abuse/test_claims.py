"""JOSE: signatures, sizes, claims and kinds of tokens that must not pass."""

from __future__ import annotations

import base64
import json
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from remit.core.keys import KeyUse
from remit.crypto.compact import take_apart, write_base64url
from remit.crypto.jose import PrivateKey
from tests.abuse.doors import NAMES, doors_of
from tests.abuse.forging import compact, keys_of, opened
from tests.abuse.knocking import OWN_DOORS, as_client, client_forge, no_client, nobody_opens, start
from tests.kit.flows import answer_of, assertion, get_tokens, request_for
from tests.kit.world import client_key

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.fixture
async def doors(remit):
    async with doors_of(remit, remit.acme) as opened_doors:
        yield opened_doors


def der(key, message):
    private = key.private
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    return private.sign(message, ec.ECDSA(hashes.SHA256()))


def degenerate(key, message):
    good, order = key.sign(message), ORDER.to_bytes(32, "big")
    wide = ec.generate_private_key(ec.SECP384R1()).sign(message, ec.ECDSA(hashes.SHA384()))
    return {
        "both zero": bytes(64),
        "both the order": order + order,
        "r zero": bytes(32) + good[32:],
        "s zero": good[:32] + bytes(32),
        "r the order": order + good[32:],
        "s the order": good[:32] + order,
        "all ones": b"\xff" * 64,
        "63 bytes": good[:63],
        "65 bytes": good + b"\x00",
        "65 bytes in front": b"\x00" + good,
        "96 bytes, as P-384 has": good + bytes(32),
        "P-384": wide[:64],
        "DER": der(key, message),
        "one byte": b"\x01",
        "256 bytes, as RSA has": b"\x01" * 256,
        "turned around": good[32:] + good[:32],
    }


async def test_b_jose_05_a_degenerate_signature_is_none(remit, doors):
    forge, _ = await start(remit)
    await nobody_opens(
        doors, {name: forge.signed(signature) for name, signature in degenerate(forge.real, forge.message).items()}
    )
    rsa = opened(
        remit, remit.acme, next(key for key in await keys_of(remit, remit.acme, KeyUse.ID) if key.alg == "RS256")
    )
    await nobody_opens(
        doors,
        {
            "another algorithm": compact({**forge.header, "alg": "RS256"}, forge.claims, rsa),
            "the algorithm of the kid, by another key": compact(forge.header, forge.claims, rsa),
        },
    )
    message = client_forge(remit).rpartition(".")[0]
    await no_client(
        remit,
        {
            name: f"{message}.{write_base64url(signature).decode()}"
            for name, signature in degenerate(client_key(), message.encode()).items()
        },
    )


def big(size):
    return {
        "a header": base64.urlsafe_b64encode(b'{"alg":"ES256","x":"' + b"a" * size + b'"}').decode().rstrip("=")
        + ".e30.AA",
        "claims": "e30." + "A" * size + ".AA",
        "a signature": "e30.e30." + "A" * size,
        "dots": "." * size,
        "no dots": "A" * size,
    }


@pytest.mark.parametrize("size", [17_000, 64_000, 1_000_000, 8_000_000])
async def test_b_jose_06_a_giant_is_refused_before_it_is_read(remit, doors, size):
    world = remit.acme
    bearer = {name: {"authorization": f"Bearer {text}"} for name, text in big(size).items()}
    for name, text in big(size).items():
        began = time.process_time()
        userinfo = await remit.http.get(f"{world.issuer}/oauth/userinfo", headers=bearer[name])
        guarded = await doors.guarded.get("/events", headers=bearer[name])
        inspected = await remit.http.post(
            f"{world.issuer}/oauth/introspect",
            data={"token": text},
            auth=(world.calendar.id, world.calendar_secret.reveal()),
        )
        asserted = await as_client(remit, text)
        took = time.process_time() - began
        assert (userinfo.status_code, guarded.status_code) == (401, 401), name
        assert inspected.status_code in {200, 413}
        assert inspected.status_code == 413 or inspected.json() == {"active": False}
        assert asserted.status_code in {401, 413}
        # Four doors, each in a tenth of a second at most; the requests themselves cost by their length here.
        assert took < 0.4 + size / 10_000_000, (name, took)


NUMBERS = [
    b'"9999999999"', b"1e400", b"-1e400", b"NaN", b"Infinity", b"-1", b"9223372036854775808", b"9007199254740993",
    b"true", b"null", b"[9999999999]", b"{}", b"1" * 5000, b"0", b'""',
]  # fmt: skip


def with_member(members, name, value):
    rest = {key: found for key, found in members.items() if key != name}
    return json.dumps(rest)[:-1].encode() + b',"' + name.encode() + b'":' + value + b"}"


async def test_b_jose_07_claims_of_the_wrong_type_are_no_claims(remit, doors):
    forge, _ = await start(remit)
    texts = [b"null", b'["a"]', b"{}", b"1", b"true", b'""']
    wrong = {
        **{f"exp {value[:12]!r}": with_member(forge.claims, "exp", value) for value in NUMBERS},
        **{f"iat {value!r}": with_member(forge.claims, "iat", value) for value in (b"true", b'"1"', b"null", b"1e400")},
        **{
            f"{name} {value!r}": with_member(forge.claims, name, value)
            for name in ("sub", "iss", "client_id", "jti", "grant_id", "agent_id", "tenant")
            for value in texts
        },
        **{
            f"aud {value!r}": with_member(forge.claims, "aud", value) for value in (*texts, b'[["x"]]', b'["*"]', b"[]")
        },
        **{
            f"scope {value!r}": with_member(forge.claims, "scope", value)
            for value in (b'["admin"]', b"{}", b"1", b"null")
        },
        **{
            f"{name} twice": json.dumps(forge.claims)[:-1].encode() + b',"' + name.encode() + b'":"usr_9"}'
            for name in ("sub", "aud", "exp", "scope")
        },
        "nested 5,000 deep": with_member(forge.claims, "x", b"[" * 5000 + b"]" * 5000),
        "a list": json.dumps([forge.claims]).encode(),
        "a string": b'"sub"',
        "a number": b"1",
        "nothing": b"",
        "no JSON": b"{",
        "half a surrogate": with_member(forge.claims, "x", b'"\\ud800"'),
        "not UTF-8": with_member(forge.claims, "x", b'"\xff"'),
    }
    for name in ("exp", "iat", "sub", "aud", "iss", "jti", "client_id"):
        wrong[f"no {name}"] = json.dumps({key: value for key, value in forge.claims.items() if key != name}).encode()
    await nobody_opens(doors, {name: forge.raw(claims) for name, claims in wrong.items()})


async def test_b_jose_07_nor_are_those_of_a_client(remit):
    at = int(remit.clock.now().timestamp())
    good = {
        "iss": remit.acme.keyed.id,
        "sub": remit.acme.keyed.id,
        "aud": remit.acme.issuer,
        "jti": "j1",
        "exp": at + 60,
    }
    header = {"alg": "ES256", "kid": "k1"}
    wrong = [
        *(with_member(good, "exp", value) for value in NUMBERS),
        *(with_member(good, "sub", value) for value in (b"null", b'["a"]')),
        *(with_member(good, "aud", value) for value in (b"{}", b'[["x"]]', b"null")),
        *(with_member(good, "jti", value) for value in (b"null", b"1", b'""')),
        json.dumps(good)[:-1].encode() + b',"sub":"x"}',
        json.dumps([good]).encode(),
        with_member(good, "x", b"[" * 5000 + b"]" * 5000),
    ]
    await no_client(remit, {repr(claims[-60:]): compact(header, claims, client_key()) for claims in wrong})


TYPES = {
    "an id token": "JWT",
    "no type": ...,
    "an empty type": "",
    "a logout token": "logout+jwt",
    "a client assertion": "client-authentication+jwt",
    "a DPoP proof": "dpop+jwt",
    "a request object": "oauth-authz-req+jwt",
    "an authorization response": "oauth-authz-resp+jwt",
    "an introspection response": "token-introspection+jwt",
    "a security event": "secevent+jwt",
    "an entity statement": "entity-statement+jwt",
    "ours and more": "at+jwt2",
    "a number": 1,
    "a list": ["at+jwt"],
}


async def test_b_jose_08_a_token_of_another_kind_is_no_access_token(remit, doors):
    forge, tokens = await start(remit)
    world = remit.acme
    (audit,) = [key for key in await keys_of(remit, world, KeyUse.AUDIT) if key.state == "active"]
    notes = opened(remit, world, audit)
    id_keys = {key.alg: key for key in await keys_of(remit, world, KeyUse.ID) if key.state == "active"}
    header, claims = forge.header, forge.claims
    await nobody_opens(
        doors,
        {
            "the id token": tokens["id_token"],
            "a client assertion": assertion(remit, world, world.keyed),
            **{f"signed like an access token: {name}": forge.write(header={"typ": typ}) for name, typ in TYPES.items()},
            "by the key of the audit log": compact({**header, "alg": "Ed25519", "kid": audit.kid}, claims, notes),
            "by the key of the audit log, as EdDSA": compact(
                {**header, "alg": "EdDSA", "kid": audit.kid}, claims, notes
            ),
            **{
                f"by the key of id tokens, {alg}": compact(
                    {**header, "alg": alg, "kid": key.kid}, claims, opened(remit, world, key)
                )
                for alg, key in id_keys.items()
            },
            **{f"without {name}": forge.write(claims={name: ...}) for name in ("client_id", "jti", "scope")},
        },
    )


async def test_b_jose_08_and_an_access_token_is_nothing_else(remit):
    forge, tokens = await start(remit)
    await no_client(
        remit,
        {
            "an access token": forge.token,
            "an id token": tokens["id_token"],
            **{
                f"signed by the client, as {typ}": (lambda r, typ=typ: client_forge(r, header={"typ": typ}))
                for typ in ("at+jwt", "application/at+jwt", "dpop+jwt", "logout+jwt", "oauth-authz-req+jwt", 1, None)
            },
        },
    )


async def hinted(remit, text):
    """What the authorization endpoint makes of a hint, where nobody is signed in and nobody may be asked."""
    asked = request_for(remit.acme.web, id_token_hint=text, prompt="none")
    answer = answer_of(await remit.http.get(f"{remit.acme.issuer}/oauth/authorize", params=asked))
    return answer.fields["error"]


async def test_b_jose_08_nor_is_it_or_anything_unsigned_a_hint(remit):
    forge, tokens = await start(remit)
    world = remit.acme
    good = take_apart(tokens["id_token"])
    assert good is not None
    header, claims, mine = dict(good.header), good.claims(), PrivateKey.generate("ES256")
    theirs = await get_tokens(remit, remit.globex, remit.globex.web, scope="openid read:calendar")
    assert await hinted(remit, tokens["id_token"]) == "login_required"
    head = tokens["id_token"].rpartition(".")[0]
    forgeries = {
        "an access token": forge.token,
        "a client assertion": assertion(remit, world, world.keyed),
        "no signature": head + ".",
        "two segments": head,
        **{f"unsigned: {alg}": compact({**header, "alg": alg}, claims, b"") for alg in ("none", "None", "")},
        **{f"unsigned but signed: {alg}": compact({**header, "alg": alg}, claims, mine) for alg in ("none", "HS256")},
        "another key": compact({**header, "alg": "ES256"}, claims, mine),
        "a key of its own": compact({**header, "alg": "ES256", "jwk": mine.jwk()}, claims, mine),
        "the key of access tokens": compact({"alg": "ES256", "kid": forge.header["kid"]}, claims, forge.real),
        "another tenant": theirs["id_token"],
    }
    assert {name: await hinted(remit, text) for name, text in forgeries.items()} == dict.fromkeys(
        forgeries, "invalid_request"
    )
    asked = request_for(world.web, request=forge.token)
    answer = answer_of(await remit.http.get(f"{world.issuer}/oauth/authorize", params=asked))
    assert answer.fields["error"] == "request_not_supported"


def test_every_door_is_knocked_at():
    assert set(NAMES) == OWN_DOORS | {"api"}
