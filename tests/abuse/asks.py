"""Every request there is in which an id or a secret is named, by its route."""

from __future__ import annotations

from remit.core.clients import GrantType
from remit.core.stops import TargetKind
from tests.abuse.ask import KEY, NOTHING, Ask, many
from tests.abuse.asks_of_pages import PAGES
from tests.kit.flows import VERIFIER
from tests.kit.world import CALLBACK

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
    "GET /api/v1/grants": many("program", "user", "agent", "client", "resource"),
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
    "GET /api/v1/clients": (Ask(by="program"), *many("program", "agent")),
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
        Ask(method="POST", by="program", json={"jwks": {"keys": [KEY]}}, instead={"client": "keyed"}),
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
    "GET /api/v1/events": many("program", *_ASKED),
    "GET /api/v1/events/{event}": (Ask(by="program"),),
    "GET /api/v1/integrity": (Ask(by="program"),),
    "GET /api/v1/decisions": many("program", *_ASKED),
    "GET /api/v1/settings": (Ask(by="program"),),
    "PATCH /api/v1/settings": (Ask(method="PATCH", by="program", json={"rights_on": True}),),
    "GET /api/v1/export": (Ask(by="program"),),
    "POST /api/v1/plan": (Ask(method="POST", by="program", json={"state": {}}),),
    "POST /api/v1/apply": (Ask(method="POST", by="program", json={"state": {}}),),
    "GET /api/v1/overview": (Ask(by="program"),),
}

ROWS = PROTOCOL | API | PAGES
ASKS = [(name, ask) for name, asks in ROWS.items() for ask in asks]
