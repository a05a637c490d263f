"""The view models that pages share. A view model is plain values only, so that a page is a function of it.

Every `action` is the URL a form posts to, every `href` a URL a link opens: pages invent no address. An empty one means
"not offered". Every form carries the hidden field `csrf` from the frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """The user on whose behalf this page is shown."""

    name: str
    email: str
    sign_out: str
    """Action of the Sign out form."""
    my_agents: str
    console: str = ""
    """Where the console is, for whoever may open it."""
    activity: str = ""
    """Where the user sees what agents did for him."""
    security: str = ""
    """Where the user sees how he signs in."""
    theme: str = ""
    """Action of the form that chooses light or dark: `theme`, and `back` for the page to return to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuItem:
    label: str
    href: str
    current: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A tab, a filter chip, or a name that opens a page."""

    label: str
    href: str
    current: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialRow:
    """Something that a client or resource proves itself by. `revoke` is the action of a form with `csrf` only."""

    id: str
    kind: str
    live: bool
    created_at: datetime | None
    expires_at: datetime | None
    last_used: datetime | None
    revoke: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentHead:
    """What stands above every tab of an agent. `stop` and `resume` are actions of forms with `csrf`."""

    back: str
    id: str
    name: str
    state: str
    effect: str
    """What Stop will do, for example "ends 4 sessions of 2 users within a second"."""
    tabs: tuple[Link, ...]
    stopped: StopNote | None = None
    stop: str = ""
    resume: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTarget:
    """Whom the Stop of a row stops. It posts `csrf`, `kind`, `id` and `back` to the frame's `stop`."""

    kind: str
    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What the last action did, said once; `undo` is the action of a form that takes it back."""

    text: str
    undo: str = ""
    undo_label: str = "Resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What surrounds a page."""

    tenant: str
    """The tenant's display name."""
    now: datetime
    csrf: str
    user: SignedIn | None = None
    menu: tuple[MenuItem, ...] = ()
    """The console's navigation; pages outside the console leave it empty."""
    notice: Notice | None = None
    theme: str = ""
    """light or dark where the user chose; empty follows the system."""
    here: str = ""
    """Path of this page, so that choosing a theme leads back to it."""
    search: str = ""
    """Action of the console's search, a form by GET: `q`."""
    stop: str = ""
    """Action of the Stop of rows; empty where nobody may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Onward:
    """Where a person may go on to, at another host that nobody here has checked."""

    href: str
    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """What is wrong with one field of a form; `name` is the field's name."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One scope in plain words. `risk` is read, change, destroy or identity, and groups it."""

    name: str
    sentence: str
    risk: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """One scope as a checkbox: form field `scope`, value `name`."""

    name: str
    sentence: str
    risk: str
    ticked: bool
    held: bool = False
    """Already allowed by an earlier consent."""
    new: bool = False
    """Asked for on top of what is already allowed."""
    sensitive: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRow:
    """One limit: what is limited, and to what. An argument is named as the tool names it."""

    label: str
    text: str
    argument: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldTo:
    """One way to call that stays open to the agent: some tools, within limits."""

    tools: tuple[str, ...]
    rows: tuple[LimitRow, ...]
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLine:
    """An approval that is held to limits, and since when."""

    since: datetime
    ways: tuple[HeldTo, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    name: str
    uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopNote:
    """Why something is stopped, by whom, since when and until when."""

    by: str
    reason: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRow:
    """One grant in a table."""

    user: str
    """The user's e-mail address; empty for an admin grant, where the agent acts for itself."""
    approver: str
    """Who approved an admin grant; empty where the user did."""
    agent: str
    agent_href: str
    client: str
    resource: Resource
    scopes: tuple[str, ...]
    state: str
    """active, stopped, revoked or expired."""
    granted_at: datetime
    expires_at: datetime | None
    held: tuple[HeldLine, ...] = ()
    revoke: str = ""
    """Action of the Revoke form; empty where there is nothing left to revoke."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One audit event in a list."""

    href: str
    at: datetime
    type: str
    outcome: str
    """ok, refused, denied or alarm."""
    summary: str
    """One sentence about what happened."""
    who: str
    """Who did it: a user's address, a client's or an agent's name."""
    who_kind: str
    """user, agent, client or system: chooses the glyph."""
    agent: str = ""
    stop: StopTarget | None = None
    """The agent behind it, while nobody has stopped it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrity:
    """What the last check of the audit tree said."""

    ok: bool
    entries: int
    """Verified up to this many entries."""
    checked_at: datetime | None
    problem: str = ""
    href: str = ""


def console_menu(base: str, current: str) -> tuple[MenuItem, ...]:
    """Return the console's navigation below an issuer's `base`, in the order it will always have.

    Connections (after Access), Policies and Alerts (around Audit) join when they exist.
    """
    rows = (
        ("Overview", f"{base}/console"),
        ("Agents", f"{base}/console/agents"),
        ("Access", f"{base}/console/grants"),
        ("Audit", f"{base}/console/audit"),
        ("Settings", f"{base}/console/settings"),
    )
    return tuple(MenuItem(label=label, href=href, current=label == current) for label, href in rows)
