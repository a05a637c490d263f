"""The half of `RemitAuth` that speaks requests, by shape: requests itself is never imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from remit_sdk.errors import OutOfScope
from remit_sdk.www_authenticate import bearer_challenge

if TYPE_CHECKING:
    from remit_sdk.auth import RemitAuth


def attach(auth: RemitAuth, request: Any) -> Any:
    """Give a prepared request its token, and watch the answer."""
    auth.check_address(request.url)
    token = auth.token()
    auth.dress(request.headers, token)
    request.register_hook("response", _Watch(auth, token))
    return request


class _Watch:
    """Looks at the first answer; renews and sends once more at most."""

    def __init__(self, auth: RemitAuth, token: str) -> None:
        self._auth = auth
        self._token = token

    def __call__(self, response: Any, **settings: Any) -> Any:
        if not self._refused(response):
            return response
        # The connection goes back to the pool only when the refused answer has been read.
        _ = response.content
        response.close()
        token = self._auth.token(unlike=self._token)
        body = response.request.body
        if not (body is None or isinstance(body, bytes | str)):
            return response  # a stream is gone once sent; the new token serves the next call
        again = response.request.copy()
        # The second answer is final: without this it would be watched like the first.
        again.hooks = {**again.hooks, "response": [hook for hook in again.hooks["response"] if hook is not self]}
        self._auth.dress(again.headers, token)
        second = response.connection.send(again, **settings)
        second.history.append(response)
        second.request = again
        self._refused(second)
        return second

    def _refused(self, response: Any) -> bool:
        values = [response.headers["WWW-Authenticate"]] if "WWW-Authenticate" in response.headers else []
        try:
            return self._auth.wants_retry(response.status_code, bearer_challenge(values))
        except OutOfScope:
            response.close()
            raise
