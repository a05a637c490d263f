"""The token endpoint's grant types. Each is one file and one row here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from remit.core.clients import GrantType
from remit.core.names import TenantId
from remit.core.oauth.client_auth import Presented
from remit.core.oauth.token_set import TokenCall, TokenSet
from remit.core.oauth.verdicts import Refusal
from remit.ports.deps import Deps
from remit.services.grants.authorization_code import redeem_code
from remit.services.grants.client_credentials import act_for_itself
from remit.services.grants.device_code import redeem_device_code
from remit.services.grants.refresh_token import refresh
from remit.services.grants.token_exchange import exchange
from remit.services.origin import Origin

Exchange = Callable[[TenantId, Presented, TokenCall, Deps, Origin], Awaitable[TokenSet | Refusal]]

GRANTS: Final[Mapping[str, Exchange]] = {
    GrantType.AUTHORIZATION_CODE: redeem_code,
    GrantType.REFRESH_TOKEN: refresh,
    GrantType.CLIENT_CREDENTIALS: act_for_itself,
    GrantType.TOKEN_EXCHANGE: exchange,
    GrantType.DEVICE_CODE: redeem_device_code,
}
