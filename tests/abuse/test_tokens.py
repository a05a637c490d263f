"""JOSE: tokens that somebody wrote, at every door that takes one; also signed with the issuer's real key."""

from __future__ import annotations

import pytest

from remit.crypto.jose import PrivateKey
from tests.abuse.doors import doors_of
from tests.abuse.forging import compact, keys_of, opened
from tests.abuse.knocking import OWN_DOORS, client_forge, no_client, nobody_opens, start
from tests.kit.listener import listening


@pytest.fixture
async def doors(remit):
    async with doors_of(remit, remit.acme) as opened_doors:
        yield opened_doors


async def test_the_forger_starts_from_what_opens(remit, doors):
    forge, _ = await start(remit)
    assert await doors.which_open(forge.token) == OWN_DOORS
    # What he writes with the real key opens too, where nothing is wrong: so every refusal below has its reason.
    assert await doors.which_open(forge.write(claims={"x": 1})) == OWN_DOORS


ALGS = ("none", "None", "nOnE", "NONE", "", " none", "HS256", "hs256", "ES512", "RS256", "EdDSA")


async def test_b_jose_01_an_unsigned_token_is_none(remit, doors):
    forge, _ = await start(remit)
    for alg in ALGS:
        bare = forge.unsigned(alg)
        await nobody_opens(
            doors,
            {
                f"{alg}: two segments": bare,
                f"{alg}: a dot behind": bare + ".",
                f"{alg}: two dots behind": bare + "..",
                f"{alg}: the signature left on": forge.write(header={"alg": alg}),
                f"{alg}: the good signature": bare + "." + forge.token.rpartition(".")[2],
            },
        )
    await nobody_opens(
        doors,
        {
            "no alg": forge.write(header={"alg": ...}),
            "good, cut to two segments": forge.token.rpartition(".")[0],
            "good, with an empty signature": forge.token.rpartition(".")[0] + ".",
            "good, with a fourth segment": forge.token + ".x",
        },
    )


async def test_b_jose_01_nor_is_an_unsigned_assertion(remit):
    def bare(alg):
        return lambda r: client_forge(r, header={"alg": alg}, key=b"")

    def kept(alg):
        return lambda r: client_forge(r, header={"alg": alg})

    await no_client(
        remit,
        {f"{alg} {kind}": made(alg) for alg in ALGS for kind, made in (("bare", bare), ("signed", kept))}
        | {"two segments": lambda r: client_forge(r).rpartition(".")[0]},
    )


async def test_b_jose_02_no_key_is_taken_out_of_a_token(remit, doors):
    forge, _ = await start(remit)
    jwk = forge.own.jwk()
    async with listening() as evil:
        where = evil.url("/jwks"), evil.url("/jwks", "https"), f"http://localhost:{evil.port}/jwks"
        forgeries = {
            "nothing but another key": forge.mine(),
            "a key": forge.mine(jwk=jwk),
            "a key and its own kid": forge.mine(jwk=jwk, kid="mine"),
            "a certificate": forge.mine(x5c=["MIIB"]),
            "a thumbprint": forge.mine(x5t="x", **{"x5t#S256": "x"}),
            **{f"{name} {url}": forge.mine(**{name: url}) for url in where for name in ("jku", "x5u", "kid")},
            # With the real signature: even then a key in the token is refused, not ignored.
            "a key, really signed": forge.write(header={"jwk": jwk}),
            "an address, really signed": forge.write(header={"jku": where[0]}),
        }
        await nobody_opens(doors, forgeries)
        mine = PrivateKey.generate("ES256")
        await no_client(
            remit,
            {
                "a key": lambda r: client_forge(r, header={"jwk": mine.jwk()}, key=mine),
                "an address": lambda r: client_forge(r, header={"jku": where[0]}, key=mine),
                "a certificate's address": lambda r: client_forge(r, header={"x5u": where[0]}, key=mine),
                "an address for a kid": lambda r: client_forge(r, header={"kid": where[0]}, key=mine),
            },
        )
    assert evil.knocks == 0


CRITICAL = {
    "an unknown one": {"crit": ["x"], "x": 1},
    "none of them": {"crit": []},
    "a string": {"crit": "exp"},
    "exp": {"crit": ["exp"], "exp": 1},
    "an unencoded payload": {"b64": False, "crit": ["b64"]},
    "unencoded without saying so": {"b64": False},
    "encoded, and said": {"b64": True, "crit": ["b64"]},
    "null": {"crit": None},
    "compressed": {"zip": "DEF", "crit": ["zip"]},
}


async def test_b_jose_03_what_must_be_understood_is_not(remit, doors):
    forge, _ = await start(remit)
    await nobody_opens(doors, {name: forge.write(header=more) for name, more in CRITICAL.items()})
    await no_client(
        remit, {name: (lambda r, more=more: client_forge(r, header=more)) for name, more in CRITICAL.items()}
    )


async def test_b_jose_04_a_kid_is_a_name_and_nothing_else(remit, doors):
    forge, _ = await start(remit)
    (theirs,) = [key for key in await keys_of(remit, remit.globex) if key.state == "active"]
    other = opened(remit, remit.globex, theirs)
    kids = ["../../../dev/null", "/dev/null", "' OR 1=1--", "\u0000", "k" * 10_000, {"a": 1}, ["a"], 12, None, True, ""]
    await nobody_opens(
        doors,
        {
            **{f"{str(kid)[:20]!r}": forge.write(header={"kid": kid}) for kid in kids},
            "no kid": forge.write(header={"kid": ...}),
            "the kid of another tenant": forge.write(header={"kid": theirs.kid}),
            "the key of another tenant": compact({**forge.header, "kid": theirs.kid}, forge.claims, other),
            "the key of another tenant under our kid": compact(forge.header, forge.claims, other),
        },
    )
    await no_client(
        remit,
        {f"{str(kid)[:20]!r}": (lambda r, kid=kid: client_forge(r, header={"kid": kid})) for kid in kids if kid},
    )


async def test_b_jose_04_a_retired_key_opens_nothing(remit):
    forge, _ = await start(remit)
    (active,) = [key for key in await keys_of(remit, remit.acme) if key.state == "active"]
    remit.sql("update signing_key set state = 'gone' where kid = :kid", kid=active.kid)
    (spare,) = [key for key in await keys_of(remit, remit.acme) if key.state == "next"]
    remit.sql("update signing_key set state = 'active' where kid = :kid", kid=spare.kid)
    async with doors_of(remit, remit.acme) as doors:
        await nobody_opens(doors, {"signed by a key that is gone": forge.token})
