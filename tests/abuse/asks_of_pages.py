"""Every request to a page in which an id or a secret is named, by its route."""

from __future__ import annotations

import json

from tests.abuse.ask import KEY, NOTHING, Ask, many

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
            form={"jwks": json.dumps({"keys": [KEY]})},
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
    "GET /console/grants": (Ask(by="admin"), *many("admin", "user", "agent", "client", "resource")),
    "GET /console/grants/revoke": many("admin", "user", "agent", "client", "resource"),
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
        *many("admin", "user", "agent", "client"),
        *(Ask(by="admin", query={"about": f"<{kind}>"}, effective=False) for kind in ("jti", "line", "grant")),
    ),
    "GET /console/audit/{event}": (Ask(by="admin"),),
    "GET /setup": (Ask(by="browser", query={"token": "<setup>"}, effective=False),),
    "POST /setup": (Ask(method="POST", by="browser", form={"token": "<setup>"}, effective=False),),
}
