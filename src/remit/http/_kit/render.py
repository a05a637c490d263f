"""The one renderer: a view model in, HTML out; and the few static files, named by what is in them."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeAlias

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from remit.core.display import exact, plain_name, plain_text, relative
from remit.http.account.activity.page import ActivityPage
from remit.http.account.change.page import ChangePage
from remit.http.account.consent.page import ConsentPage
from remit.http.account.device.page import DevicePage
from remit.http.account.device_check.page import DeviceCheckPage
from remit.http.account.device_done.page import DeviceDonePage
from remit.http.account.error.page import ErrorPage
from remit.http.account.my_agents.page import MyAgentsPage
from remit.http.account.posting.page import PostingPage
from remit.http.account.second_factor.page import SecondFactorPage
from remit.http.account.security.page import SecurityPage
from remit.http.account.sign_in.page import SignInPage
from remit.http.account.sign_out.page import SignOutPage
from remit.http.account.signed_out.page import SignedOutPage
from remit.http.console.agent.page import AgentPage
from remit.http.console.agent_access.page import AgentAccessPage
from remit.http.console.agent_credentials.page import AgentCredentialsPage
from remit.http.console.agent_log.page import AgentLogPage
from remit.http.console.agents.page import AgentsPage
from remit.http.console.audit.page import AuditPage
from remit.http.console.event.page import EventPage
from remit.http.console.grants.page import GrantsPage
from remit.http.console.overview.page import OverviewPage
from remit.http.console.register.page import RegisterPage
from remit.http.console.resources.page import ResourcesPage
from remit.http.console.search.page import SearchPage
from remit.http.console.secret.page import SecretPage
from remit.http.console.settings.page import SettingsPage
from remit.http.console.taking_back.page import TakingBackPage
from remit.http.docs.page import DocsPage
from remit.http.docs.reference import ReferencePage
from remit.http.setup.page import SetupPage

View: TypeAlias = (
    SignInPage
    | SecondFactorPage
    | SecurityPage
    | ConsentPage
    | ErrorPage
    | MyAgentsPage
    | ChangePage
    | ActivityPage
    | SignOutPage
    | SignedOutPage
    | PostingPage
    | DevicePage
    | DeviceCheckPage
    | DeviceDonePage
    | OverviewPage
    | AgentsPage
    | AgentPage
    | AgentAccessPage
    | AgentCredentialsPage
    | AgentLogPage
    | RegisterPage
    | ResourcesPage
    | SettingsPage
    | SecretPage
    | SearchPage
    | GrantsPage
    | TakingBackPage
    | AuditPage
    | EventPage
    | SetupPage
    | DocsPage
    | ReferencePage
)

TEMPLATES: dict[type[View], str] = {
    SecondFactorPage: "account/second_factor/page.html",
    SecurityPage: "account/security/page.html",
    SignInPage: "account/sign_in/page.html",
    ConsentPage: "account/consent/page.html",
    ErrorPage: "account/error/page.html",
    MyAgentsPage: "account/my_agents/page.html",
    ChangePage: "account/change/page.html",
    PostingPage: "account/posting/page.html",
    DevicePage: "account/device/page.html",
    DeviceCheckPage: "account/device_check/page.html",
    DeviceDonePage: "account/device_done/page.html",
    ActivityPage: "account/activity/page.html",
    SignOutPage: "account/sign_out/page.html",
    SignedOutPage: "account/signed_out/page.html",
    OverviewPage: "console/overview/page.html",
    AgentsPage: "console/agents/page.html",
    AgentPage: "console/agent/page.html",
    AgentAccessPage: "console/agent_access/page.html",
    AgentCredentialsPage: "console/agent_credentials/page.html",
    AgentLogPage: "console/agent_log/page.html",
    RegisterPage: "console/register/page.html",
    ResourcesPage: "console/resources/page.html",
    SettingsPage: "console/settings/page.html",
    SearchPage: "console/search/page.html",
    SecretPage: "console/secret/page.html",
    GrantsPage: "console/grants/page.html",
    TakingBackPage: "console/taking_back/page.html",
    AuditPage: "console/audit/page.html",
    EventPage: "console/event/page.html",
    SetupPage: "setup/page.html",
    DocsPage: "docs/page.html",
    ReferencePage: "docs/reference.html",
}
"""One row a page."""

STATIC_TYPES = {
    "remit.css": "text/css; charset=utf-8",
    "remit.js": "text/javascript; charset=utf-8",
    "remit.svg": "image/svg+xml",
}
"""Every static file there is."""

STATIC_PREFIX = "/static/"

_HTTP = Path(__file__).resolve().parent.parent
_TICKED = re.compile("`([^`]+)`")


class StaticFile(NamedTuple):
    body: bytes
    content_type: str
    etag: str


class Pages:
    """Every page of the product. Stateless after construction; one instance serves all requests."""

    def __init__(self) -> None:
        self._files: dict[str, StaticFile] = {}
        addresses: dict[str, str] = {}
        for name, content_type in STATIC_TYPES.items():
            body = (_HTTP / "_kit" / "static" / name).read_bytes()
            digest = hashlib.sha256(body).hexdigest()[:16]
            stem, dot, suffix = name.rpartition(".")
            hashed = f"{stem}.{digest}{dot}{suffix}"
            self._files[hashed] = StaticFile(body=body, content_type=content_type, etag=f'"{digest}"')
            addresses[name] = STATIC_PREFIX + hashed
        self._environment = _environment(tuple(addresses.items()))

    def render(self, view: View) -> str:
        """Return the page of a view model. The same view gives the same bytes."""
        return self._environment.get_template(TEMPLATES[type(view)]).render(
            view=view, frame=view.frame, now=view.frame.now
        )

    def static(self, name: str) -> StaticFile | None:
        """Return a static file by its hashed name. Its content never changes, so it may be cached for ever."""
        return self._files.get(name)

    def static_names(self) -> tuple[str, ...]:
        return tuple(self._files)


@cache
def _environment(addresses: tuple[tuple[str, str], ...]) -> Environment:
    """Return what renders the templates. They are compiled once a process, however many applications it builds."""
    made = Environment(
        loader=FileSystemLoader(_HTTP),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["address"] = dict(addresses)
    made.filters.update(
        shown=lambda text: plain_name(text)[0],
        odd=lambda text: plain_name(text)[1],
        line=plain_text,
        prose=_prose,
        ago=relative,
        exact=exact,
    )
    return made


def _prose(text: str) -> Markup:
    """Show a sentence of ours, in which words between backticks are to be typed or compared to the letter."""
    return Markup(_TICKED.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - it is escaped
