"""Whatever anybody sends, no endpoint breaks: a refusal, never a 5xx, and GEN-7's characters in every description."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import parse_qs, quote_plus, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.http.refusals import FORM, PRINTABLE
from tests.kit.instance import instance


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """Keep one instance for all examples; nothing that strangers send changes what the next one gets."""
    with asyncio.Runner() as runner:
        manager = instance(tmp_path_factory.mktemp("hostile"))
        remit = runner.run(manager.__aenter__())
        yield runner, remit
        runner.run(manager.__aexit__(None, None, None))


NAMES = st.sampled_from(
    """grant_type client_id client_secret client_assertion client_assertion_type code code_verifier redirect_uri scope
    refresh_token resource token token_type_hint response_type code_challenge code_challenge_method state nonce prompt
    max_age login_hint request request_uri response_mode ix csrf email password decision duration away x""".split()
)
KNOWN = st.sampled_from(
    """authorization_code refresh_token client_credentials code S256 none login openid read:calendar allow web local
    https://app.example/cb http://127.0.0.1:1/cb https://calendar.example/ https://calendar.example/#f
    urn:ietf:params:oauth:client-assertion-type:jwt-bearer a.b.c e30.e30.e30 rmt_rt_ rmt_ac_0.0 -1 0 99999999999
    eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJcdWQ4MDAifQ.x eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJcdTAwMDAifQ.x""".split()
)
RAW = st.one_of(
    KNOWN.map(quote_plus),
    st.text(max_size=20).map(lambda text: quote_plus(text, errors="replace")),
    st.binary(max_size=12).map(lambda raw: "".join(f"%{byte:02x}" for byte in raw)),
    st.sampled_from(["%", "%zz", "%00", "%ff", "%ed%a0%80", "%c0%af", "a" * 3000, "+", "%0d%0a", "%22", "%5c"]),
)
QUERY = st.lists(st.tuples(NAMES, RAW), max_size=12).map(lambda pairs: "&".join(f"{n}={v}" for n, v in pairs))
HEADER = st.one_of(
    st.none(),
    st.sampled_from(
        ["Basic", "Basic ", "Basic YTpi", "Basic Og==", "Basic /w==", "Basic YSUwMDo=", "Bearer x", "DPoP"]
    ),
    st.binary(max_size=9).map(lambda raw: "Basic " + raw.hex()),
)
PATHS = st.sampled_from(
    [
        "/oauth/token",
        "/oauth/introspect",
        "/oauth/revoke",
        "/oauth/authorize",
        "/oauth/userinfo",
        "/login",
        "/consent",
        "/logout",
    ]
)


def named(remit, text):
    """Put real clients into the place of their names, so that examples get further."""
    for name in ("web", "local"):
        text = text.replace(f"client_id={name}", f"client_id={getattr(remit.acme, name).id}")
    return text


def unbroken(answer):
    assert answer.status_code < 500, answer.text
    if answer.headers.get("content-type") == "application/json" and "error_description" in answer.text:
        assert PRINTABLE.fullmatch(answer.json()["error_description"])
    if answer.is_redirect:
        told = parse_qs(urlsplit(answer.headers["location"]).query).get("error_description", ["fine"])
        assert all(PRINTABLE.fullmatch(text) for text in told)
        assert "\r" not in answer.headers["location"]
        assert "\n" not in answer.headers["location"]


@pytest.mark.requirement("GEN-7")
@settings(max_examples=150, deadline=None)
@given(path=PATHS, query=QUERY, body=QUERY, header=HEADER)
def test_no_form_breaks_an_endpoint(opened, path, query, body, header):
    runner, remit = opened
    headers = FORM | ({"authorization": header} if header is not None else {})
    url = f"{remit.acme.issuer}{path}"
    unbroken(runner.run(remit.http.post(url, content=named(remit, body), headers=headers)))
    unbroken(runner.run(remit.http.get(f"{url}?{named(remit, query)}", headers=headers)))


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=10,
)
DECISION = st.fixed_dictionaries(
    {"id": st.text(max_size=8), "at": st.integers(-(2**63), 2**63 - 1), "decision": st.text(max_size=6)},
    optional={
        "method": st.text(max_size=9),
        "path": st.text(max_size=9),
        "status": st.integers(-(2**63), 2**63 - 1),
        "required": st.lists(st.text(max_size=5), max_size=3),
        "scope": st.text(max_size=9),
        "grant_id": st.text(max_size=9),
        "reason": st.text(max_size=9),
        "peer": st.text(max_size=9),
    },
)


@settings(max_examples=100, deadline=None)
@given(body=st.one_of(JSON, st.fixed_dictionaries({"decisions": st.lists(DECISION, max_size=3)})))
def test_no_report_breaks_the_log(opened, body):
    runner, remit = opened
    world = remit.acme
    auth = world.calendar.id, world.calendar_secret.reveal()
    sent = json.dumps(body)
    answer = runner.run(remit.http.post(f"{world.issuer}/decisions", content=sent, auth=auth))
    assert answer.status_code in {202, 400}, answer.text


@settings(max_examples=60, deadline=None)
@given(path=st.text(st.characters(codec="utf-8"), max_size=30))
def test_no_path_breaks_the_router(opened, path):
    runner, remit = opened
    for prefix in ("/", "/t/", "/t/acme/", "/.well-known/openid-configuration/"):
        answer = runner.run(remit.http.get(f"https://id.example{prefix}{quote_plus(path, safe='/.%')}"))
        assert answer.status_code < 500, answer.text
