"""An independent client library gets its token by a device code (RFC 8628)."""

from __future__ import annotations

import pytest
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from httpx2 import ASGITransport

from tests.kit.devices import DEVICE_CODE, answer_device, let_devices
from tests.kit.flows import claims_of
from tests.kit.instance import instance
from tests.kit.world import BASE


@pytest.mark.requirement("DEV-1", "DEV-4", "DEV-6")
async def test_authlib_waits_for_a_user_and_goes_on(tmp_path):
    async with instance(tmp_path) as remit:
        world = remit.acme
        await let_devices(remit, world)
        transport = ASGITransport(app=remit.app)
        async with AsyncOAuth2Client(world.web.id, world.web_secret.reveal(), transport=transport) as client:
            where = f"{BASE}/.well-known/oauth-authorization-server/t/acme"
            told = (await client.request("GET", where, withhold_token=True)).json()
            assert DEVICE_CODE in told["grant_types_supported"]
            asked = await client.request(
                "POST",
                told["device_authorization_endpoint"],
                data={"scope": "read:calendar"},
                auth=client.client_auth(client.token_endpoint_auth_method),
                withhold_token=True,
            )
            codes = asked.json()

            async def get():
                return await client.fetch_token(
                    told["token_endpoint"], grant_type=DEVICE_CODE, device_code=codes["device_code"]
                )

            for error in ("authorization_pending", "slow_down"):
                with pytest.raises(OAuthError) as refused:
                    await get()
                assert refused.value.error == error
            await answer_device(remit, world, codes["user_code"])
            got = await get()
            assert (got["token_type"], got["scope"]) == ("Bearer", "read:calendar")
            assert claims_of(got["access_token"])["sub"] == world.alice.id
            renewed = await client.refresh_token(told["token_endpoint"])
            assert renewed["scope"] == "read:calendar"
