"""A user without a browser: signs in, ticks everything, allows.

`python -m tests.interop.browse URL REDIRECT [--deliver]` prints where the client would have been sent; with `--deliver`
goes there too, for a client that listens.
"""

from __future__ import annotations

import asyncio
import os
import sys

import httpx

from tests.kit.pages import follow, form_to, submit

EMAIL = os.environ.get("INTEROP_EMAIL", "alice@example.com")
PASSWORD = "password"


async def browse(url: str, redirect: str, *, deliver: bool = False, decision: str = "allow") -> str:
    """Walk from an authorization URL to the redirect URI, and return the address with the answer."""
    async with httpx.AsyncClient(timeout=20) as browser:
        page = await follow(browser, await browser.get(url, headers={"sec-fetch-site": "none"}))
        if page.url.path.endswith("/login"):
            form = form_to(page, "/login")
            form.put("email", EMAIL)
            form.put("password", PASSWORD)
            page = await follow(browser, await submit(browser, page, form))
        if not page.is_redirect:
            form = form_to(page, "/consent")
            form.put("scope", *sorted(form.options("scope")))
            form.put("decision", decision)
            page = await submit(browser, page, form)
        target: str = page.headers.get("location", "")
        assert target.startswith(redirect), f"{page.status_code} at {page.url} instead of {redirect}: {page.text[:300]}"
        if deliver:
            await browser.get(target)
    return target


if __name__ == "__main__":
    print(asyncio.run(browse(sys.argv[1], sys.argv[2], deliver="--deliver" in sys.argv)))
