"""Guard an API: who is calling, may it do this, and is it still allowed to (RFC 6750, RFC 9068)."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

import httpx2

from remit_sdk.caller import Caller, caller_of
from remit_sdk.challenge import Answer, Refusal, render
from remit_sdk.clock import Clock
from remit_sdk.credentials import Bound, Malformed
from remit_sdk.decisions import make_decision
from remit_sdk.errors import Unavailable
from remit_sdk.hierarchy import Hierarchy
from remit_sdk.issuers import IssuerLink, TrustedIssuers
from remit_sdk.possession import Dpop, Possession, Request
from remit_sdk.protected_resource import ProtectedResource
from remit_sdk.step_up import StepUp
from remit_sdk.verify import (
    MAX_TOKEN_BYTES,
    AccessToken,
    Reason,
    Rejected,
    current_or_rejected,
    judge,
    read,
)

MAX_VERIFIED: Final = 10_000
LARGEST_LEEWAY: Final = 60.0
MAX_PURPOSE: Final = 200
MAX_PATH: Final = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What the guard needs to know of a request; `credentials` as they were presented."""

    method: str
    path: str
    credentials: str | Bound | Malformed | None
    whole: str = ""
    """The path as it was sent; `path` when absent."""
    below: str = ""
    """The same without what the application is mounted under."""
    purpose: str | None = None
    peer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """A call that may go on."""

    caller: Caller
    token: AccessToken


class Gate:
    """Checks every call of one protected resource; `Guard` adds how frameworks reach it."""

    def __init__(
        self,
        *,
        resource: ProtectedResource,
        resource_id: str | None,
        issuers: TrustedIssuers,
        leeway: float,
        clock: Clock,
        transport: httpx2.AsyncBaseTransport | None,
        hierarchy: Hierarchy,
        dpop: Dpop,
    ) -> None:
        if not 0 <= leeway <= LARGEST_LEEWAY:
            msg = f"leeway is 0 to {LARGEST_LEEWAY:.0f} seconds"
            raise ValueError(msg)
        self.resource = resource
        self._names = frozenset({resource.resource, *([resource_id] if resource_id else [])})
        self._issuers = issuers
        self._leeway = leeway
        self._clock = clock
        self._transport = transport
        self._hierarchy = hierarchy
        self._possession = Possession(dpop, resource=resource.resource, clock=clock)
        self._client: httpx2.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._links: dict[str, IssuerLink] = {}
        # digest -> the verified token and the steady time at which it dies whatever the wall says
        self._verified: OrderedDict[bytes, tuple[AccessToken, float]] = OrderedDict()

    async def check(self, call: Call, needed: frozenset[str] | None, step_up: StepUp | None = None) -> Permit | Refusal:
        """Judge a call; `needed` is None for an operation that nobody listed."""
        presented = call.credentials
        if isinstance(presented, Malformed):
            return Refusal(reason=Reason.INVALID_REQUEST, hint=presented.hint)
        if presented is None:
            if needed is None:
                return Refusal(reason=Reason.UNKNOWN_ROUTE, hint="this operation is not listed")
            return self._refusal(Rejected(reason=Reason.NO_CREDENTIALS, hint="send an access token"), None, needed)
        text = presented.token if isinstance(presented, Bound) else presented
        try:
            judged = await self._judge(text)
            if not isinstance(judged, Rejected) and (flaw := await self._unproven(call, presented, judged[0])):
                judged = flaw
        except Unavailable:
            return Refusal(reason=Reason.UNAVAILABLE, hint="the issuer cannot be asked right now")
        if isinstance(judged, Rejected):
            return self._refusal(judged, presented, needed)
        token, scopes = judged[0], self._hierarchy.widen(judged[1])
        if needed is None:
            return Refusal(reason=Reason.UNKNOWN_ROUTE, hint="this operation is not listed", token=token)
        if not needed <= scopes:
            return Refusal(
                reason=Reason.INSUFFICIENT_SCOPE,
                hint="the token lacks a scope that this operation needs",
                needed=needed,
                token=token,
                dpop=isinstance(presented, Bound),
            )
        if step_up is not None and not step_up.met(token.claims, now=self._clock.now(), leeway=self._leeway):
            return Refusal(
                reason=Reason.INSUFFICIENT_AUTHENTICATION,
                hint="the user has to sign in again, as acr_values and max_age say",
                needed=needed,
                token=token,
                step_up=step_up,
                dpop=isinstance(presented, Bound),
            )
        return Permit(caller=caller_of(token, scopes=scopes, presented=text), token=token)

    def _refusal(self, flaw: Rejected, presented: str | Bound | None, needed: frozenset[str] | None) -> Refusal:
        by_dpop = isinstance(presented, Bound)
        return Refusal(
            reason=flaw.reason,
            hint=flaw.hint,
            needed=needed or frozenset(),
            token=flaw.token,
            dpop=by_dpop or self._possession.required,
            nonce=self._possession.nonce() if by_dpop else None,
        )

    async def _unproven(self, call: Call, presented: str | Bound, token: AccessToken) -> Rejected | None:
        """Say why the sender has not shown that the token is his (RFC 9449 §7); None when he has, or need not."""
        if token.jkt is None:
            if isinstance(presented, Bound):
                return Rejected(reason=Reason.INVALID_TOKEN, hint="the token is bound to no key", token=token)
            if self._possession.required:
                hint = "this API takes only tokens that are bound to a key (DPoP)"
                return Rejected(reason=Reason.INVALID_TOKEN, hint=hint, token=token)
            return None
        if not isinstance(presented, Bound):
            # It has perhaps been stolen.
            hint = "the token is bound to a key: send it as DPoP, with a proof"
            return Rejected(reason=Reason.INVALID_TOKEN, hint=hint, token=token)
        whole, below = call.whole or call.path, call.below or call.path
        about = Request(
            method=call.method,
            targets=self._possession.targets(whole, below),
            token=presented.token,
            jkt=token.jkt,
        )
        flaw = await self._possession.check(presented.proofs, about)
        return None if flaw is None else replace(flaw, token=token)

    async def _judge(self, presented: str) -> tuple[AccessToken, frozenset[str]] | Rejected:
        """Verify the token, then its life: stops that are known, and the proof that all are."""
        if len(presented) > MAX_TOKEN_BYTES:
            # Before any hashing or decoding (B-JOSE-06).
            return Rejected(reason=Reason.INVALID_TOKEN, hint="the token is too large")
        digest = hashlib.sha256(presented.encode("ascii")).digest()
        token = self._remembered(digest) or await self._verify(presented, digest)
        if isinstance(token, Rejected):
            return token
        link = self._link(token.issuer)
        if link is None:
            return Rejected(reason=Reason.INVALID_TOKEN, hint="the issuer is not trusted here")
        if (kind := link.epochs.stopped(token, resources=self._names)) is not None:
            return Rejected(reason=Reason.STOPPED, hint=f"stopped by {kind}", token=token)
        if not token.details_types <= self.resource.details_types:
            # Limits that nobody keeps here would make the token say more than was approved.
            hint = "the token has authorization_details that this API does not keep to"
            return Rejected(reason=Reason.INVALID_TOKEN, hint=hint, token=token)
        if link.feed.live():
            return token, token.scopes
        scopes = await link.introspector.scopes(presented, token, digest)
        # A stop may have come while we asked.
        if scopes is None or link.epochs.stopped(token, resources=self._names) is not None:
            return Rejected(reason=Reason.STOPPED, hint="the token is no longer active", token=token)
        return token, scopes

    def _remembered(self, digest: bytes) -> AccessToken | Rejected | None:
        known = self._verified.get(digest)
        if known is None:
            return None
        token, dies_at = known
        if self._clock.monotonic() >= dies_at:
            del self._verified[digest]
            # Also when the wall clock was put back meanwhile (B-TIME-01).
            return Rejected(reason=Reason.EXPIRED, hint="the token has expired", token=token)
        self._verified.move_to_end(digest)
        return current_or_rejected(token, audience=self.resource.resource, now=self._clock.now())

    async def _verify(self, presented: str, digest: bytes) -> AccessToken | Rejected:
        unverified = read(presented)
        if isinstance(unverified, Rejected):
            return unverified
        link = self._link(unverified.issuer)
        if link is None:
            return Rejected(reason=Reason.INVALID_TOKEN, hint="the issuer is not trusted here")
        key = await link.keys.find(unverified.kid)
        now = self._clock.now()
        token = judge(
            unverified,
            key=key,
            issuer=link.issuer,
            audience=self.resource.resource,
            now=now,
            leeway=self._leeway,
        )
        if isinstance(token, AccessToken):
            dies_at = self._clock.monotonic() + (token.expires_at - now)
            self._verified[digest] = (token, dies_at)
            while len(self._verified) > MAX_VERIFIED:
                self._verified.popitem(last=False)
        return token

    def _link(self, issuer: str) -> IssuerLink | None:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            # Tasks and connections belong to one event loop; a new one starts from nothing.
            self._loop, self._client, self._links = loop, None, {}
        link = self._links.get(issuer)
        if link is None:
            pair = self._issuers.pair(issuer)
            if pair is None:
                return None
            if self._client is None:
                self._client = httpx2.AsyncClient(transport=self._transport)
            link = IssuerLink(issuer, pair, self._client, self._clock)
            link.start()
            self._links[issuer] = link
        return link

    def start(self) -> None:
        """Follow the listed issuers from now on, instead of from the first call."""
        for issuer in self._issuers.listed:
            self._link(issuer)

    async def ready(self) -> None:
        """Wait until the feed of every listed issuer is caught up."""
        self.start()
        for link in list(self._links.values()):
            await link.feed.caught_up.wait()

    async def aclose(self) -> None:
        """End the feeds, send the last decisions, close the connections."""
        if self._loop is not asyncio.get_running_loop():
            return
        links, self._links = self._links, {}
        for link in links.values():
            await link.aclose()
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the guard running for the length of an application's life."""
        self.start()
        try:
            yield
        finally:
            await self.aclose()

    def answer(self, refusal: Refusal) -> Answer:
        """Render a refusal."""
        listed = self._issuers.listed
        # Without a token that was read nobody says which of several issuers it is about.
        issuer = refusal.token.issuer if refusal.token else listed[0] if len(listed) == 1 else None
        docs = f"{issuer}/docs" if issuer else None
        return render(refusal, metadata_url=self.resource.metadata_url, docs=docs)

    def report(
        self,
        call: Call,
        outcome: Permit | Refusal,
        *,
        needed: frozenset[str] | None,
        status: int | None,
    ) -> None:
        """Tell the issuer what was decided; returns at once."""
        # A call that names nobody is told to every issuer that is listed: each runs its own audit.
        issuers = [outcome.token.issuer] if outcome.token else self._issuers.listed
        for issuer in issuers:
            link = self._link(issuer)
            if link is not None:
                link.reporter.record(
                    make_decision(
                        at=self._clock.now(),
                        permitted=isinstance(outcome, Permit),
                        reason=outcome.reason.value if isinstance(outcome, Refusal) else None,
                        method=call.method[:16],
                        path=call.path[:MAX_PATH],
                        status=status,
                        required=needed or frozenset(),
                        token=outcome.token,
                        purpose=call.purpose,
                        peer=call.peer,
                    )
                )


def read_purpose(values: Iterable[bytes]) -> str | None:
    """Read the per-call purpose, printable and short, or None."""
    text = b" ".join(values).decode("latin-1").strip()
    return text[:MAX_PURPOSE] if text and text.isprintable() else None
