"""Every request there is in which an id or a secret is named, by its route."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from remit.core.clients import GrantType
from remit.core.stops import TargetKind
from remit.crypto.jose import PrivateKey
from tests.kit.flows import VERIFIER
from tests.kit.world import BASE, CALLBACK

Values = Mapping[str, str]
"""What stands for each kind of placeholder."""

_SLOT = re.compile(r"<([a-z-]+)>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request. `<kind>` stands for an id or a secret of that kind, in whatever part of it."""

    method: str = "GET"
    by: str = "nobody"
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    instead: Mapping[str, str] = field(default_factory=dict)
    """Kinds for which something of another kind is named."""
    effective: bool = True
    """With everything of one's own it answers otherwise, so that a comparison of refusals says something."""

    def parts(self, path: str) -> tuple[str, dict[str, str], Mapping[str, str], Mapping[str, str], Any]:
        headers, form = {}, dict(self.form)
        match self.by:
            case "program" | "person":
                headers["authorization"] = f"Bearer <{self.by}>"
                headers["if-match"] = "*"
            case "registration":
                headers["authorization"] = "Bearer <registration>"
            case "bearer":
                headers["authorization"] = "Bearer <access>"
            case "admin" | "alice":
                headers["cookie"] = f"__Host-remit_acme=<{self.by}-session>; __Host-remit_acme.b=<binding>"
                if self.method == "POST":
                    form["csrf"] = f"<{self.by}-csrf>"
            case "browser":
                headers["cookie"] = "__Host-remit_acme.b=<binding>"
                if self.method == "POST":
                    form["csrf"] = "<browser-csrf>"
            case "client" | "resource":
                headers["authorization"] = f"Basic <{self.by}-proof>"
            case _:
                assert self.by == "nobody", self.by
        if self.method == "POST" and self.by in {"admin", "alice", "browser"}:
            headers |= {"origin": BASE, "sec-fetch-site": "same-origin"}
        path = re.sub(r"\{([a-z]+)\}", r"<\1>", path)
        return path, headers, self.query, form, self.json

    def slots(self, path: str) -> list[str]:
        """Return the kinds that are named, but for the binding of a browser, which every tenant makes its own."""
        found = dict.fromkeys(_SLOT.findall(repr(self.parts(path))))
        return [kind for kind in found if kind not in {"binding", "once"}]

    def fitted(self, values: Values) -> dict[str, str]:
        """Return what this request names of all that a tenant has."""
        return {**values, **{kind: values[other] for kind, other in self.instead.items()}}

    async def send(self, http: httpx.AsyncClient, issuer: str, path: str, values: Values) -> httpx.Response:
        parts = filled(self.parts(path), {**values, "once": secrets.token_hex(8)})
        path, headers, query, form, json = parts
        more: dict[str, Any] = {}
        if form:
            more["data"] = form
        if json is not None:
            more["json"] = json
        where = f"{issuer}{path}"
        if path.startswith("/.well-known/"):
            where = f"{BASE}{path}{issuer.removeprefix(BASE)}"
        return await http.request(self.method, where, params=query, headers=headers, **more)


def filled(part: Any, values: Values) -> Any:
    match part:
        case str():
            return _SLOT.sub(lambda found: values[found[1]], part)
        case Mapping():
            return {filled(name, values): filled(value, values) for name, value in part.items()}
        case list() | tuple():
            return type(part)(filled(one, values) for one in part)
        case _:
            return part


def _many(by: str, *kinds: str, **more: str) -> tuple[Ask, ...]:
    """Return a list narrowed by each kind in turn."""
    return tuple(Ask(by=by, query={kind: f"<{kind}>", **more}) for kind in kinds)


BECAUSE = {"reason": "INC-1"}
_CODE = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
_DEVICE = {"grant_type": GrantType.DEVICE_CODE.value}
_STOPS = {
    **{kind.value: f"<{kind.value}>" for kind in TargetKind if kind is not TargetKind.TOKEN},
    "token": "<jti>",
}
_ASKED = ("user", "agent", "client", "grant", "jti")
REPORT = {"id": "<once>", "at": 1, "decision": "permit", "method": "GET", "path": "/", "required": ["read:calendar"]}
_NAMES = {"jti": "<jti>", "sub": "<user>", "client_id": "<client>", "agent_id": "<agent>", "grant_id": "<grant>"}

_CLIENT = {"name": "n", "auth_method": "none", "grant_types": ["authorization_code"], "redirect_uris": [CALLBACK]}

_KEY = PrivateKey.generate("ES256").jwk() | {"kid": "k2", "alg": "ES256", "use": "sig"}
NOTHING: tuple[Ask, ...] = ()
"""It takes neither an id nor a secret."""

PROTOCOL: dict[str, tuple[Ask, ...]] = {
    "ANY /oauth/authorize": (Ask(query={"client_id": "<client>", "redirect_uri": CALLBACK, "response_type": "code"}),),
    "ANY /oauth/token": (
        Ask(method="POST", by="client", form={**_CODE, "code": "<code>"}),
        Ask(method="POST", by="client", form={"grant_type": "refresh_token", "refresh_token": "<refresh>"}),
        Ask(method="POST", by="client", form={"grant_type": "client_credentials"}),
        Ask(method="POST", by="client", form={**_DEVICE, "device_code": "<device-code>"}),
    ),
    "ANY /oauth/par": (
        Ask(method="POST", by="client", form={"redirect_uri": CALLBACK, "response_type": "code"}, effective=False),
    ),
    "ANY /oauth/device_authorization": (
        Ask(method="POST", by="client", form={"scope": "read:calendar"}),
        Ask(method="POST", by="client", form={"scope": "read:calendar", "resource": "<resource>"}, effective=False),
    ),
    "ANY /oauth/introspect": (
        Ask(method="POST", by="resource", form={"token": "<access>"}),
        Ask(method="POST", by="client", form={"token": "<refresh>"}),
    ),
    "ANY /oauth/revoke": (
        Ask(method="POST", by="client", form={"token": "<access>"}, effective=False),
        Ask(method="POST", by="client", form={"token": "<refresh>"}, effective=False),
    ),
    "ANY /oauth/register": NOTHING,
    "ANY /oauth/register/{client}": (
        Ask(by="registration", instead={"client": "registered"}),
        Ask(method="DELETE", by="registration", instead={"client": "registered"}),
    ),
    "ANY /oauth/userinfo": (Ask(by="bearer"), Ask(method="POST", by="bearer")),
    "ANY /oauth/end-session": (
        Ask(by="alice", query={"client_id": "<client>"}),
        Ask(by="alice", query={"id_token_hint": "<id>"}),
        Ask(method="POST", query={}, form={"client_id": "<client>"}, effective=False),
    ),
    "GET /oauth/jwks": NOTHING,
    "GET /.well-known/oauth-authorization-server": NOTHING,
    "GET /.well-known/openid-configuration": NOTHING,
    "GET /.well-known/oauth-protected-resource/api": NOTHING,
    # What follows is a stream without an end, so only refusals can be looked at here.
    "GET /feed": (Ask(by="resource", effective=False),),
    "POST /decisions": (Ask(method="POST", by="resource", json={"decisions": [REPORT | _NAMES]}, effective=False),),
    "GET /static/{name}": NOTHING,
    "GET /docs": NOTHING,
    "GET /docs/api": NOTHING,
    "GET /.well-known/security.txt": NOTHING,
}
API: dict[str, tuple[Ask, ...]] = {
    "GET /api/v1/openapi.json": NOTHING,
    "GET /api/v1/agents": (Ask(by="program"),),
    "POST /api/v1/agents": (
        Ask(method="POST", by="program", json={"name": "n", "purpose": "p", "owner": "<user>"}),
        Ask(method="POST", by="program", json={"name": "n", "purpose": "p", "sponsor": "<user>"}),
        Ask(
            method="POST",
            by="program",
            json={"name": "n", "purpose": "p", "remit": {"scopes": {"<resource>": ["read:calendar"]}}},
        ),
    ),
    "GET /api/v1/agents/{agent}": (Ask(by="program"),),
    "PATCH /api/v1/agents/{agent}": (
        Ask(method="PATCH", by="program", json={"owner": "<user>"}),
        Ask(method="PATCH", by="program", json={"sponsor": "<user>"}),
    ),
    "POST /api/v1/agents/{agent}/activate": (Ask(method="POST", by="program", json=BECAUSE),),
    "POST /api/v1/agents/{agent}/retire": (Ask(method="POST", by="program", json=BECAUSE),),
    "GET /api/v1/agents/{agent}/remits": (Ask(by="program"),),
    "POST /api/v1/agents/{agent}/remits": (
        Ask(method="POST", by="program", json={"scopes": {"<resource>": ["read:calendar"]}}),
    ),
    "POST /api/v1/agents/{agent}/remits/shorten": (Ask(method="POST", by="program", json={"token_seconds": 60}),),
    "GET /api/v1/grants": _many("program", "user", "agent", "client", "resource"),
    "POST /api/v1/grants": (
        Ask(
            method="POST",
            by="program",
            json={"client": "<client>", "resource": "<resource>", "scopes": ["read:calendar"]},
        ),
    ),
    "POST /api/v1/grants/revoke": tuple(
        Ask(method="POST", by="program", json={kind: f"<{kind}>", **BECAUSE})
        for kind in ("user", "agent", "client", "resource")
    ),
    # Of nothing that was used is anything left out, so one's own answers as everybody else's.
    "POST /api/v1/grants/trim": tuple(
        Ask(method="POST", by="program", json={kind: f"<{kind}>", **BECAUSE}, effective=False)
        for kind in ("user", "agent", "client", "resource")
    ),
    "GET /api/v1/grants/{grant}": (Ask(by="program"),),
    "POST /api/v1/grants/{grant}/narrow": (
        Ask(method="POST", by="program", json={"keep": ["read:calendar"], **BECAUSE}),
    ),
    "POST /api/v1/grants/{grant}/revoke": (Ask(method="POST", by="program", json=BECAUSE),),
    "GET /api/v1/grants/{grant}/lines": (Ask(by="program"),),
    "GET /api/v1/grants/{grant}/usage": (Ask(by="program"),),
    "POST /api/v1/lines/{line}/revoke": (Ask(method="POST", by="program", json=BECAUSE),),
    "GET /api/v1/clients": (Ask(by="program"), *_many("program", "agent")),
    "POST /api/v1/clients": (
        Ask(method="POST", by="program", json={**_CLIENT, "agent": "<agent>"}),
        Ask(method="POST", by="program", json={**_CLIENT, "agent": "<agent>", "default_resource": "<resource>"}),
    ),
    "GET /api/v1/registration-tokens": (Ask(by="program"),),
    "POST /api/v1/registration-tokens": (Ask(method="POST", by="program", json={}),),
    "POST /api/v1/registration-tokens/{initial}/end": (Ask(method="POST", by="program", json={}),),
    "POST /api/v1/clients/expected": (
        Ask(method="POST", by="program", json={"agent": "<agent>", "document": "https://app.example/expected.json"}),
    ),
    "GET /api/v1/clients/{client}": (Ask(by="program"),),
    "PATCH /api/v1/clients/{client}": (
        Ask(method="PATCH", by="program", json={"name": "n"}),
        Ask(method="PATCH", by="program", json={"default_resource": "<resource>"}),
    ),
    "POST /api/v1/clients/{client}/retire": (Ask(method="POST", by="program", json=BECAUSE),),
    "GET /api/v1/clients/{client}/credentials": (Ask(by="program"),),
    "POST /api/v1/clients/{client}/secrets": (Ask(method="POST", by="program", json={}),),
    "POST /api/v1/clients/{client}/secrets/rotate": (Ask(method="POST", by="program", json={}),),
    "POST /api/v1/clients/{client}/keys/rotate": (
        Ask(method="POST", by="program", json={"jwks": {"keys": [_KEY]}}, instead={"client": "keyed"}),
    ),
    "POST /api/v1/clients/{client}/credentials/{credential}/revoke": (Ask(method="POST", by="program", json={}),),
    "GET /api/v1/resources": (Ask(by="program"),),
    "GET /api/v1/resources/{resource}/credentials": (Ask(by="program"),),
    "POST /api/v1/resources/{resource}/secrets/rotate": (Ask(method="POST", by="program", json={}),),
    "POST /api/v1/resources/{resource}/credentials/{credential}/revoke": (
        Ask(method="POST", by="program", json={}, instead={"credential": "resource-credential"}),
    ),
    "POST /api/v1/resources": (
        Ask(method="POST", by="program", json={"uri": "https://new.example/", "name": "n", "scopes": []}),
    ),
    "GET /api/v1/resources/{resource}": (Ask(by="program"),),
    "PATCH /api/v1/resources/{resource}": (Ask(method="PATCH", by="program", json={"name": "n"}),),
    "POST /api/v1/resources/{resource}/secrets": (Ask(method="POST", by="program", json={}),),
    "GET /api/v1/users": (Ask(by="program"),),
    "POST /api/v1/users": (
        Ask(method="POST", by="program", json={"email": "n@example.com", "name": "n", "role": "user"}),
    ),
    "GET /api/v1/users/{user}": (Ask(by="program"),),
    "PATCH /api/v1/users/{user}": (Ask(method="PATCH", by="program", json={"name": "n"}),),
    "POST /api/v1/users/{user}/state": (Ask(method="POST", by="program", json={"state": "inactive", **BECAUSE}),),
    "POST /api/v1/users/{user}/second-factor/reset": (
        Ask(method="POST", by="program", json=BECAUSE, instead={"user": "doubled"}),
    ),
    "GET /api/v1/users/{user}/rights/{resource}": (Ask(by="program"),),
    "PUT /api/v1/users/{user}/rights/{resource}": (
        Ask(method="PUT", by="program", json={"scopes": ["read:calendar"]}),
    ),
    "GET /api/v1/own/activity": (Ask(by="person"),),
    "GET /api/v1/own/grants": (Ask(by="person"),),
    "POST /api/v1/own/grants/{grant}/narrow": (Ask(method="POST", by="person", json={"keep": ["read:calendar"]}),),
    "POST /api/v1/own/grants/{grant}/stop": (Ask(method="POST", by="person", json={}),),
    "POST /api/v1/own/stop-all": (Ask(method="POST", by="person", json={}),),
    "GET /api/v1/stops": (Ask(by="program"),),
    # Tokens are not stored, so every id of one may be stopped; it says nothing and reaches this tenant's feed alone.
    "POST /api/v1/stops": tuple(
        Ask(
            method="POST",
            by="program",
            json={"kind": kind, "id": id_, **BECAUSE},
            effective=kind != "token",
        )
        for kind, id_ in _STOPS.items()
    ),
    "GET /api/v1/stops/{stop}": (Ask(by="program"),),
    "POST /api/v1/resume": (Ask(method="POST", by="program", json={"kind": "agent", "id": "<stopped>", **BECAUSE}),),
    "GET /api/v1/keys": (Ask(by="program"),),
    "POST /api/v1/keys/rotate": (Ask(method="POST", by="program", json={}),),
    "POST /api/v1/keys/{kid}/revoke": (Ask(method="POST", by="program", json=BECAUSE),),
    "GET /api/v1/events": _many("program", *_ASKED),
    "GET /api/v1/events/{event}": (Ask(by="program"),),
    "GET /api/v1/integrity": (Ask(by="program"),),
    "GET /api/v1/decisions": _many("program", *_ASKED),
    "GET /api/v1/settings": (Ask(by="program"),),
    "PATCH /api/v1/settings": (Ask(method="PATCH", by="program", json={"rights_on": True}),),
    "GET /api/v1/export": (Ask(by="program"),),
    "POST /api/v1/plan": (Ask(method="POST", by="program", json={"state": {}}),),
    "POST /api/v1/apply": (Ask(method="POST", by="program", json={"state": {}}),),
    "GET /api/v1/overview": (Ask(by="program"),),
}
PAGES: dict[str, tuple[Ask, ...]] = {
    "GET /": NOTHING,
    "GET /login": (Ask(by="browser", query={"ix": "<ix>"}),),
    "POST /login": (
        Ask(method="POST", by="browser", form={"email": "alice@example.com", "password": "wrong", "ix": "<ix>"}),
    ),
    "POST /logout": (
        Ask(method="POST", by="alice"),
        Ask(method="POST", by="alice", form={"ix": "<leaving>"}),
    ),
    "GET /consent": (Ask(by="alice", query={"ix": "<ix>"}),),
    "POST /consent": (Ask(method="POST", by="alice", form={"ix": "<ix>", "decision": "deny"}),),
    "GET /device": (Ask(by="alice", query={"user_code": "<user-code>"}, effective=False),),
    "POST /device": (Ask(method="POST", by="alice", form={"user_code": "<user-code>"}),),
    "POST /device/answer": (Ask(method="POST", by="alice", form={"ix": "<device-ix>", "decision": "cancel"}),),
    "GET /account": (Ask(by="alice"),),
    "POST /account/agents/{grant}/stop": (Ask(method="POST", by="alice"),),
    "GET /account/agents/{grant}/change": (Ask(by="alice"),),
    "POST /account/agents/{grant}/change": (Ask(method="POST", by="alice", form={"scope": "read:calendar"}),),
    "GET /account/activity": (Ask(by="alice"),),
    "GET /login/code": (Ask(by="browser", query={"half": "<half>"}),),
    "POST /login/code": (Ask(method="POST", by="browser", form={"half": "<half>", "code": "000000"}),),
    "GET /account/security": (Ask(by="alice"),),
    "POST /account/security/begin": (Ask(method="POST", by="alice", form={"password": "wrong"}),),
    "POST /account/security/confirm": (Ask(method="POST", by="alice", form={"code": "000000"}),),
    "POST /account/security/recovery": (Ask(method="POST", by="alice", form={"code": "000000"}),),
    "POST /account/security/remove": (Ask(method="POST", by="alice", form={"code": "000000"}),),
    "POST /account/theme": (Ask(method="POST", by="alice", form={"theme": "dark"}),),
    "POST /account/stop-everything": (Ask(method="POST", by="alice"),),
    "GET /console": (Ask(by="admin"),),
    "GET /console/agents": (Ask(by="admin"),),
    "GET /console/agents/register": (Ask(by="admin"),),
    "POST /console/agents/register": (
        Ask(
            method="POST",
            by="admin",
            form={
                "name": "new",
                "purpose": "p",
                "owner": "admin@example.com",
                "scope": "<resource> read:calendar",
                "client": "none",
            },
        ),
    ),
    "GET /console/agents/{agent}": (Ask(by="admin"),),
    "POST /console/agents/{agent}/stop": (Ask(method="POST", by="admin"),),
    "POST /console/agents/{agent}/resume": (Ask(method="POST", by="admin", instead={"agent": "stopped"}),),
    "GET /console/agents/{agent}/access": (Ask(by="admin"),),
    "GET /console/agents/{agent}/activity": (Ask(by="admin"),),
    "GET /console/agents/{agent}/credentials": (Ask(by="admin"),),
    "GET /console/agents/{agent}/history": (Ask(by="admin"),),
    "POST /console/clients/{client}/roll": (Ask(method="POST", by="admin"),),
    "POST /console/clients/{client}/keys": (
        Ask(
            method="POST",
            by="admin",
            form={"jwks": json.dumps({"keys": [_KEY]})},
            instead={"client": "keyed"},
        ),
    ),
    "POST /console/clients/{client}/credentials/{credential}/revoke": (Ask(method="POST", by="admin"),),
    "GET /console/resources": (Ask(by="admin"),),
    "POST /console/resources/{resource}/roll": (Ask(method="POST", by="admin"),),
    "POST /console/resources/{resource}/credentials/{secret}/revoke": (
        Ask(method="POST", by="admin", instead={"secret": "resource-credential"}),
    ),
    "GET /console/settings": (Ask(by="admin"),),
    "POST /console/settings/lifetimes": (Ask(method="POST", by="admin", form={"access_seconds": "300"}),),
    "POST /console/settings/rotate": (Ask(method="POST", by="admin"),),
    "POST /console/settings/keys/revoke": (Ask(method="POST", by="admin", form={"kid": "<kid>", "typed": "x"}),),
    "GET /console/grants": (Ask(by="admin"), *_many("admin", "user", "agent", "client", "resource")),
    "GET /console/grants/revoke": _many("admin", "user", "agent", "client", "resource"),
    "POST /console/grants/revoke": tuple(
        Ask(method="POST", by="admin", form={kind: f"<{kind}>", "mark": "none"})
        for kind in ("user", "agent", "client", "resource")
    ),
    "GET /console/grants/trim": tuple(
        Ask(by="admin", query={kind: f"<{kind}>"}, effective=False) for kind in ("user", "agent", "client", "resource")
    ),
    "POST /console/grants/trim": tuple(
        Ask(method="POST", by="admin", form={kind: f"<{kind}>"}, effective=False)
        for kind in ("user", "agent", "client", "resource")
    ),
    "POST /console/grants/{grant}/revoke": (Ask(method="POST", by="admin"),),
    "GET /console/search": tuple(
        Ask(by="admin", query={"q": f"<{kind}>"})
        for kind in ("agent", "user", "client", "resource", "grant", "event", "jti")
    ),
    "POST /console/stops": tuple(
        Ask(method="POST", by="admin", form={"kind": kind, "id": f"<{kind}>"})
        for kind in ("agent", "user", "client", "resource")
    ),
    "POST /console/stops/{stop}/lift": (Ask(method="POST", by="admin"),),
    "GET /console/audit": (
        Ask(by="admin"),
        *_many("admin", "user", "agent", "client"),
        *(Ask(by="admin", query={"about": f"<{kind}>"}, effective=False) for kind in ("jti", "line", "grant")),
    ),
    "GET /console/audit/{event}": (Ask(by="admin"),),
    "GET /setup": (Ask(by="browser", query={"token": "<setup>"}, effective=False),),
    "POST /setup": (Ask(method="POST", by="browser", form={"token": "<setup>"}, effective=False),),
}
ROWS = PROTOCOL | API | PAGES
ASKS = [(name, ask) for name, asks in ROWS.items() for ask in asks]
