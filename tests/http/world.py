"""A small world behind the real application: two tenants with people, an agent in each, and browsers to look at it."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from remit.app import build
from remit.core.agents import Agent, ScopeKey
from remit.core.audit.events import SYSTEM
from remit.core.clients import AuthMethod, Client, GrantType
from remit.core.names import GrantId, Prefix, Secret, SecretKind, SessionId, UserId
from remit.core.registration import ClientDraft
from remit.core.resources import Resource, Risk, Scope
from remit.core.sessions import LoginSession
from remit.core.tenants import Tenant
from remit.core.users import Role, User
from remit.opening import open_deps
from remit.ports.deps import Deps
from remit.services.origin import Origin
from remit.services.provisioning.agents import create_agent, publish_remit
from remit.services.provisioning.clients import NewClient, add_client_secret, create_client
from remit.services.provisioning.grants import Approved, approve_agent
from remit.services.provisioning.resources import add_resource_secret, create_resource
from remit.services.provisioning.tenants import create_tenant
from remit.services.provisioning.users import create_user
from remit.settings import Settings, load

BASE = "http://127.0.0.1:8700"
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
HERE = Origin(peer=None, request=None)
CALLBACK = "https://scheduler.example/callback"
VERIFIER = "v" * 64
CALENDAR_SCOPES = (
    Scope(name="read:calendar", sentence="See your events and who attends", risk=Risk.READ),
    Scope(name="write:calendar", sentence="Add and change events", risk=Risk.CHANGE),
    Scope(name="delete:calendar", sentence="Delete events for everybody", risk=Risk.DESTROY, sensitive=True),
)
EVERYTHING = frozenset(scope.name for scope in CALENDAR_SCOPES)
STRANGE = 'Sch<b>eduler" onclick="x'
"""A name whose owner hopes that somebody forgets to escape it."""


class HandClock:
    """A clock that a test moves by hand."""

    def __init__(self) -> None:
        self._now = NOW

    def now(self) -> datetime:
        return self._now

    def advance(self, distance: timedelta) -> None:
        self._now += distance


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One tenant: its people by first name, and what they share."""

    tenant: Tenant
    people: Mapping[str, User]
    resource: Resource
    resource_secret: Secret
    agent: Agent
    client: Client
    client_secret: Secret
    admin_grant: GrantId


@dataclass(slots=True)
class World:
    deps: Deps
    clock: HandClock
    app: Any
    acme: Site
    globex: Site
    _open: list[httpx.AsyncClient] = field(default_factory=list)

    def http(self, cookies: Mapping[str, str] | None = None) -> httpx.AsyncClient:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=BASE, cookies=dict(cookies or {}))
        self._open.append(client)
        return client

    async def browser(self, site: Site, person: str | None = None) -> Browser:
        """Open a browser, with somebody signed in or nobody."""
        cookies = {f"remit_{site.tenant.slug}.b": self.deps.fresh.opaque(SecretKind.BROWSER).text().reveal()}
        if person is not None:
            cookies[f"remit_{site.tenant.slug}"] = await self._session(site, site.people[person].id)
        return Browser(http=self.http(cookies), site=site)

    async def _session(self, site: Site, user: UserId) -> str:
        opaque, now = self.deps.fresh.opaque(SecretKind.LOGIN), self.clock.now()
        session = LoginSession(
            id=SessionId(f"{Prefix.SESSION}_{opaque.id}"),
            digest=self.deps.digester.digest(opaque),
            user=user,
            auth_time=now,
            amr=("pwd",),
            last_seen=now,
            ended_at=None,
        )
        async with self.deps.db.work(site.tenant.id) as work:
            await work.sessions.add(session)
        return opaque.text().reveal()

    async def consent(self, site: Site, person: str, scopes: frozenset[str] = EVERYTHING) -> Tokens:
        """Let this person allow the agent these scopes through the pages, and redeem the code."""
        browser = await self.browser(site, person)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": site.client.id,
            "redirect_uri": CALLBACK,
            "resource": site.resource.uri,
            "scope": " ".join(sorted(EVERYTHING)),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "state": "s",
            "prompt": "consent",
        }
        page = await browser.get(f"/oauth/authorize?{urlencode(asked)}", follow=True)
        assert page.status_code == 200, page.text
        ix = re.search(r'name="ix" value="([^"]+)"', page.text)
        assert ix is not None
        answer = await browser.post(
            "/consent",
            {"ix": ix[1], "decision": "allow", "duration": "month", "away": "yes", "scope": sorted(scopes)},
            csrf=csrf_in(page.text),
        )
        code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
        return await self.token(
            site, grant_type="authorization_code", code=code, redirect_uri=CALLBACK, code_verifier=VERIFIER
        )

    async def token(self, site: Site, **fields: str) -> Tokens:
        answer = await self.http().post(
            urlsplit(site.tenant.issuer).path + "/oauth/token",
            data=fields,
            auth=(site.client.id, site.client_secret.reveal()),
        )
        body = answer.json()
        return Tokens(
            status=answer.status_code,
            access=body.get("access_token", ""),
            refresh=body.get("refresh_token", ""),
            scopes=frozenset(body.get("scope", "").split()),
            error=body.get("error", ""),
        )

    async def introspect(self, site: Site, token: str) -> dict[str, Any]:
        answer = await self.http().post(
            urlsplit(site.tenant.issuer).path + "/oauth/introspect",
            data={"token": token},
            auth=(site.resource.id, site.resource_secret.reveal()),
        )
        found: dict[str, Any] = answer.json()
        return found

    async def grant_of(self, site: Site, person: str) -> GrantId:
        async with self.deps.db.read(site.tenant.id) as work:
            return (await work.grants.list(user=site.people[person].id))[0].id

    async def events(self, site: Site, type_: str) -> list[bytes]:
        async with self.deps.db.read(site.tenant.id) as work:
            return [event.body for event in await work.events.after(-1, limit=1000) if event.type == type_]

    async def size(self, site: Site) -> int:
        """Count the tenant's events: nothing that changes anything leaves none. That a page said no changes nothing."""
        async with self.deps.db.read(site.tenant.id) as work:
            told = [event.type for event in await work.events.after(-1, limit=1000)]
        assert len(told) < 1000
        return len([kind for kind in told if kind != "page.refused"])

    async def close(self) -> None:
        for client in self._open:
            await client.aclose()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    status: int
    access: str
    refresh: str
    scopes: frozenset[str]
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    http: httpx.AsyncClient
    site: Site

    def url(self, path: str) -> str:
        return urlsplit(self.site.tenant.issuer).path + path

    async def get(self, path: str, *, follow: bool = False) -> httpx.Response:
        return await self.http.get(self.url(path), follow_redirects=follow)

    async def post(
        self,
        path: str,
        fields: Mapping[str, str | list[str]] | None = None,
        *,
        csrf: str | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> httpx.Response:
        """Send a form as a browser would from one of our pages. Without `csrf` it is taken from a fresh page.

        A header given as None is left out.
        """
        if csrf is None:
            csrf = csrf_in((await self.get("/account", follow=True)).text)
        wanted = {"origin": BASE, "sec-fetch-site": "same-origin", **(headers or {})}
        sent = {name: value for name, value in wanted.items() if value is not None}
        return await self.http.post(self.url(path), data={"csrf": csrf, **(fields or {})}, headers=sent)


def csrf_in(text: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', text)
    assert found is not None, "no form here"
    return found[1]


def words(answer: httpx.Response) -> str:
    """Return what a reader reads of a page."""
    main = answer.text.partition("<main")[2].partition(">")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())


def settings_in(folder: Path) -> Settings:
    return load(environ={}, flags={"data.dir": str(folder)}, cwd=folder, default_file=folder / "none.toml")


async def make_world(folder: Path) -> None:
    """Fill a folder; tests get copies, because keys and remits take a while to make."""
    async with open_deps(settings_in(folder), clock=HandClock()) as deps:
        await _site(
            deps,
            "default",
            "Acme <EU>",
            {"dana": Role.ADMIN, "amir": Role.AUDITOR, "alice": Role.USER, "bob": Role.USER},
        )
        await _site(deps, "globex", "Globex", {"carol": Role.ADMIN, "alice": Role.USER})


@asynccontextmanager
async def open_world(template: Path, folder: Path) -> AsyncIterator[World]:
    shutil.copytree(template, folder, dirs_exist_ok=True)
    settings, clock = settings_in(folder), HandClock()
    async with open_deps(settings, clock=clock) as deps:
        app, _ = build(deps, settings)
        world = World(deps, clock, app, await _read(deps, "default"), await _read(deps, "globex"))
        yield world
        await world.close()


async def _site(deps: Deps, slug: str, name: str, people: Mapping[str, Role]) -> None:
    tenant = await create_tenant(deps, HERE, slug=slug, name=name, base_url=BASE)
    assert isinstance(tenant, Tenant), tenant
    made = {}
    for person, role in people.items():
        user = await create_user(tenant.id, deps, SYSTEM, email=f"{person}@example.com", name=person.title(), role=role)
        assert isinstance(user, User), user
        made[person] = user
    owner = next(user for user in made.values() if user.role is Role.ADMIN)
    resource = await create_resource(
        tenant.id, deps, SYSTEM, uri="https://calendar.example", name="Calendar", scopes=CALENDAR_SCOPES
    )
    assert isinstance(resource, Resource), resource
    agent = await create_agent(
        tenant.id, deps, SYSTEM, name=STRANGE, purpose="Books <i>meetings</i>", owner=owner.id, active=True
    )
    assert isinstance(agent, Agent), agent
    ceiling = frozenset(ScopeKey(resource.id, name) for name in EVERYTHING)
    await publish_remit(tenant.id, deps, SYSTEM, agent=agent.id, scopes=ceiling)
    draft = ClientDraft(
        agent=agent.id,
        name=STRANGE,
        auth_method=AuthMethod.SECRET_BASIC,
        grant_types=frozenset(GrantType),
        redirect_uris=(CALLBACK,),
        default_resource=resource.id,
        default_scopes=frozenset({"read:calendar"}),
    )
    client = await create_client(tenant.id, deps, SYSTEM, draft)
    assert isinstance(client, NewClient), client
    approved = await approve_agent(
        tenant.id,
        deps,
        replace(SYSTEM, actor_kind="user", actor=owner.id),
        client=client.client.id,
        resource=resource.id,
        scopes=frozenset({"read:calendar"}),
        approver=owner.id,
    )
    assert isinstance(approved, Approved), approved


async def _read(deps: Deps, slug: str) -> Site:
    async with deps.db.system() as system:
        tenant = await system.tenant_by_slug(slug)
    assert tenant is not None
    async with deps.db.read(tenant.id) as work:
        people = {user.email.partition("@")[0]: user for user in await work.users.list()}
        resource = await work.resources.by_uri("https://calendar.example")
        agent = await work.agents.by_name(STRANGE)
        client = (await work.clients.list())[0]
        grant = (await work.grants.list())[0]
    assert resource is not None
    assert agent is not None
    resource_secret = await add_resource_secret(tenant.id, deps, SYSTEM, resource=resource.id)
    client_secret = await add_client_secret(tenant.id, deps, SYSTEM, client=client.id)
    assert isinstance(resource_secret, Secret)
    assert isinstance(client_secret, Secret)
    return Site(
        tenant=tenant,
        people=people,
        resource=resource,
        resource_secret=resource_secret,
        agent=agent,
        client=client,
        client_secret=client_secret,
        admin_grant=grant.id,
    )
