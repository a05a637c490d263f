"""POST /oauth/token: every wrong message is refused in words that say what to change."""

from __future__ import annotations

import pytest

from tests.http.refusals import FORM, refused
from tests.kit.world import CALENDAR, TICKETS


def url(remit):
    return f"{remit.acme.issuer}/oauth/token"


def with_basic(world):
    return {"auth": (world.web.id, world.web_secret.reveal())}


MESSAGES = {
    "two ways to prove the client": (
        lambda w: {"data": {"grant_type": "refresh_token", "client_secret": "x"}, **with_basic(w)},
        400,
        "invalid_request",
        "exactly one way",
    ),
    "the name of another client": (
        lambda w: {"data": {"grant_type": "refresh_token", "client_id": w.rival.id}, **with_basic(w)},
        400,
        "invalid_request",
        "client_id differs",
    ),
    "nobody": (lambda w: {"data": {"grant_type": "refresh_token"}}, 401, "invalid_client", "name the client"),
    "a parameter twice": (
        lambda w: {"content": b"grant_type=refresh_token&grant_type=refresh_token", "headers": FORM, **with_basic(w)},
        400,
        "invalid_request",
        "stands twice",
    ),
    "JSON": (
        lambda w: {"json": {"grant_type": "refresh_token"}, **with_basic(w)},
        400,
        "invalid_request",
        "x-www-form",
    ),
    "no content type": (lambda w: {"content": b"grant_type=x", **with_basic(w)}, 400, "invalid_request", "x-www-form"),
    "two resources": (
        lambda w: {
            "data": {"grant_type": "client_credentials", "resource": [CALENDAR, TICKETS]},
            **with_basic(w),
        },
        400,
        "invalid_target",
        "send resource once",
    ),
    "a resource that nobody knows": (
        lambda w: {"data": {"grant_type": "client_credentials", "resource": "https://x.example/"}, **with_basic(w)},
        400,
        "invalid_target",
        "no such resource",
    ),
    "a resource with a fragment": (
        lambda w: {"data": {"grant_type": "client_credentials", "resource": CALENDAR + "#a"}, **with_basic(w)},
        400,
        "invalid_target",
        "fragment",
    ),
    "a resource that nobody approved": (
        lambda w: {"data": {"grant_type": "client_credentials", "resource": TICKETS}, **with_basic(w)},
        400,
        "invalid_grant",
        "no administrator has approved",
    ),
    "scopes that nobody approved": (
        lambda w: {"data": {"grant_type": "client_credentials", "scope": "delete:calendar"}, **with_basic(w)},
        400,
        "invalid_scope",
        "send one or more of read:calendar write:calendar",
    ),
    "openid without a user": (
        lambda w: {"data": {"grant_type": "client_credentials", "scope": "openid"}, **with_basic(w)},
        400,
        "invalid_scope",
        "need a user",
    ),
    "a grant type that the client did not register": (
        lambda w: {
            "data": {
                "grant_type": "client_credentials",
                "client_id": w.rival.id,
                "client_secret": w.rival_secret.reveal(),
            }
        },
        400,
        "unauthorized_client",
        "not registered for client_credentials",
    ),
    "a public client that acts for itself": (
        lambda w: {"data": {"grant_type": "client_credentials", "client_id": w.local.id}},
        400,
        "unauthorized_client",
        "not registered",
    ),
    "a secret in the URL": (
        lambda w: {"params": {"client_secret": "x"}, "data": {"grant_type": "refresh_token", "client_id": w.web.id}},
        400,
        "invalid_request",
        "never into the URL",
    ),
    "a refresh token in the URL": (
        lambda w: {"params": {"refresh_token": "x"}, "data": {"grant_type": "refresh_token"}, **with_basic(w)},
        400,
        "invalid_request",
        "never into the URL",
    ),
    "no refresh token": (
        lambda w: {"data": {"grant_type": "refresh_token"}, **with_basic(w)},
        400,
        "invalid_request",
        "send refresh_token",
    ),
    "a refresh token that nobody gave": (
        lambda w: {"data": {"grant_type": "refresh_token", "refresh_token": "abc"}, **with_basic(w)},
        400,
        "invalid_grant",
        "unknown refresh token",
    ),
    "another scheme in the header": (
        lambda w: {"data": {"grant_type": "refresh_token"}, "headers": {"authorization": "Bearer abc"}},
        401,
        "invalid_client",
        "must use Basic",
    ),
    "two headers": (
        lambda w: {
            "data": {"grant_type": "refresh_token"},
            "headers": [("authorization", "Basic YTpi"), ("authorization", "Basic YTpi")],
        },
        400,
        "invalid_request",
        "more than one Authorization",
    ),
    "more than a hundred fields": (
        lambda w: {"content": b"&".join(b"a%d=1" % i for i in range(101)), "headers": FORM, **with_basic(w)},
        400,
        "invalid_request",
        "more than 100 parameters",
    ),
    "no UTF-8": (
        lambda w: {"content": b"grant_type=%ff", "headers": FORM, **with_basic(w)},
        400,
        "invalid_request",
        "not UTF-8",
    ),
    "overlong UTF-8": (
        lambda w: {"content": b"grant_type=%c0%af", "headers": FORM, **with_basic(w)},
        400,
        "invalid_request",
        "not UTF-8",
    ),
    "half of a pair": (
        lambda w: {"content": b"grant_type=%ed%a0%80", "headers": FORM, **with_basic(w)},
        400,
        "invalid_request",
        "not UTF-8",
    ),
    "a NUL": (
        lambda w: {"content": b"grant_type=refresh_token&scope=a%00b", "headers": FORM, **with_basic(w)},
        400,
        "invalid_request",
        "not UTF-8",
    ),
    "a body of 70 kB": (
        lambda w: {"content": b"grant_type=" + b"a" * 70_000, "headers": FORM, **with_basic(w)},
        413,
        "invalid_request",
        "larger than 64 KiB",
    ),
    "a length that no number holds": (
        lambda w: {"content": b"a=1", "headers": {**FORM, "content-length": "9" * 5000}, **with_basic(w)},
        413,
        "invalid_request",
        "larger than 64 KiB",
    ),
    "a negative length": (
        lambda w: {"content": b"a=1", "headers": {**FORM, "content-length": "-1"}, **with_basic(w)},
        413,
        "invalid_request",
        "larger than 64 KiB",
    ),
    "ten thousand scopes": (
        lambda w: {
            "data": {"grant_type": "client_credentials", "scope": " ".join(f"s{i}" for i in range(10_000))},
            **with_basic(w),
        },
        400,
        "invalid_scope",
        "none of the scopes",
    ),
}


@pytest.mark.requirement(
    "GEN-4", "GEN-5", "GEN-6", "GEN-7", "GEN-9", "GEN-21", "OA-14", "OA-16", "OA-17", "OA-19", "RI-2", "RI-3", "RI-4"
)
@pytest.mark.parametrize(("message", "status", "error", "hint"), MESSAGES.values(), ids=MESSAGES)
async def test_a_wrong_message_is_refused_with_what_to_change(remit, message, status, error, hint):
    call = remit.http.post(url(remit), **message(remit.acme))
    answer, events = await remit.events_of(remit.acme, call)
    if status == 413:
        assert (answer.status_code, answer.json()["error"]) == (413, error)
        assert hint in answer.json()["error_description"]
    else:
        assert hint in refused(answer, error, status)
    assert [event["type"] for event in events] == ["token.refused"]


@pytest.mark.requirement("GEN-9")
async def test_a_body_without_a_length_is_cut_as_well(remit):
    async def endless():
        for _ in range(100):
            yield b"a" * 1000

    answer = await remit.http.post(url(remit), content=endless(), headers=FORM)
    assert answer.status_code == 413


@pytest.mark.requirement("GEN-4")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_only_post(remit, method):
    answer = await remit.http.request(method, url(remit), params={"grant_type": "client_credentials"})
    assert (answer.status_code, answer.headers["allow"], answer.headers["cache-control"]) == (405, "POST", "no-store")


@pytest.mark.requirement("GEN-10")
async def test_pages_of_any_origin_may_call_without_cookies(remit):
    answer = await remit.http.options(url(remit), headers={"origin": "https://app.example"})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, "*")
    answer = await remit.http.post(url(remit), data={}, headers={"origin": "https://app.example"})
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]
    assert "access-control-allow-credentials" not in answer.headers
