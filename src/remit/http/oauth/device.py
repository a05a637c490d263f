"""POST /oauth/device_authorization (RFC 8628 §3.1)."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.types import ASGIApp

from remit.http.oauth.back_channel import take
from remit.services.devices import Started, start
from remit.wire.call import Answer, Call, json_answer


async def device_authorization_endpoint(call: Call) -> ASGIApp:
    """Give a device its pair of codes, and tell where its user types in the short one."""
    return await take(call, start, _render, asked_at="device request")


def _render(started: Started) -> Answer:
    where = f"{started.issuer}/device"
    return json_answer(
        {
            "device_code": started.device_code.reveal(),
            "user_code": started.user_code,
            "verification_uri": where,
            "verification_uri_complete": f"{where}?{urlencode({'user_code': started.user_code})}",
            "expires_in": started.expires_in,
            "interval": started.interval,
        }
    )
