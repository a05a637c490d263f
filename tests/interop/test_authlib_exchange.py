"""An independent client library exchanges a token, and reads why it may not (RFC 8693)."""

from __future__ import annotations

import pytest
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from httpx2 import ASGITransport

from remit.core.oauth.exchange import ACCESS_TOKEN
from tests.kit.delegation import EXCHANGE, about, acts_of, team
from tests.kit.flows import get_tokens
from tests.kit.instance import instance


@pytest.mark.requirement("TX-1", "TX-2", "TX-3")
async def test_authlib_shows_a_token_on(tmp_path):
    async with instance(tmp_path) as remit:
        await show_on(remit)


async def show_on(remit):
    world = remit.acme
    scheduler, finder = await team(remit, world, "scheduler", "finder")
    subject = (await get_tokens(remit, world, world.web, scope="read:calendar"))["access_token"]
    name, secret = scheduler.auth
    asked = {
        "grant_type": EXCHANGE.value,
        "subject_token": subject,
        "subject_token_type": ACCESS_TOKEN,
        "resource": finder.resource.uri,
    }
    url = f"{world.issuer}/oauth/token"
    async with AsyncOAuth2Client(name, secret, transport=ASGITransport(app=remit.app)) as client:
        got = await client.fetch_token(url, **asked)
        assert (got["issued_token_type"], got["token_type"], got["scope"]) == (ACCESS_TOKEN, "Bearer", "read:calendar")
        assert acts_of(got["access_token"]) == [scheduler.agent.id]
        assert (await about(remit, world, got["access_token"], finder))["active"] is True
        with pytest.raises(OAuthError) as refused:
            await client.fetch_token(url, **asked, scope="read:calendar write:calendar")
    assert refused.value.error == "invalid_scope"
    assert "ask for some of read:calendar" in refused.value.description
