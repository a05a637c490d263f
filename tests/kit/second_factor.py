"""People with an authenticator app."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx

from remit.core.names import Secret
from remit.core.totp import STEP_SECONDS, code_at, step_of
from remit.core.users import User
from remit.services.second_factor import begin, confirm, look
from tests.kit.instance import Remit
from tests.kit.pages import follow, form_to, submit
from tests.kit.world import HERE, PASSWORD, World


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """An authenticator app, and the paper beside it."""

    remit: Remit
    secret: bytes = field(repr=False)
    recovery: tuple[str, ...]

    def code(self, *, steps: int = 0) -> str:
        """Return what it shows now, or so many steps later."""
        return code_at(self.secret, step_of(self.remit.clock.now()) + steps)


async def enrol(remit: Remit, world: World, user: User | None = None) -> App:
    """Let somebody set up a second factor, and wait until his app shows another code."""
    user = user or world.alice
    assert await begin(world.tenant.id, user, PASSWORD, remit.deps, HERE) is None
    secret = (await look(world.tenant.id, user.id, remit.deps)).secret
    assert secret is not None
    app = App(remit=remit, secret=secret, recovery=())
    codes = await confirm(world.tenant.id, user.id, app.code(), remit.deps, HERE.user(user.id))
    assert isinstance(codes, tuple), codes
    remit.clock.forward(seconds=STEP_SECONDS)
    return App(remit=remit, secret=secret, recovery=tuple(read(code) for code in codes))


def read(code: Secret) -> str:
    return code.reveal()


async def type_code(browser: httpx.AsyncClient, page: httpx.Response, code: str) -> httpx.Response:
    """Fill in the page that asks for the code."""
    form = form_to(page, "/login/code")
    form.put("code", code)
    return await follow(browser, await submit(browser, page, form))
