"""Attacks on how clients and people prove themselves (B-KEY)."""

from __future__ import annotations

import asyncio
import base64
from urllib.parse import quote

import pytest

from remit.core.oauth.verdicts import TooMany
from remit.services.second_factor import TRIES, remove, renew
from tests.http.api.world import api_of
from tests.kit.flows import assertion, visit
from tests.kit.pages import follow, form_to, submit, text_of
from tests.kit.second_factor import enrol, type_code
from tests.kit.world import PASSWORD, SEEDER

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def basic(name, secret):
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


def proofs(world):
    """Every wrong way to prove oneself: what is sent beside the grant, and what comes back."""
    web, rival = world.web, world.rival
    secret, other = world.web_secret.reveal(), world.rival_secret.reveal()
    two, wrong = (400, "invalid_request"), (401, "invalid_client")
    return {
        "two secrets": (basic(web.id, secret), {"client_id": web.id, "client_secret": secret}, two),
        "a secret and an assertion": (
            basic(web.id, secret),
            {"client_assertion_type": JWT_BEARER, "client_assertion": "e30.e30.e30"},
            two,
        ),
        "two names": (basic(web.id, secret), {"client_id": rival.id}, two),
        "no secret": ({}, {"client_id": web.id}, wrong),
        "an empty secret": ({}, {"client_id": web.id, "client_secret": ""}, wrong),
        "an empty secret in the header": (basic(web.id, ""), {}, wrong),
        "somebody else's secret": (basic(web.id, other), {}, wrong),
        "no such client": (basic("cli_" + "0" * 26, secret), {}, wrong),
        "nobody at all": ({}, {}, wrong),
    }


async def test_b_key_01_whoever_proves_himself_twice_or_not_at_all_is_refused(remit):
    world = remit.acme
    for name, (headers, fields, expected) in proofs(world).items():
        sent = {"grant_type": "client_credentials", **fields}
        answer, told = await remit.events_of(
            world, remit.http.post(f"{world.issuer}/oauth/token", data=sent, headers=headers)
        )
        assert (answer.status_code, answer.json()["error"]) in {expected, (401, "invalid_client")}, (name, answer.text)
        assert answer.status_code == expected[0] or "no" in name, name
        assert ("www-authenticate" in answer.headers) == (answer.status_code == 401), name
        assert {event["type"] for event in told} <= {"token.refused", "refusals.counted"}, name


SPECIAL = (":", "%", "+", " ", "ü", "%zz", "%C3%BC", "%00", "a:b:c", "%3A", "\x7f")


async def test_b_key_02_special_characters_in_basic_credentials_break_nothing(remit):
    world = remit.acme
    where, sent = f"{world.issuer}/oauth/token", {"grant_type": "client_credentials"}
    secret = world.web_secret.reveal()
    for text in (secret, quote(secret, safe=""), "".join(f"%{ord(letter):02X}" for letter in secret)):
        good = await remit.http.post(where, data=sent, headers=basic(quote(world.web.id, safe=""), text))
        assert good.status_code == 200, text
    for text in SPECIAL:
        for whole in (basic(world.web.id, text), basic(text, secret), basic(world.web.id, secret + text)):
            answer = await remit.http.post(where, data=sent, headers=whole)
            assert answer.status_code in {400, 401}, text
            assert answer.json()["error"] in {"invalid_client", "invalid_request"}


async def proves(remit, world, text):
    """Say whether an assertion proves its client, where proving is all that counts."""
    sent = {"client_assertion": text, "client_assertion_type": JWT_BEARER, "token": "nothing"}
    answer = await remit.http.post(f"{world.issuer}/oauth/revoke", data=sent)
    if answer.status_code == 200:
        return True
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), answer.text
    return False


async def test_b_key_03_an_assertion_proves_its_client_once(remit):
    world = remit.acme
    text = assertion(remit, world, world.keyed)
    found = await asyncio.gather(*(proves(remit, world, text) for _ in range(8)))
    assert sorted(found) == [False] * 7 + [True]
    assert not await proves(remit, world, text)
    at = int(remit.clock.now().timestamp())
    for changes in (
        {"jti": None},
        {"jti": ""},
        {"exp": at + 10 * 365 * 86400},
        {"exp": at + 3600},
        {"exp": None},
        {"iat": at + 3600},
        {"nbf": at + 3600},
        {"aud": "https://elsewhere.example"},
        {"iss": world.web.id},
        {"sub": world.web.id},
    ):
        assert not await proves(remit, world, assertion(remit, world, world.keyed, **changes)), changes
    assert await proves(remit, world, assertion(remit, world, world.keyed))
    # It is as good at another tenant as any text.
    assert not await proves(remit, remit.globex, assertion(remit, world, world.keyed))


async def test_b_key_04_a_secret_that_was_taken_back_opens_nothing(remit):
    world = remit.acme
    api = await api_of(remit, world)
    where, sent = f"{world.issuer}/oauth/token", {"grant_type": "client_credentials"}
    shown = basic(world.web.id, world.web_secret.reveal())
    for _ in range(20):
        assert (await remit.http.post(where, data=sent, headers=shown)).status_code == 200
    before = (await api.get(f"/clients/{world.web.id}/credentials")).json()["credentials"]
    fresh = (await api.post(f"/clients/{world.web.id}/secrets")).json()["client_secret"]
    for old in before:
        ended = await api.post(f"/clients/{world.web.id}/credentials/{old['id']}/revoke")
        assert ended.status_code == 200, ended.text
    answer = await remit.http.post(where, data=sent, headers=shown)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert (await remit.http.post(where, data=sent, headers=basic(world.web.id, fresh))).status_code == 200
    await api.post(f"/clients/{world.web.id}/retire", {"reason": "replaced"})
    gone = await remit.http.post(where, data=sent, headers=basic(world.web.id, fresh))
    assert (gone.status_code, gone.json()["error"]) == (401, "invalid_client")


async def sign_in(remit, world, email, password):
    async with remit.browser() as browser:
        page = await browser.get(f"{world.issuer}/login")
        form = form_to(page, "/login")
        form.put("email", email)
        form.put("password", password)
        return await submit(browser, page, form)


async def test_b_key_07_other_spellings_of_a_name_are_no_further_tries(remit):
    world = remit.acme
    spelled = [
        "alice@example.com",
        "Alice@Example.com",
        " alice@example.com ",
        "ALICE@example.com",
        "aLice@example.com",
    ]
    answers = [await sign_in(remit, world, spelled[number % len(spelled)], f"wrong {number}") for number in range(40)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) > 25, "each spelling had tries of its own"
    # Now the right password is tried in every spelling there is, also in those that only look alike.
    alike = ["alice@example.com\u200b", "\uff41lice@example.com", "alice@example.com.", "alice+x@example.com"]
    for email in spelled + alike:
        answer = await sign_in(remit, world, email, PASSWORD)
        assert not answer.is_redirect, email
    told = [event["reason"] for event in [e["what"] for e in await remit.events(world, type="user.sign_in_refused")]]
    assert "too many tries" in told


async def test_b_key_07_one_rule_and_one_count_for_the_second_factor(remit):
    world = remit.acme
    app = await enrol(remit, world)
    for email in ("alice@example.com", "Alice@Example.com", " ALICE@example.com "):
        # However she is called, she is asked; the password alone gives no session.
        async with remit.browser() as browser:
            answer = await sign_in(remit, world, email, PASSWORD)
            assert "/login/code" in answer.headers["location"]
            assert "remit_acme=" not in answer.headers.get("set-cookie", "")
    refused = 0
    async with remit.browser() as browser:
        page = await follow(browser, await visit(browser, world))
        for number in range(12):
            page = await type_code(browser, page, f"{number:06}")
            refused += page.status_code == 429
    assert refused >= 12 - TRIES
    # Now the right code is refused too, in every other place that takes one.
    async with remit.browser() as browser:
        page = await follow(browser, await visit(browser, world))
        assert (await type_code(browser, page, app.code())).status_code == 429
    for ask in (remove, renew):
        outcome = await ask(world.tenant.id, world.alice.id, app.code(), remit.deps, SEEDER)
        assert isinstance(outcome, TooMany)


@pytest.mark.parametrize("typed", ["{0}", " {0} ", "{0[0]} {0[1]} {0[2]}{0[3]}{0[4]}{0[5]}"])
async def test_b_key_07_a_code_works_once_however_it_is_typed(remit, typed):
    world = remit.acme
    app = await enrol(remit, world)
    code = app.code()
    async with remit.browser() as browser:
        page = await follow(browser, await visit(browser, world))
        assert (await type_code(browser, page, typed.format(code))).url.path.endswith("/account")
    async with remit.browser() as browser:
        page = await follow(browser, await visit(browser, world))
        page = await type_code(browser, page, code)
        assert "That code is not right" in text_of(page)


async def test_b_key_08_nobody_learns_who_or_what_exists(remit):
    world = remit.acme
    known = await sign_in(remit, world, "alice@example.com", "wrong")
    nobody = await sign_in(remit, world, "nobody@example.com", "wrong")
    elsewhere = await sign_in(remit, world, "alice@example.org", "wrong")
    assert known.status_code == nobody.status_code == elsewhere.status_code == 200
    assert text_of(known) == text_of(nobody) == text_of(elsewhere)
    sent = {"grant_type": "client_credentials"}
    answers = []
    for name in (world.web.id, "cli_" + "0" * 26, remit.globex.web.id, "anything"):
        answer = await remit.http.post(f"{world.issuer}/oauth/token", data=sent, headers=basic(name, "wrong"))
        answers.append((answer.status_code, answer.content, answer.headers["www-authenticate"]))
    assert len(set(answers)) == 1
    async with remit.browser() as browser:
        assert (await visit(browser, world)).is_redirect


@pytest.mark.parametrize("kind", ["unknown", "known"])
async def test_a_password_is_compared_also_where_there_is_nobody(remit, kind, monkeypatch):
    # Whoever is not there costs the slow comparison too, so that the time tells nothing.
    compared = []
    seam = type(remit.deps.passwords).verify

    async def watched(self, hashed, password):
        compared.append(hashed)
        return await seam(self, hashed, password)

    monkeypatch.setattr(type(remit.deps.passwords), "verify", watched)
    await sign_in(remit, remit.acme, "nobody@example.com" if kind == "unknown" else "alice@example.com", "wrong")
    assert len(compared) == 1
    assert (compared[0] is None) == (kind == "unknown")
