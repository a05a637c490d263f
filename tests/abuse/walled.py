"""One of everything in a tenant: ids and secrets to try at another one."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import apsw

from remit.core.names import LineId, Prefix, SecretKind, SessionId, UserId
from remit.core.oauth.device import draw
from remit.core.sessions import LoginSession
from remit.core.stops import Target, TargetKind
from remit.core.totp import STEP_SECONDS
from remit.services.provisioning.initial_tokens import add_initial_token
from remit.services.provisioning.setup import create_setup_link
from remit.services.stops import place_stop
from tests.abuse.ask import Values
from tests.abuse.asks import REPORT
from tests.http.api.world import EVERYTHING, api_as, api_of
from tests.kit.devices import codes, let_devices
from tests.kit.flows import approve, claims_of, get_tokens, request_for
from tests.kit.instance import Remit
from tests.kit.registering import let_in, register
from tests.kit.second_factor import enrol
from tests.kit.world import BASE, PASSWORD, SEEDER, World, sure


async def furnish(remit: Remit, world: World) -> dict[str, str]:
    """Make one of everything in a tenant, and return what names it."""
    deps, tenant, worlds_tokens = (
        remit.deps,
        world.tenant,
        await get_tokens(remit, world, world.web, scope="openid read:calendar"),
    )
    claims = claims_of(worlds_tokens["access_token"])
    reported = {
        "id": f"d-{world.tenant.slug}",
        **{name: claims[name] for name in ("jti", "sub", "client_id", "agent_id", "grant_id")},
    }
    answer = await remit.http.post(
        f"{world.issuer}/decisions",
        json={"decisions": [REPORT | reported]},
        auth=(world.calendar.id, world.calendar_secret.reveal()),
    )
    assert answer.status_code == 202, answer.text
    async with deps.db.read(tenant.id) as work:
        other = await work.agents.by_name("other")
        (secret, *_), (resource_secret, *_) = (
            await work.clients.secrets(world.web.id),
            await work.resources.secrets(world.calendar.id),
        )
        line = await work.lines.get(LineId(claims["line_id"]))
        kid = next(key.kid for key in await work.keys.all() if key.state == "next")
    assert other is not None
    assert line is not None
    stop = sure(await place_stop(tenant.id, Target(TargetKind.AGENT, other.id), deps, SEEDER, reason="INC-0"))
    await let_in(remit, world)
    registered = (await register(remit, world)).json()
    initial, _ = sure(await add_initial_token(tenant.id, deps, SEEDER, note="n", uses=1, lives=timedelta(days=1)))
    binding = deps.fresh.opaque(SecretKind.BROWSER).text().reveal()
    made = {
        "tenant": tenant.id,
        "agent": world.agent.id,
        "stopped": other.id,
        "client": world.web.id,
        "user": world.alice.id,
        "resource": world.calendar.id,
        "grant": claims["grant_id"],
        "line": claims["line_id"],
        "jti": claims["jti"],
        "session": line.session,
        "kid": kid,
        "keyed": world.keyed.id,
        "credential": secret.id,
        "resource-credential": resource_secret.id,
        "stop": stop.id,
        "registered": registered["client_id"],
        "registration": registered["registration_access_token"],
        "initial": initial.id,
        "access": worlds_tokens["access_token"],
        "refresh": worlds_tokens["refresh_token"],
        "id": worlds_tokens["id_token"],
        "code": (await approve(remit, world, world.web)).code,
        "client-proof": _basic(world.web.id, world.web_secret.reveal()),
        "resource-proof": _basic(world.calendar.id, world.calendar_secret.reveal()),
        "program": (await api_of(remit, world, EVERYTHING)).token,
        "person": (await api_as(remit, world, "alice@example.com")).token,
        "binding": binding,
        "browser-csrf": deps.digester.tag("csrf", tenant.id, binding, ""),
        "setup": (await create_setup_link(deps, BASE)).rpartition("=")[2],
    }
    for name, user in (("admin", world.admin), ("alice", world.alice)):
        cookie, session = await _signed_in(remit, world, user.id)
        made[f"{name}-session"] = cookie
        made[f"{name}-csrf"] = deps.digester.tag("csrf", tenant.id, binding, session)
    cookies = {"cookie": f"__Host-remit_{tenant.slug}={made['alice-session']}; __Host-remit_{tenant.slug}.b={binding}"}
    asked = request_for(world.web, prompt="consent")
    page = await remit.http.get(f"{world.issuer}/oauth/authorize", params=asked, headers=cookies)
    found = re.search(r'ix(?:=|" value=")([A-Za-z0-9_-]+)', page.headers.get("location", "") + page.text)
    assert found is not None, page.text
    made["ix"] = found[1]
    leaving = {"client_id": world.web.id}
    page = await remit.http.get(f"{world.issuer}/oauth/end-session", params=leaving, headers=cookies)
    found = re.search(r'name="ix" value="([A-Za-z0-9_-]+)', page.text)
    assert found is not None, page.text
    made["leaving"] = found[1]
    await enrol(remit, world, world.mallory)
    remit.clock.forward(seconds=-STEP_SECONDS)  # tests begin at the first moment
    made["doubled"] = world.mallory.id
    typed = {"email": world.mallory.email, "password": PASSWORD, "csrf": made["browser-csrf"]}
    page = await remit.http.post(
        f"{world.issuer}/login", data=typed, headers={"cookie": cookies["cookie"].partition("; ")[2]}
    )
    found = re.search(r"half=([A-Za-z0-9_-]+)", page.headers["location"])
    assert found is not None, page.text
    made["half"] = found[1]
    await let_devices(remit, world)
    made["device-code"], made["user-code"] = await _device(remit, world)
    form = {"csrf": made["alice-csrf"], "user_code": (await _device(remit, world))[1]}
    same = {"origin": BASE, "sec-fetch-site": "same-origin"}
    page = await remit.http.post(f"{world.issuer}/device", data=form, headers=cookies | same)
    found = re.search(r'name="ix" value="([A-Za-z0-9_-]+)', page.text)
    assert found is not None, page.text
    made["device-ix"] = found[1]
    made["event"] = (await remit.events(world))[-1]["id"]
    return made


def unknown(remit: Remit, theirs: Values) -> dict[str, str]:
    """Return for each kind what was never made, written as the known ones are."""
    fresh = remit.deps.fresh
    made = {}
    for kind, value in theirs.items():
        if kind in {"access", "id", "program", "person"}:
            head, body, signature = value.split(".")
            made[kind] = f"{head}.{body}.{signature[:10]}{'A' * (len(signature) - 12)}{signature[-2:]}"
        elif value.startswith("rmt_"):
            made[kind] = fresh.opaque(SecretKind(value.split("_")[1])).text().reveal()
        elif kind.endswith("-proof"):
            prefix, secret = (
                (Prefix.CLIENT, SecretKind.CLIENT) if kind == "client-proof" else (Prefix.RESOURCE, SecretKind.RESOURCE)
            )
            made[kind] = _basic(fresh.id(prefix), fresh.opaque(secret).text().reveal())
        elif kind == "user-code":
            made[kind] = draw(fresh.random(32))
        elif kind in {"device-ix", "half", "ix", "kid", "leaving"} or kind.endswith("-csrf"):
            made[kind] = secrets.token_urlsafe(len(value))[: len(value)]
        elif "_" in value:
            made[kind] = fresh.id(Prefix(value.split("_")[0]))
        else:
            made[kind] = fresh.ordinal()
    return made


async def _device(remit: Remit, world: World) -> tuple[str, str]:
    told = await codes(remit, world, world.web)
    return told["device_code"], told["user_code"]


async def _signed_in(remit: Remit, world: World, user: UserId) -> tuple[str, str]:
    opaque, now = remit.deps.fresh.opaque(SecretKind.LOGIN), remit.clock.now()
    session = LoginSession(
        id=SessionId(f"{Prefix.SESSION}_{opaque.id}"),
        digest=remit.deps.digester.digest(opaque),
        user=user,
        auth_time=now,
        amr=("pwd",),
        last_seen=now,
        ended_at=None,
    )
    async with remit.deps.db.work(world.tenant.id) as work:
        await work.sessions.add(session)
    return opaque.text().reveal(), session.id


def _basic(name: str, secret: str) -> str:
    import base64

    return base64.b64encode(f"{name}:{secret}".encode()).decode()


def stored(path: Path, tenant: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of a tenant, as the file holds it."""
    connection = apsw.Connection(str(path))
    try:
        names = [str(name) for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        return {name: _rows(connection, name, tenant) for name in names if name != "alembic_version"}
    finally:
        connection.close()


def _rows(connection: apsw.Connection, table: str, tenant: str) -> list[tuple[Any, ...]]:
    return list(connection.execute(f'select * from "{table}" where tenant = ?', (tenant,)))
