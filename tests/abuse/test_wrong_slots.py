"""One kind of secret shown where another one belongs (B-CODE-05)."""

from __future__ import annotations

from functools import partial
from typing import Any

from remit.core.oauth.pushed import PREFIX
from remit.services.provisioning.setup import create_setup_link
from tests.abuse.doors import NAMES, doors_of
from tests.http.refusals import refused
from tests.kit.delegation import exchange, team
from tests.kit.devices import codes, let_devices, poll
from tests.kit.flows import (
    answer_of,
    answered,
    approve,
    ask,
    get_tokens,
    pushed,
    redeem,
    refresh,
    request_for,
    revoke,
    sign_in,
    visit,
)
from tests.kit.pages import form_to, submit
from tests.kit.world import BASE


async def collected(remit, world, browser):
    """One live secret of every kind there is, each with the only slot that is its own."""
    await let_devices(remit, world)
    page = await sign_in(browser, await ask(browser, world, request_for(world.web)))
    form = form_to(page, "/consent")
    tokens = await get_tokens(remit, world, world.web, scope="openid read:calendar")
    return {
        "code": (await approve(remit, world, world.web, prompt="consent")).code,
        "access": tokens["access_token"],
        "refresh": tokens["refresh_token"],
        "id token": tokens["id_token"],
        "interaction": form.value("ix"),
        "csrf": form.value("csrf"),
        "session": browser.cookies["__Host-remit_acme"],
        "browser": browser.cookies["__Host-remit_acme.b"],
        "client secret": world.web_secret.reveal(),
        "resource secret": world.calendar_secret.reveal(),
        "pushed request": (await pushed(remit, world, world.web))["request_uri"].removeprefix(PREFIX),
        "device code": (await codes(remit, world, world.web))["device_code"],
        "setup link": (await create_setup_link(remit.deps, BASE)).partition("token=")[2],
    }, page


RIGHT = {
    ("code", "code"),
    ("refresh", "refresh_token"),
    ("refresh", "revoke"),
    ("access", "revoke"),
    ("interaction", "ix"),
    ("session", "session"),
    ("client secret", "client_secret"),
    ("resource secret", "resource_secret"),
    ("access", "userinfo"),
    ("access", "introspection"),
    ("access", "guard"),
    ("setup link", "setup"),
    ("pushed request", "request_uri"),
    ("access", "subject_token"),
    ("device code", "device_code"),
}
"""What fits where. `refresh` at introspection is for its own client, and we ask as a resource."""


async def test_b_code_05_one_kind_of_secret_is_never_another(remit):
    world = remit.acme
    async with remit.browser() as browser, doors_of(remit, world) as doors:
        (scheduler,) = await team(remit, world, "scheduler")
        secrets, page = await collected(remit, world, browser)
        slots: dict[str, Any] = {**SLOTS, "subject_token": partial(_subject_token, scheduler)}
        for kind, text in secrets.items():
            for slot, knock in slots.items():
                if (kind, slot) not in RIGHT:
                    remit.clock.forward(seconds=0.02)
                    await knock(remit, world, text)
            for door in NAMES:
                if (kind, door) not in RIGHT:
                    assert await doors.opens(door, text) is False, (kind, door)
        # None of it was used up by being shown at the wrong door.
        assert await doors.opens("guard", secrets["access"])
        assert await doors.opens("userinfo", secrets["access"])
        opened = {"client_id": world.web.id, "request_uri": PREFIX + secrets["pushed request"]}
        assert answer_of(await ask(browser, world, opened)).code
        assert (await redeem(remit, world, world.web, secrets["code"])).status_code == 200
        assert (await refresh(remit, world, world.web, secrets["refresh"])).status_code == 200
        refused(await poll(remit, world, world.web, secrets["device code"]), "authorization_pending")
        assert answer_of(await submit(browser, page, answered(page))).code


async def _code(remit, world, text):
    refused(await redeem(remit, world, world.web, text), "invalid_grant")


async def _subject_token(member, remit, world, text):
    refused(await exchange(remit, world, member, text, member.resource), "invalid_request")


async def _refresh(remit, world, text):
    refused(await refresh(remit, world, world.web, text), "invalid_grant")


async def _device_code(remit, world, text):
    refused(await poll(remit, world, world.web, text), "invalid_grant")


async def _client_secret(remit, world, text):
    data = {"grant_type": "client_credentials"}
    posted = {**data, "client_id": world.web.id, "client_secret": text}
    where = f"{world.issuer}/oauth/token"
    refused(await remit.http.post(where, data=data, auth=(world.web.id, text)), "invalid_client", 401)
    refused(await remit.http.post(where, data=posted), "invalid_client", 401)


async def _resource_secret(remit, world, text):
    where = f"{world.issuer}/oauth/introspect"
    refused(await remit.http.post(where, data={"token": "x"}, auth=(world.calendar.id, text)), "invalid_client", 401)


async def _assertion(remit, world, text):
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    data = {
        "grant_type": "client_credentials",
        "client_id": world.keyed.id,
        "client_assertion": text,
        "client_assertion_type": kind,
    }
    refused(await remit.http.post(f"{world.issuer}/oauth/token", data=data), "invalid_client", 401)


async def _session(remit, world, text):
    async with remit.browser() as other:
        other.cookies.set("__Host-remit_acme", text)
        assert (await other.get(f"{world.issuer}/account")).headers["location"].startswith(f"{world.issuer}/login")


async def _interaction(remit, world, text):
    async with remit.browser() as other:
        await visit(other, world)
        for where in ("login", "consent"):
            page = await other.get(f"{world.issuer}/{where}", params={"ix": text})
            assert page.status_code == 400


async def _request_uri(remit, world, text):
    asked = request_for(world.web, request_uri=text)
    answer = answer_of(await remit.http.get(f"{world.issuer}/oauth/authorize", params=asked))
    assert answer.fields["error"] == "request_uri_not_supported"
    answer = await remit.http.get(f"{world.issuer}/oauth/authorize", params={**asked, "request_uri": PREFIX + text})
    assert (answer.status_code, "pushed request is unknown" in answer.text) == (400, True)


async def _setup(remit, world, text):
    for where in (BASE, world.issuer):
        assert (await remit.http.get(f"{where}/setup", params={"token": text})).status_code == 404


async def _revoke(remit, world, text):
    assert (await revoke(remit, world, world.web, text)).status_code == 200


async def _csrf(remit, world, text):
    async with remit.browser() as other:
        page = await other.get(f"{world.issuer}/login")
        form = form_to(page, "/login")
        form.put("csrf", text)
        assert (await submit(other, page, form)).status_code == 403


SLOTS = {
    "code": _code,
    "refresh_token": _refresh,
    "device_code": _device_code,
    "client_secret": _client_secret,
    "resource_secret": _resource_secret,
    "client_assertion": _assertion,
    "session": _session,
    "ix": _interaction,
    "request_uri": _request_uri,
    "setup": _setup,
    "revoke": _revoke,
    "csrf": _csrf,
}
