"""The half of `RemitAuth` that speaks requests, by shape: requests itself is never imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from remit_sdk.consent import ConsentRequired
from remit_sdk.errors import OutOfScope

if TYPE_CHECKING:
    from remit_sdk.auth import RemitAuth, Retry
    from remit_sdk.store import TokenSet


def attach(auth: RemitAuth, request: Any) -> Any:
    """Give a prepared request its token, and watch the answer."""
    auth.check_address(request.url)
    tokens = auth.tokens()
    auth.dress(request.headers, tokens, request.method, request.url)
    request.register_hook("response", _Watch(auth, tokens))
    return request


class _Watch:
    """Looks at the first answer; sends once more for a new token and once for a new proof, at most."""

    def __init__(self, auth: RemitAuth, tokens: TokenSet) -> None:
        self._auth = auth
        self._tokens = tokens

    def __call__(self, response: Any, **settings: Any) -> Any:
        tried: set[Retry] = set()
        while (retry := self._judge(response)) is not None and retry not in tried:
            tried.add(retry)
            # The connection goes back to the pool only when the refused answer has been read.
            _ = response.content
            response.close()
            if retry.needs_token:
                self._tokens = self._auth.tokens(unlike=self._tokens.access_token)
            body = response.request.body
            if not (body is None or isinstance(body, bytes | str)):
                return response  # a stream is gone once sent; the new token serves the next call
            again = response.request.copy()
            # The next answer is watched here: without this it would be watched like the first.
            again.hooks = {**again.hooks, "response": [hook for hook in again.hooks["response"] if hook is not self]}
            self._auth.dress(again.headers, self._tokens, again.method, again.url)
            following = response.connection.send(again, **settings)
            following.history.append(response)
            following.request = again
            response = following
        return response

    def _judge(self, response: Any) -> Retry | None:
        known = response.headers
        challenges = [known["WWW-Authenticate"]] if "WWW-Authenticate" in known else []
        try:
            return self._auth.judge(response.request.url, response.status_code, known.get("DPoP-Nonce"), challenges)
        except (ConsentRequired, OutOfScope):
            response.close()
            raise
