"""View model of the consent page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from remit.core.display import plain_name
from remit.http._kit.views import Frame, HeldTo, Permission, Resource

IDENTITY_SENTENCES = {
    "openid": "Know who you are here",
    "profile": "See your name",
    "email": "See your e-mail address",
    "offline_access": "Keep working after this visit, for as long as you choose below",
}
"""Plain words for the scopes that belong to no resource; their risk is `identity`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """One choice of the duration picker: form field `duration`, value `task`, `day` or `month`."""

    value: str
    label: str
    words: str
    chosen: bool = False


DURATIONS = (
    Duration(value="task", label="For this task", words="1 hour"),
    Duration(value="day", label="For today", words="8 hours"),
    Duration(value="month", label="For a while", words="30 days"),
)
"""Every choice there is; a page offers those within the tenant's cap and marks one as chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentPage:
    """Form to `action`: `csrf`, `ix`, `scope` (repeated), `duration`, `away` (yes, no), `decision` (deny, allow)."""

    frame: Frame
    action: str
    ix: str
    switch: str
    """Where another user may sign in and continue with the same request."""
    client: str
    """The client's name, its own choice unless the badge says otherwise."""
    agent: str
    owner: str
    """The agent's owner; empty while nobody has adopted it."""
    badge: str
    """organisation, self-registered or unverified."""
    registered_from: str
    """The host a self-registered client came from; empty when unknown."""
    purpose: str
    permissions: tuple[Permission, ...]
    resource: Resource | None
    """None when only identity is asked for."""
    durations: tuple[Duration, ...]
    away: bool
    """Whether "may act while you are away" begins as yes."""
    redirect_host: str
    """Where the browser goes next: a host (with port where one is given), or the scheme of an installed app."""
    loopback: bool
    """The redirect leads to an app on this computer."""
    my_agents: str
    expires_at: datetime
    """Until when this question stays open."""
    document: str = ""
    """The URL at which the client describes itself; empty where it does not."""
    elsewhere: str = ""
    """The host of its home page, where that is another than the document's."""
    device_code: str = ""
    """The code of the device that asked, which goes on by itself; empty where the browser leads back to the client."""
    newcomer: bool = False
    """It came by itself, and few people here have allowed it so far."""
    held_to: tuple[HeldTo, ...] = ()
    """Limits beside the scopes; empty: none."""
    error: str = ""
    """What was wrong with the last answer, for example that nothing was ticked."""

    @property
    def caution(self) -> str:
        """The one alert box, for the greatest risk there is; stacked warnings are not read."""
        if plain_name(self.agent)[1] or plain_name(self.client)[1]:
            return "name"
        if self.badge == "unverified":
            return "unverified"
        if self.badge == "self-registered":
            return "self-registered"
        return ""
