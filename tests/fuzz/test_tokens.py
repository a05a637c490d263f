"""Access tokens at a guard, userinfo and introspection, held against PyJWT and the rules of RFC 9068, restated."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import strategies as st

from remit.core.keys import KeyState, KeyUse
from remit_sdk.credentials import read_credentials
from remit_sdk.jwks import read_keys
from remit_sdk.verify import AccessToken, Rejected, judge, read
from tests.fuzz.bending import bent, seeds
from tests.fuzz.making import Good, forged
from tests.fuzz.opened import Opened
from tests.kit.clock import NOW
from tests.kit.effort import EFFORTS, watched
from tests.kit.flows import act_for_itself, get_tokens

AT = NOW.timestamp()
LEEWAY = 10
LONGEST = 1_800
IDS = ("sub", "client_id", "jti", "tenant", "agent_id", "grant_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Three readers of the same tokens."""

    opened: Opened
    good: Good
    keys: dict[str, Any]
    issuer: str
    audience: str

    def guard(self, authorization: bytes) -> bool:
        with watched():
            presented = read_credentials([(b"authorization", authorization)], b"")
            if not isinstance(presented, str):
                return False
            taken = read(presented)
            if isinstance(taken, Rejected):
                return False
            key = self.keys.get(taken.kid)
            verdict = judge(taken, key=key, issuer=self.issuer, audience=self.audience, now=AT, leeway=LEEWAY)
        return isinstance(verdict, AccessToken)

    def userinfo(self, authorization: bytes) -> bool:
        answer = self.opened.send("GET", "/oauth/userinfo", headers=[(b"authorization", authorization)])
        assert answer.status_code in {200, 400, 401}
        return answer.status_code == 200

    def introspection(self, token: bytes) -> bool:
        world = self.opened.remit.acme
        auth = world.calendar.id, world.calendar_secret.reveal()
        answer = self.opened.send("POST", "/oauth/introspect", data={"token": token.decode("latin-1")}, auth=auth)
        # Whoever asks about nothing but dead tokens is told to wait, once it is known that they are dead.
        assert answer.status_code in {200, 400, 429}
        return answer.status_code == 200 and answer.json()["active"]

    def answers(self, token: bytes) -> dict[str, bool]:
        header = b"Bearer " + token
        return {
            "guard": self.guard(header),
            "userinfo": self.userinfo(header),
            "introspection": self.introspection(token),
        }

    def oracle(self, token: bytes) -> bool:
        """Say whether this may pass anywhere, by another library and by the documents."""
        try:
            head = jwt.get_unverified_header(token)
            claims = jwt.decode(
                token,
                self.good.public,
                algorithms=["ES256"],
                audience=self.audience,
                issuer=self.issuer,
                options={
                    "require": ["exp", "iat", "aud", "iss", "sub", "jti"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                    "verify_sub": False,
                    "verify_jti": False,
                },
            )
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            return False
        return (
            str(head.get("typ")).lower() in {"at+jwt", "application/at+jwt"}
            and head.get("kid") == self.good.header["kid"]
            and not {"crit", "b64", "jwk", "jku", "x5u", "x5c"} & head.keys()
            and claims["aud"] == self.audience
            and all(isinstance(claims.get(name), str) and claims[name] for name in IDS)
            and _number(claims["exp"])
            and _number(claims["iat"])
            and claims["iat"] - LEEWAY <= AT < claims["exp"]
        )


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@pytest.fixture(scope="module")
def doors(opened):
    remit, world = opened.remit, opened.remit.acme

    async def prepare():
        first = await get_tokens(remit, world, world.web, scope="openid read:calendar write:calendar")
        alone = (await act_for_itself(remit, world, world.web)).json()["access_token"]
        foreign = (await get_tokens(remit, remit.globex, remit.globex.web, scope="openid read:calendar"))[
            "access_token"
        ]
        async with remit.deps.db.read(world.tenant.id) as work:
            keys = await work.keys.all()
        active = next(key for key in keys if key.use is KeyUse.ACCESS and key.state is KeyState.ACTIVE)
        private = remit.deps.keyring._open(world.tenant, active).private
        jwks = (await remit.http.get(f"{world.issuer}/oauth/jwks")).json()
        return first, alone, foreign, private, jwks

    first, alone, foreign, private, jwks = opened.run(prepare())
    assert isinstance(private.private, ec.EllipticCurvePrivateKey)
    good = Good(
        token=first["access_token"].encode(),
        sign=private.sign,
        public=private.private.public_key(),
        others=tuple(text.encode() for text in (alone, foreign, first["id_token"])),
    )
    return Doors(opened=opened, good=good, keys=read_keys(jwks), issuer=world.issuer, audience=world.calendar.uri)


def test_the_good_token_opens_every_door(doors):
    # Without this every refusal below could be a door that never opens.
    assert doors.answers(doors.good.token) == {"guard": True, "userinfo": True, "introspection": True}
    assert doors.oracle(doors.good.token)


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
def test_no_forgery_opens_a_door(doors, effort):
    @effort.run(150, 30_000, forged(doors.good))
    def law(token):
        # Spaces around a token belong to the header (RFC 9110 §5.5, RFC 6750 §2.1).
        allowed = doors.oracle(token.strip(b" \t"))
        opened = {name for name, answer in doors.answers(token).items() if answer}
        assert allowed or not opened


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
def test_a_guard_takes_no_forgery(doors, effort):
    @effort.run(500, 20_000, forged(doors.good))
    def law(token):
        assert not doors.guard(b"Bearer " + token) or doors.oracle(token.strip(b" \t"))


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
def test_every_proper_token_opens_every_door(doors, effort):
    texts = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)

    @effort.run(
        80,
        10_000,
        st.fixed_dictionaries(
            {
                "iat": st.integers(int(AT) - 800, int(AT) + LEEWAY),
                "exp": st.integers(int(AT) + LEEWAY + 1, int(AT) + 1_000),
            },
            optional={"jti": texts, "purpose": texts, "extra": st.one_of(texts, st.lists(st.integers(), max_size=3))}
            | {
                "scope": st.sampled_from(["openid read:calendar", "write:calendar openid"]),
                "auth_time": st.integers(0, 2**40),
            },
        ),
    )
    def law(changes):
        token = doors.good.varied(**changes)
        assert doors.oracle(token)
        assert doors.answers(token) == {"guard": True, "userinfo": True, "introspection": True}


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
def test_a_header_with_a_good_token_counts_only_when_it_can_be_read_in_one_way(doors, effort):
    token = re.escape(doors.good.token)
    proper = re.compile(rb"bearer +(?-i:" + token + rb")[ \t]*", re.IGNORECASE)
    forms = """Bearer %s|bearer %s|BEARER  %s|Bearer\t%s|Bearer\xa0%s|Bearer %s\xa0|Bearer \x85%s|Bearer %s,
    |Bearer %s %s|Basic %s|%s|Bearer "%s"|Bearer %s\x0b| Bearer %s |Bearer token=%s""".split("|")
    written = st.sampled_from([form.encode("latin-1").replace(b"%s", doors.good.token) for form in forms])

    @effort.run(200, 40_000, st.one_of(written, bent(st.just(b"Bearer " + doors.good.token))))
    def law(header):
        header = header.translate(None, b"\r\n\0")
        allowed = proper.fullmatch(header.strip(b" \t")) is not None or doors.oracle(
            header.strip(b" \t").split(b" ")[-1]
        )
        assert allowed or not doors.guard(header)
        assert allowed or not doors.userinfo(header)
        if proper.fullmatch(header):
            assert doors.guard(header)
            assert doors.userinfo(header)


@pytest.mark.parametrize("raw", seeds("tokens").values(), ids=seeds("tokens"))
def test_a_kept_text_opens_no_door(doors, raw):
    token = raw.replace(b"GOOD", doors.good.token)
    assert not any(doors.answers(token).values())
