"""Speak to an issuer's token endpoint as a client (RFC 6749 §3.2, RFC 8707)."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote_plus

import httpx2

from remit_sdk.clock import Clock
from remit_sdk.errors import AgentStopped, ApprovalPending, Refused, Unavailable, Untrustworthy
from remit_sdk.fetch import MAX_DOCUMENT_BYTES
from remit_sdk.jose import AssertionKey, DpopKey
from remit_sdk.metadata import metadata_url, read_endpoints
from remit_sdk.store import TokenSet
from remit_sdk.strict import read_object, read_scopes

ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint")
TIMEOUT: Final = httpx2.Timeout(10.0)
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_LIFETIME: Final = 86_400


class TokenEndpoint:
    """One client's door to one issuer."""

    def __init__(
        self,
        issuer: str,
        *,
        client_id: str,
        client_secret: str | None,
        private_key: AssertionKey | None,
        clock: Clock,
        transport: httpx2.BaseTransport | None,
    ) -> None:
        self.issuer = issuer
        self.client_id = client_id
        self._secret = client_secret
        self._key = private_key
        self._clock = clock
        self._transport = transport
        self._endpoints: dict[str, str] = {}
        self._offers_dpop = False
        self._nonce: str | None = None
        self._lock = threading.Lock()

    @property
    def confidential(self) -> bool:
        """Whether the client can prove itself."""
        return self._secret is not None or self._key is not None

    def endpoint(self, name: str) -> str:
        """Return an endpoint out of the issuer's metadata.

        Raises:
            Unavailable: it could not be read or must not be believed.
        """
        with self._lock:
            self._learn()
            return self._endpoints[name]

    def offers_dpop(self) -> bool:
        """Say whether the issuer binds tokens to a key like ours (RFC 9449 §5.1).

        Raises:
            Unavailable: its metadata could not be read or must not be believed.
        """
        with self._lock:
            self._learn()
            return self._offers_dpop

    def _learn(self) -> None:
        if self._endpoints:
            return
        answer = self._send("GET", metadata_url(self.issuer))
        document = read_object(answer.body)
        if answer.status != 200 or document is None:
            msg = f"{self.issuer} answered no metadata"
            raise Unavailable(msg)
        endpoints = read_endpoints(document, issuer=self.issuer, names=ENDPOINTS)
        offered = document.get("dpop_signing_alg_values_supported")
        self._offers_dpop = isinstance(offered, list) and "ES256" in offered
        self._endpoints = endpoints

    def ask(self, form: Mapping[str, str], *, key: DpopKey | None = None) -> TokenSet:
        """Ask for tokens, bound to a key where one is given.

        Raises:
            Refused: the issuer said no.
            Unavailable: there was no answer to believe.
        """
        asked_at = self._clock.now()
        try:
            answered = self._post(form, key)
        except Unavailable:
            # Perhaps the answer was lost after the commit. Within the replay window the same
            # refresh token earns the same successor, so asking again at once is right; a code
            # redeemed twice would end the line (OA-11).
            if form["grant_type"] == "authorization_code":
                raise
            answered = self._post(form, key)
        answer = read_object(answered.body)
        if answered.status == 400 and answer is not None and answer.get("error") == "use_dpop_nonce":
            # Nothing was spent: the nonce is looked at before anything else (RFC 9449 §8).
            answered = self._post(form, key)
            answer = read_object(answered.body)
        if answered.status == 200 and answer is not None:
            return _read_tokens(answer, asked_at=asked_at, key=key)
        if answer is not None and answered.status in {400, 401, 403}:
            raise _refusal(answer)
        msg = f"the token endpoint of {self.issuer} answered {answered.status}"
        raise Unavailable(msg)

    def _post(self, form: Mapping[str, str], key: DpopKey | None) -> _Answered:
        filled = dict(form)
        auth = None
        if self._key is not None:
            filled["client_assertion_type"] = ASSERTION_TYPE
            # Signed anew for every attempt: its `jti` is good for one.
            filled["client_assertion"] = self._key.assertion(
                client=self.client_id, audience=self.issuer, now=self._clock.now()
            )
        elif self._secret is not None:
            auth = httpx2.BasicAuth(quote_plus(self.client_id), quote_plus(self._secret))
        if self._secret is None:
            filled["client_id"] = self.client_id
        url = self.endpoint("token_endpoint")
        if key is None:
            return self._send("POST", url, form=filled, auth=auth)
        proof = key.proof("POST", url, now=self._clock.now(), nonce=self._nonce)
        answered = self._send("POST", url, form=filled, auth=auth, headers={"DPoP": proof})
        self._nonce = answered.nonce or self._nonce
        return answered

    def _send(
        self,
        method: str,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        auth: httpx2.Auth | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> _Answered:
        sent = {"Accept": "application/json", **(headers or {})}
        try:
            # A renewal comes every few minutes; a connection kept for it would only need closing.
            with (
                httpx2.Client(transport=self._transport, timeout=TIMEOUT, follow_redirects=False) as client,
                client.stream(method, url, data=form, auth=auth, headers=sent) as response,
            ):
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > MAX_DOCUMENT_BYTES:
                        msg = f"the answer of {url} is too large"
                        raise Untrustworthy(msg)
                nonce = response.headers.get("dpop-nonce")
                return _Answered(status=response.status_code, body=bytes(body), nonce=nonce)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            msg = f"{url} did not answer"
            raise Unavailable(msg) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answered:
    status: int
    body: bytes
    nonce: str | None


def _read_tokens(answer: Mapping[str, object], *, asked_at: float, key: DpopKey | None) -> TokenSet:
    """Read a successful answer (RFC 6749 §5.1)."""
    kind, access = answer.get("token_type"), answer.get("access_token")
    lifetime, scope, refresh = answer.get("expires_in"), answer.get("scope"), answer.get("refresh_token")
    # RFC 9449 §5: who asked for a bound token does not take one that anybody could use.
    wanted = "bearer" if key is None else "dpop"
    if not isinstance(kind, str) or kind.lower() != wanted or not isinstance(access, str) or not access:
        msg = f"the token endpoint answered no {wanted} token"
        raise Untrustworthy(msg)
    if isinstance(lifetime, bool) or not isinstance(lifetime, int | float) or not 0 < lifetime <= LONGEST_LIFETIME:
        msg = "the token endpoint answered no usable `expires_in`"
        raise Untrustworthy(msg)
    if not isinstance(scope, str) or read_scopes(scope) is None:
        msg = "the token endpoint answered no `scope`"
        raise Untrustworthy(msg)
    if refresh is not None and (not isinstance(refresh, str) or not refresh):
        msg = "the token endpoint answered a malformed `refresh_token`"
        raise Untrustworthy(msg)
    return TokenSet(
        access_token=access,
        obtained_at=asked_at,
        # From the question on: the answer may have been long under way.
        expires_at=asked_at + lifetime,
        scope=scope,
        refresh_token=refresh,
        dpop_key=None if key is None else key.export(),
    )


def _refusal(answer: Mapping[str, object]) -> Refused:
    error, hint = answer.get("error"), answer.get("error_description")
    name = error if isinstance(error, str) and error else "invalid_request"
    text = hint if isinstance(hint, str) else ""
    if name == "authorization_pending":
        return ApprovalPending(name, text)
    if name in {"invalid_grant", "invalid_client", "unauthorized_client"} and "stopped" in text.lower():
        return AgentStopped(name, text)
    return Refused(name, text)
