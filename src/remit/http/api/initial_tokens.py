"""REST v1: tokens with which programs that nobody set up may register clients."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final

from msgspec import Meta

from remit.core.admission import InitialToken
from remit.core.oauth.verdicts import Refusal
from remit.http.api.operation import Call, NoQuery, Operation, Shape, View
from remit.http.api.shapes import Nothing, Text
from remit.services.provisioning.initial_tokens import add_initial_token as add
from remit.services.provisioning.initial_tokens import end_initial_token as end


class InitialTokenView(View):
    """A token for registrations, without what proves it."""

    id: str
    note: str
    uses: int
    """How many registrations it is still good for."""
    created_at: datetime
    expires_at: datetime


class InitialTokens(View):
    tokens: list[InitialTokenView]


class NewInitialToken(Shape):
    """How many clients it lets in, and for how long."""

    note: Text = ""
    uses: Annotated[int, Meta(ge=1, le=1000)] = 1
    lives_seconds: Annotated[int, Meta(ge=60, le=31_536_000)] = 604_800


class MadeInitialToken(InitialTokenView):
    """The token, told this once."""

    registration_token: str | None


async def list_initial_tokens(call: Call[NoQuery, None]) -> InitialTokens:
    return InitialTokens(tokens=[_view(token) for token in await call.work.registrations.list()])


async def add_initial_token(call: Call[NoQuery, NewInitialToken]) -> MadeInitialToken | Refusal:
    body = call.body
    made = await add(
        call.tenant.id,
        call.deps,
        call.who,
        note=body.note,
        uses=body.uses,
        lives=timedelta(seconds=body.lives_seconds),
    )
    if isinstance(made, Refusal):
        return made
    token, secret = made
    told = _view(token)
    fields = {name: getattr(told, name) for name in told.__struct_fields__}
    return MadeInitialToken(**fields, registration_token=secret.reveal())


async def end_initial_token(call: Call[NoQuery, Nothing]) -> InitialTokenView | Refusal:
    ended = await end(call.tenant.id, call.deps, call.who, token=call.path["initial"])
    return ended if isinstance(ended, Refusal) else _view(ended)


def _view(token: InitialToken) -> InitialTokenView:
    return InitialTokenView(
        id=token.id, note=token.note, uses=token.uses, created_at=token.created_at, expires_at=token.expires_at
    )


_ALL: Final = "/api/v1/registration-tokens"

OPERATIONS: Final = (
    Operation("GET", _ALL, "clients:read", list_initial_tokens, "List tokens for registrations", InitialTokens),
    Operation(
        "POST",
        _ALL,
        "clients:write",
        add_initial_token,
        "Make a token for registrations",
        MadeInitialToken,
        body=NewInitialToken,
        created=True,
        secret="registration_token",
    ),
    Operation(
        "POST",
        f"{_ALL}/{{initial}}/end",
        "clients:write",
        end_initial_token,
        "End a token for registrations",
        InitialTokenView,
        body=Nothing,
    ),
)
