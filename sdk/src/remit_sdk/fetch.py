"""The guard's one outbound door: bounded in time and size, no redirects (GEN-18)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote_plus

import httpx2

from remit_sdk.errors import Unavailable, Untrustworthy
from remit_sdk.strict import read_object

MAX_DOCUMENT_BYTES: Final = 256 * 1024
TIMEOUT: Final = httpx2.Timeout(5.0)


def basic(credentials: tuple[str, str]) -> httpx2.BasicAuth:
    """HTTP Basic with form-encoded parts (RFC 6749 §2.3.1)."""
    client, secret = credentials
    return httpx2.BasicAuth(quote_plus(client), quote_plus(secret))


async def fetch(
    client: httpx2.AsyncClient,
    method: str,
    url: str,
    *,
    auth: httpx2.Auth | None = None,
    form: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> tuple[int, bytes]:
    """Send one request and read a bounded answer.

    Raises:
        Unavailable: no whole answer came.
    """
    headers = {"Accept": "application/json"}
    if content is not None:
        headers["Content-Type"] = "application/json"
    try:
        async with client.stream(
            method,
            url,
            auth=auth,
            data=dict(form) if form is not None else None,
            content=content,
            headers=headers,
            timeout=TIMEOUT,
            follow_redirects=False,
        ) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_DOCUMENT_BYTES:
                    msg = f"the answer of {url} is too large"
                    raise Untrustworthy(msg)
            return response.status_code, bytes(body)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        msg = f"{url} did not answer"
        raise Unavailable(msg) from error


async def fetch_object(
    client: httpx2.AsyncClient,
    method: str,
    url: str,
    *,
    auth: httpx2.Auth | None = None,
    form: Mapping[str, str] | None = None,
) -> dict[str, object]:
    """Fetch one JSON object that comes with status 200.

    Raises:
        Unavailable: it did not come, or is not a plain JSON object.
    """
    status, body = await fetch(client, method, url, auth=auth, form=form)
    if status != 200:
        msg = f"{url} answered {status}"
        raise Unavailable(msg)
    document = read_object(body)
    if document is None:
        msg = f"{url} answered no plain JSON object"
        raise Untrustworthy(msg)
    return document
