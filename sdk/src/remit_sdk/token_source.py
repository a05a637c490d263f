"""Keep one agent's tokens fresh: renewed early, by one worker at a time, never lost half way."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from remit_sdk.clock import Clock
from remit_sdk.consent import AuthorizationRequest, ConsentRequired
from remit_sdk.errors import AgentStopped, Refused, RemitError
from remit_sdk.jose import DpopKey
from remit_sdk.step_up import StepUp
from remit_sdk.store import TokenSet, TokenStore
from remit_sdk.strict import read_scopes, write_scopes
from remit_sdk.token_endpoint import TokenEndpoint

GrantType = Literal["authorization_code", "client_credentials"]

# At this part of its life a token is renewed, in the background.
RENEW_AT: Final = 0.8
# A token this close to its end may die on the way.
TOO_LATE: Final = 5.0
# An issuer that is away is not asked again with every call.
PAUSE: Final = 5.0

log = logging.getLogger("remit_sdk.auth")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an agent asks for."""

    grant_type: GrantType
    resource: str
    scopes: frozenset[str]
    redirect_uri: str
    dpop: bool | None = None
    """Whether tokens are to be bound to a key; None: where the issuer offers it."""


class TokenSource:
    """The tokens for one wish at one issuer."""

    def __init__(self, endpoint: TokenEndpoint, wish: Wish, *, line: str, store: TokenStore, clock: Clock) -> None:
        self._endpoint = endpoint
        self._wish = wish
        self._store = store
        self._clock = clock
        self._name = _name(endpoint.issuer, endpoint.client_id, wish, line)
        self._held: TokenSet | None = None
        self._renewing = threading.Lock()
        self._try_again_at = 0.0
        self._request: AuthorizationRequest | None = None

    @property
    def for_users(self) -> bool:
        """Whether there is a user who could sign in."""
        return self._wish.grant_type == "authorization_code"

    def fresh(self, *, unlike: str | None = None) -> TokenSet | None:
        """Return the tokens at hand if they need no waiting; starts the early renewal."""
        held = self._held
        if held is None or held.access_token == unlike:
            return None
        now = self._clock.now()
        if now >= held.expires_at - TOO_LATE:
            return None
        if now >= held.obtained_at + RENEW_AT * (held.expires_at - held.obtained_at):
            self._renew_in_background(held)
        return held

    def get(self, *, unlike: str | None = None) -> TokenSet:
        """Return usable tokens, other than `unlike`, which a resource server has just refused.

        Raises:
            ConsentRequired: a user must allow it first.
            AgentStopped: somebody stopped this agent.
            Refused: the issuer said no.
            Unavailable: the issuer did not answer.
        """
        return self.fresh(unlike=unlike) or self._renew(unlike)

    def consent(self, also: frozenset[str] = frozenset(), step_up: StepUp | None = None) -> ConsentRequired:
        """Return the request for a user's consent, the same one until it has been answered."""
        wanted = self._wish.scopes | also
        request = self._request
        if request is None or (read_scopes(request.scope), request.step_up) != (wanted, step_up):
            request = AuthorizationRequest(
                endpoint=self._endpoint.endpoint("authorization_endpoint"),
                issuer=self._endpoint.issuer,
                client_id=self._endpoint.client_id,
                redirect_uri=self._wish.redirect_uri,
                resource=self._wish.resource,
                scope=write_scopes(wanted),
                dpop_key=self._new_key(),
                step_up=step_up,
            )
            self._request = request
        return ConsentRequired(request, self._redeem)

    def _renew_in_background(self, held: TokenSet) -> None:
        if self._clock.now() < self._try_again_at or not self._renewing.acquire(blocking=False):
            return

        def renew() -> None:
            try:
                self._renew(held.access_token)
            except RemitError as error:
                # The caller still has a token that works; the next one meets the reason itself.
                self._try_again_at = self._clock.now() + PAUSE
                log.warning("renewal.failed", extra={"cause": type(error).__name__})
            finally:
                self._renewing.release()

        # Not a daemon: a rotation whose answer nobody stores would cost the line.
        threading.Thread(target=renew, name="remit renewal").start()

    def _renew(self, unlike: str | None) -> TokenSet:
        # INVARIANT: whoever spends the refresh token holds the lock until its successor is stored.
        with self._store.lock(self._name):
            held = self._store.read(self._name)
            if held is not None and held.access_token != unlike and self._clock.now() < held.expires_at - TOO_LATE:
                # Somebody renewed while we waited.
                self._held = held
                return held
            try:
                tokens = self._obtain(held)
            except AgentStopped:
                # A suspended agent may be resumed, so its line is kept.
                self._held = None
                raise
            except Refused as refusal:
                self._held = None
                if refusal.error != "invalid_grant" or self._wish.grant_type == "client_credentials":
                    raise
                # This line is over; a user must begin a new one.
                self._store.write(self._name, None)
                raise self.consent() from refusal
            self._store.write(self._name, tokens)
            self._held = tokens
            return tokens

    def _obtain(self, held: TokenSet | None) -> TokenSet:
        if self._wish.grant_type == "client_credentials":
            asked = {"grant_type": "client_credentials", "scope": write_scopes(self._wish.scopes)}
            return self._ask(asked, self._key(held))
        if held is None or held.refresh_token is None:
            raise self.consent()
        asked = {"grant_type": "refresh_token", "refresh_token": held.refresh_token}
        tokens = self._ask(asked, self._key(held))
        # RFC 6749 §6: without a new refresh token the old one stays good.
        return tokens if tokens.refresh_token else msgspec.structs.replace(tokens, refresh_token=held.refresh_token)

    def _redeem(self, request: AuthorizationRequest, callback_url: str) -> None:
        # A forged response must not end the request that the true one still answers.
        try:
            code = request.code(callback_url)
        except Refused:
            self._request = None
            raise
        # `state` and verifier are good for one attempt, whatever comes of it.
        self._request = None
        tokens = self._ask(
            {
                "grant_type": "authorization_code",
                "code": code,
                "code_verifier": request.verifier,
                "redirect_uri": request.redirect_uri,
            },
            request.dpop_key,
        )
        with self._store.lock(self._name):
            self._store.write(self._name, tokens)
            self._held = tokens

    def _ask(self, form: Mapping[str, str], key: DpopKey | None) -> TokenSet:
        # RFC 8707 §2: always named, so no token is good for more than one resource.
        return self._endpoint.ask({**form, "resource": self._wish.resource}, key=key)

    def _key(self, held: TokenSet | None) -> DpopKey | None:
        """Return the key that the line is bound to, or one that it shall be bound to from now on."""
        return DpopKey.load(held.dpop_key) if held is not None and held.dpop_key is not None else self._new_key()

    def _new_key(self) -> DpopKey | None:
        wanted = self._endpoint.offers_dpop() if self._wish.dpop is None else self._wish.dpop
        return DpopKey.generate() if wanted else None


def _name(issuer: str, client: str, wish: Wish, line: str) -> str:
    """Name a line in the store; also a safe file name."""
    parts = f"{issuer}\n{client}\n{wish.resource}\n{wish.grant_type}\n{line}"
    if wish.dpop is False:
        # A line that is bound to a key never becomes one of bearer tokens.
        parts += "\nbearer"
    return hashlib.sha256(parts.encode()).hexdigest()[:32]
