"""POST /oauth/par (RFC 9126 §2)."""

from __future__ import annotations

from starlette.types import ASGIApp

from remit.http.oauth.back_channel import take
from remit.services.pushed import Pushed, push
from remit.wire.call import Answer, Call, json_answer


async def pushed_request_endpoint(call: Call) -> ASGIApp:
    """Take an authorization request from its client, without a browser in between."""
    return await take(call, push, _render, asked_at="pushed request")


def _render(pushed: Pushed) -> Answer:
    return json_answer({"request_uri": pushed.request_uri, "expires_in": pushed.expires_in}, created=True)
