"""Speak to an issuer's token endpoint as a client (RFC 6749 §3.2, RFC 8707)."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote_plus

import httpx2

from remit_sdk.clock import Clock
from remit_sdk.errors import AgentStopped, ApprovalPending, Refused, Unavailable, Untrustworthy
from remit_sdk.fetch import MAX_DOCUMENT_BYTES
from remit_sdk.jose import AssertionKey
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
            if not self._endpoints:
                status, body = self._send("GET", metadata_url(self.issuer))
                document = read_object(body)
                if status != 200 or document is None:
                    msg = f"{self.issuer} answered no metadata"
                    raise Unavailable(msg)
                self._endpoints = read_endpoints(document, issuer=self.issuer, names=ENDPOINTS)
            return self._endpoints[name]

    def ask(self, form: Mapping[str, str]) -> TokenSet:
        """Ask for tokens.

        Raises:
            Refused: the issuer said no.
            Unavailable: there was no answer to believe.
        """
        asked_at = self._clock.now()
        try:
            status, body = self._post(form)
        except Unavailable:
            # Perhaps the answer was lost after the commit. Within the replay window the same
            # refresh token earns the same successor, so asking again at once is right; a code
            # redeemed twice would end the line (OA-11).
            if form["grant_type"] == "authorization_code":
                raise
            status, body = self._post(form)
        answer = read_object(body)
        if status == 200 and answer is not None:
            return _read_tokens(answer, asked_at=asked_at)
        if answer is not None and status in {400, 401, 403}:
            raise _refusal(answer)
        msg = f"the token endpoint of {self.issuer} answered {status}"
        raise Unavailable(msg)

    def _post(self, form: Mapping[str, str]) -> tuple[int, bytes]:
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
        return self._send("POST", self.endpoint("token_endpoint"), form=filled, auth=auth)

    def _send(
        self, method: str, url: str, *, form: Mapping[str, str] | None = None, auth: httpx2.Auth | None = None
    ) -> tuple[int, bytes]:
        try:
            # A renewal comes every few minutes; a connection kept for it would only need closing.
            with (
                httpx2.Client(transport=self._transport, timeout=TIMEOUT, follow_redirects=False) as client,
                client.stream(method, url, data=form, auth=auth, headers={"Accept": "application/json"}) as response,
            ):
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > MAX_DOCUMENT_BYTES:
                        msg = f"the answer of {url} is too large"
                        raise Untrustworthy(msg)
                return response.status_code, bytes(body)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            msg = f"{url} did not answer"
            raise Unavailable(msg) from error


def _read_tokens(answer: Mapping[str, object], *, asked_at: float) -> TokenSet:
    """Read a successful answer (RFC 6749 §5.1)."""
    kind, access = answer.get("token_type"), answer.get("access_token")
    lifetime, scope, refresh = answer.get("expires_in"), answer.get("scope"), answer.get("refresh_token")
    if not isinstance(kind, str) or kind.lower() != "bearer" or not isinstance(access, str) or not access:
        msg = "the token endpoint answered no bearer token"
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
