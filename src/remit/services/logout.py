"""Sign-out that a client asks for (OpenID Connect RP-Initiated Logout): whom it means, and where he goes then."""

from __future__ import annotations

from dataclasses import dataclass

from remit.core.clients import Client
from remit.core.names import ClientId
from remit.core.oauth.authorize import judge_lengths
from remit.core.oauth.form import Form
from remit.core.oauth.logout import IdHint, judge_client, way_out
from remit.core.oauth.redirects import add_params
from remit.core.oauth.verdicts import Refusal
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.sessions import SignedInUser

PARAMETERS = ("id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales")
"""Everything that a request may say. `logout_hint` and `ui_locales` are wishes, and change nothing here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutAsked:
    """What a request for sign-out comes to."""

    client: Client | None
    redirect_uri: str | None
    """Where the client wants the browser to go and may send it; None: nowhere."""
    state: str | None
    sure: bool
    """The client showed an id token of the very user who is signed in, so nobody has to be asked."""

    @property
    def onward(self) -> str | None:
        """Return the whole address that the browser goes to afterwards."""
        if self.redirect_uri is None:
            return None
        return add_params(self.redirect_uri, {} if self.state is None else {"state": self.state})

    @property
    def vouched(self) -> bool:
        """Say whether somebody here registered the client, so that a browser may be sent there unasked."""
        return self.client is not None and not self.client.self_registered


async def read_logout(work: Work, form: Form, signed_in: SignedInUser | None, deps: Deps) -> LogoutAsked | Refusal:
    """Judge a request for sign-out. An address that is not registered is not followed; all else still happens (§3)."""
    state, named = form.one("state"), form.one("client_id")
    if (lengths := judge_lengths({"state": state})) is not None:
        return lengths
    shown, hint = form.one("id_token_hint"), None
    if shown is not None:
        hint = deps.keyring.read_hint(await work.tenants.current(), await work.keys.all(), shown)
    client = await _client(work, named if named is not None else hint.client if hint is not None else None)
    if (refusal := judge_client(hint, named, client)) is not None:
        return refusal
    # A hint that is none of ours says nothing good about who shows it: its client is not followed either.
    believed = client if shown is None or hint is not None else None
    return LogoutAsked(
        client=believed,
        redirect_uri=way_out(believed, form.one("post_logout_redirect_uri")),
        state=state,
        sure=_sure(hint, signed_in),
    )


def _sure(hint: IdHint | None, signed_in: SignedInUser | None) -> bool:
    return hint is not None and signed_in is not None and hint.subject == signed_in.user.id


async def _client(work: Work, named: str | None) -> Client | None:
    return None if named is None else await work.clients.get(ClientId(named))
