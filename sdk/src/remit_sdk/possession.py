"""The guard's half of DPoP (RFC 9449 §4.3, §7): is this proof for this request, this token and its key, and new?"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from remit_sdk.clock import Clock
from remit_sdk.dpop import DPOP_ALGS, TYPE, digest, normal, thumbprint
from remit_sdk.errors import Unavailable
from remit_sdk.jose import read_proof_key
from remit_sdk.strict import read_base64url, read_date, read_object, web_origin, write_base64url
from remit_sdk.verify import Reason, Rejected

# Seconds that the clock of whoever made a proof may be from ours, either way.
WINDOW: Final = 60.0
# Seconds after which there is a new nonce; the one before it stays good.
NONCE_STEP: Final = 150
# So much longer than it is good a proof is remembered: processes that share a store may be apart.
SKEW: Final = 10.0
MOST_REMEMBERED: Final = 100_000
LONGEST_PROOF: Final = 8_192
LONGEST_JTI: Final = 256
SHORTEST_SECRET: Final = 32


class ReplayStore(Protocol):
    """Where used proofs are remembered. Give one that all processes of an API share, if it has several."""

    async def first(self, key: str, until: float) -> bool:
        """Say whether nobody has used the key before, and keep it until that time (seconds since 1970).

        Raises:
            Unavailable: it cannot be known now; the call is answered 503.
        """
        ...


class MemoryReplays:
    """Used proofs of one process: bounded, and closed when it is full."""

    def __init__(self, clock: Clock, *, most: int = MOST_REMEMBERED) -> None:
        self._clock = clock
        self._most = most
        self._used: dict[str, float] = {}

    async def first(self, key: str, until: float) -> bool:
        now = self._clock.now()
        if self._used.get(key, now) > now:
            return False
        if len(self._used) >= self._most:
            self._used = {known: end for known, end in self._used.items() if end > now}
            if len(self._used) >= self._most:
                # To forget one that is still good would let it in again.
                msg = "too many proofs within two minutes to remember them all"
                raise Unavailable(msg)
        self._used[key] = until
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Dpop:
    """How a guard takes proofs of possession. As it stands it takes them from whoever sends them.

    Args:
        required: refuse tokens that are not bound to a key.
        addresses: other base URLs under which clients reach this API, for example behind a proxy that cuts a part off
            the path; what clients sign is `address + path`. The origin of `resource` is always one.
        replays: where used proofs are remembered; this process alone when absent.
        nonce_secret: at least 32 random bytes, the same in every process: then each proof must hold a nonce of this
            API's, and cannot be made ahead.
    """

    required: bool = False
    addresses: Iterable[str] = ()
    replays: ReplayStore | None = None
    nonce_secret: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a proof must be about."""

    method: str
    targets: frozenset[str]
    token: str
    jkt: str


class Possession:
    """Checks proofs for one protected resource."""

    def __init__(self, settings: Dpop, *, resource: str, clock: Clock) -> None:
        for address in settings.addresses:
            if web_origin(address) is None or "?" in address:
                msg = f"`{address}` is no https URL (http on loopback) without query"
                raise ValueError(msg)
        if settings.nonce_secret is not None and len(settings.nonce_secret) < SHORTEST_SECRET:
            msg = f"nonce_secret needs {SHORTEST_SECRET} random bytes at least"
            raise ValueError(msg)
        self.required = settings.required
        self._origin = web_origin(resource) or resource
        self._addresses = tuple(address.rstrip("/") for address in settings.addresses)
        self._replays = settings.replays or MemoryReplays(clock)
        self._secret = settings.nonce_secret
        self._resource = resource
        self._clock = clock

    def targets(self, whole: str, below: str) -> frozenset[str]:
        """Return the addresses that a request may be known by; `whole` is its path, `below` that in the application."""
        known = (self._origin + whole, *(address + below for address in self._addresses))
        return frozenset(target for url in known if (target := normal(url)) is not None)

    def nonce(self) -> str | None:
        """Return the nonce for the next proof, where nonces are asked for."""
        return next(iter(self._nonces()), None)

    async def check(self, proofs: tuple[str, ...], request: Request) -> Rejected | None:
        """Say what is wrong with the proof of a request; None when its sender holds the key.

        Raises:
            Unavailable: nobody can say now whether the proof is new.
        """
        if len(proofs) != 1:
            return _bad("send the DPoP header exactly once")
        claims = _read(proofs[0], request.jkt)
        if isinstance(claims, Rejected):
            return claims
        jti, method, target = claims.get("jti"), claims.get("htm"), claims.get("htu")
        issued_at, now = read_date(claims.get("iat")), self._clock.now()
        if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI or issued_at is None:
            return _bad("the proof needs jti and iat")
        if method != request.method:
            return _bad("htm is not the method of this request")
        spelled = normal(target) if isinstance(target, str) else None
        if spelled is None or spelled not in request.targets:
            return _bad("htu is not the address of this request")
        if claims.get("ath") != digest(request.token):
            return _bad("ath is not the hash of this token")
        end = issued_at + WINDOW
        if self._secret is not None:
            nonce = claims.get("nonce")
            good = self._nonces().get(nonce) if isinstance(nonce, str) else None
            if good is None:
                return Rejected(reason=Reason.USE_NONCE, hint="make the proof again, with the nonce of this answer")
            # RFC 9449 §11.1: the nonce tells when the proof was made, whatever clock its maker has.
            end = good
        elif not now - WINDOW <= issued_at <= now + WINDOW:
            return _bad("iat is not of now")
        if not await self._replays.first(digest(f"{request.jkt}\n{method}\n{spelled}\n{jti}"), end + SKEW):
            return _bad("the proof was used before")
        return None

    def _nonces(self) -> Mapping[str, float]:
        """Return the nonces that are good now, each with its end, the newest first."""
        if self._secret is None:
            return {}
        step = int(self._clock.now()) // NONCE_STEP
        # One behind, so that there is time to use it; one ahead, for a process whose clock is a little behind.
        return {self._nonce(at): float((at + 2) * NONCE_STEP) for at in (step, step - 1, step + 1)}

    def _nonce(self, step: int) -> str:
        said = f"remit guard nonce\n{self._resource}\n{step}".encode()
        return write_base64url(hmac.digest(self._secret or b"", said, hashlib.sha256))


def _read(proof: str, jkt: str) -> dict[str, object] | Rejected:
    """Take a proof apart and check that the key with this thumbprint signed it."""
    parts = proof.split(".")
    if len(proof) > LONGEST_PROOF or len(parts) != 3:
        return _bad("the proof is no signed JWT")
    raw = [read_base64url(part) for part in parts]
    header, claims = read_object(raw[0] or b""), read_object(raw[1] or b"")
    if header is None or claims is None or not raw[2]:
        return _bad("the proof is no signed JWT")
    typ, alg, jwk = header.get("typ"), header.get("alg"), header.get("jwk")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") != TYPE:
        return _bad("typ is not dpop+jwt")
    if not isinstance(alg, str) or alg not in DPOP_ALGS:
        return _bad(f"alg is not one of {' '.join(DPOP_ALGS)}")
    if "crit" in header or "b64" in header:
        return _bad("critical header members are not understood")
    named = thumbprint(jwk) if isinstance(jwk, dict) else None
    # Before the key is read: no work is done for one that the token is not bound to.
    if named is not None and named != jkt:
        return Rejected(reason=Reason.INVALID_TOKEN, hint="the token is bound to another key")
    key = read_proof_key(jwk, alg) if named is not None else None
    if key is None:
        return _bad("jwk is no public key for alg")
    if not key.verifies(f"{parts[0]}.{parts[1]}".encode("ascii"), raw[2]):
        return _bad("the signature is not by the key in jwk")
    return claims


def _bad(hint: str) -> Rejected:
    return Rejected(reason=Reason.INVALID_PROOF, hint=hint)
