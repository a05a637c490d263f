"""Ask a user for consent: the way there, and the way back (RFC 6749 §4.1, RFC 9207, RFC 9700)."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from remit_sdk.errors import Refused, RemitError, Untrustworthy
from remit_sdk.jose import DpopKey
from remit_sdk.loopback import LoopbackListener
from remit_sdk.pkce import challenge_of, make_verifier
from remit_sdk.step_up import StepUp

WAIT_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """One trip to the consent page."""

    endpoint: str
    issuer: str
    client_id: str
    redirect_uri: str
    resource: str
    scope: str
    step_up: StepUp | None = None
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    verifier: str = field(default_factory=make_verifier, repr=False)
    dpop_key: DpopKey | None = field(default=None, repr=False)
    """The key that the code, and all that comes of it, is bound to."""

    @property
    def url(self) -> str:
        """Where the user must go."""
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": self.scope,
            "state": self.state,
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            "resource": self.resource,
            **dict(self.step_up.parameters() if self.step_up is not None else ()),
        }
        if self.dpop_key is not None:
            # RFC 9449 §10: from here on a stolen code is worth nothing either.
            query["dpop_jkt"] = self.dpop_key.jkt
        return f"{self.endpoint}{'&' if '?' in self.endpoint else '?'}{urlencode(query)}"

    def code(self, callback_url: str) -> str:
        """Return the code of an authorization response, once everything about it is ours.

        Raises:
            Untrustworthy: the response is not the answer to this request.
            Refused: the user or the issuer said no.
        """
        expected, parts = urlsplit(self.redirect_uri), urlsplit(callback_url)
        if (parts.scheme, parts.netloc, parts.path) != (expected.scheme, expected.netloc, expected.path):
            msg = "the response came to another address"
            raise Untrustworthy(msg)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        answer = dict(pairs)
        if len(answer) != len(pairs):
            msg = "the response repeats a parameter"
            raise Untrustworthy(msg)
        if not hmac.compare_digest(answer.get("state", "").encode(), self.state.encode()):
            # Somebody else's response: accepting it would tie their account to this agent.
            msg = "the response has another `state`"
            raise Untrustworthy(msg)
        if answer.get("iss") != self.issuer:
            # RFC 9207 §2.4: the mix-up of two issuers shows here.
            msg = "the response is another issuer's"
            raise Untrustworthy(msg)
        if "error" in answer:
            raise Refused(answer["error"], answer.get("error_description", ""))
        if not answer.get("code"):
            msg = "the response has no `code`"
            raise Untrustworthy(msg)
        return answer["code"]


class ConsentRequired(RemitError):
    """A user must allow this agent first: send them to `url`, then `finish` with where they came back."""

    def __init__(self, request: AuthorizationRequest, redeem: Callable[[AuthorizationRequest, str], None]) -> None:
        super().__init__("a user must allow this agent first; see `url`")
        self._request = request
        self._redeem = redeem

    @property
    def url(self) -> str:
        """The consent page for this request."""
        return self._request.url

    def finish(self, callback_url: str) -> None:
        """Take the address that the user was sent back to, and fetch the tokens.

        Raises:
            Refused: the user or the issuer said no.
            Unavailable: the response must not be believed, or the issuer did not answer.
        """
        self._redeem(self._request, callback_url)

    @contextmanager
    def listen(self) -> Iterator[LoopbackListener]:
        """Listen on 127.0.0.1 for the way back; `url` carries the right port from here on."""
        listener = LoopbackListener(self._request.redirect_uri)
        try:
            self._request = replace(self._request, redirect_uri=listener.redirect_uri)
            yield listener
        finally:
            listener.close()

    def wait(self, *, show: Callable[[str], object] = print, timeout: float = WAIT_SECONDS) -> None:
        """Show the address (`webbrowser.open` fits), wait for the way back, and finish.

        Raises:
            TimeoutError: nobody came back in time.
        """
        with self.listen() as listener:
            show(self.url)
            self.finish(listener.wait(timeout))
