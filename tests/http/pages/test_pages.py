import re
from dataclasses import replace
from html import escape

import pytest

from remit.http._kit.render import STATIC_PREFIX, STATIC_TYPES, TEMPLATES, Pages
from remit.http.console.agents.page import AgentsPage
from tests.http.pages.account_samples import CONSENT, DELTA, IMITATION, SETUP
from tests.http.pages.samples import TYPICAL, VIEWS
from tests.http.pages.well_formed import read

PAGES = Pages()


def test_every_page_is_looked_at():
    assert {type(view) for view in TYPICAL.values()} == set(TEMPLATES)


@pytest.mark.requirement("GEN-11")
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_page_is_well_formed_labelled_and_fit_for_the_content_policy(view):
    assert read(PAGES.render(view)).faults == []


HOSTILE_VIEWS = {name: view for name, view in VIEWS.items() if name.endswith(", hostile")}


@pytest.mark.parametrize("view", HOSTILE_VIEWS.values(), ids=HOSTILE_VIEWS)
def test_hostile_text_stays_text(view):
    html = PAGES.render(view)
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "{{ 7*7 }}" in html  # shown, not computed
    # No name turns the line around.
    assert "\u202e" not in "".join(re.findall(r"<bdi>(.*?)</bdi>", html))


@pytest.mark.requirement("CON-9")
@pytest.mark.parametrize("view", [CONSENT, DELTA, IMITATION], ids=["plain", "delta", "imitation"])
def test_deny_comes_first_and_nothing_is_preselected(view):
    page = read(PAGES.render(view))
    buttons = [element for element in page.every("button") if element.attributes.get("name") == "decision"]
    assert [button.attributes["value"] for button in buttons] == ["deny", "allow"]
    deny, allow = (button.attributes for button in buttons)
    assert deny["class"] == allow["class"]
    assert "data-arm" in allow
    assert "data-arm" not in deny
    assert not any("autofocus" in element.attributes for element in page.elements)
    assert next(button for button in page.every("button")).attributes["value"] == "deny"


def values(page, name):
    return {
        element.attributes["value"]: "checked" in element.attributes
        for element in page.every("input")
        if element.attributes.get("name") == name
    }


def test_the_consent_form_carries_exactly_what_was_asked():
    page = read(PAGES.render(CONSENT))
    assert values(page, "scope") == {
        "openid": True,
        "read:calendar": True,
        "write:calendar": True,
        "delete:calendar": False,
    }
    assert values(page, "duration") == {"task": False, "day": True, "month": False}
    assert values(page, "away") == {"yes": True, "no": False}
    assert values(page, "ix") == {"ix_01": False}
    assert [form.attributes["action"] for form in page.every("form")] == ["/oauth/consent"]


def text_of(view):
    return " ".join(read(PAGES.render(view)).every("main")[0].text.split())


SAYS = {
    "who is asked and where": (CONSENT, "alice@acme.example in Acme EU"),
    "who answers for the agent": (CONSENT, "Agent, owned by dana@acme.example. Registered by your organisation."),
    "that nobody does": (DELTA, "Agent without an owner, through desk-cli. Self-registered from tools.example.net."),
    "where the browser goes": (CONSENT, "Next you go to scheduler.acme.example."),
    "that it goes to this computer": (DELTA, "an app on this computer"),
    "what is held": (DELTA, "See your events and who attends already allowed"),
    "what is new": (DELTA, "Add and change events new optional"),
    "what is sensitive": (CONSENT, "Delete events for everybody sensitive"),
    "that a name imitates another": (IMITATION, "This name contains unusual characters"),
    "that it can be stopped": (CONSENT, "You can stop this any time in My agents"),
}


@pytest.mark.requirement("CON-1", "CON-7", "RED-3", "RED-7")
@pytest.mark.parametrize(("view", "words"), SAYS.values(), ids=SAYS)
def test_consent_says(view, words):
    assert words in text_of(view)


@pytest.mark.parametrize("view", [CONSENT, DELTA, IMITATION, replace(DELTA, error="", badge="unverified")])
def test_at_most_one_alert_box(view):
    boxes = [e for e in read(PAGES.render(view)).every("div") if "alert" in e.attributes.get("class", "").split()]
    assert len(boxes) <= 1


def test_a_failed_sign_in_blames_both_fields_alike():
    html = PAGES.render(TYPICAL["sign in again after a mistake"])
    assert html.count('aria-invalid="true"') == 2
    assert "alice@acme.example" in html


def test_a_password_is_never_sent_back():
    for view in VIEWS.values():
        for element in read(PAGES.render(view)).every("input"):
            assert element.attributes.get("type") != "password" or "value" not in element.attributes


def test_text_in_a_field_comes_back_as_typed():
    view = replace(SETUP, name='O\'Brien & "Söhne" <x>')
    assert f'value="{escape(view.name).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")}"' in PAGES.render(view)


def test_rendering_is_a_function_of_the_view():
    assert Pages().render(CONSENT) == PAGES.render(CONSENT)


def file(name):
    found = PAGES.static(name)
    assert found is not None
    return found


def test_static_files_are_named_by_what_is_in_them():
    html = PAGES.render(CONSENT)
    assert len(PAGES.static_names()) == len(STATIC_TYPES)
    for name in PAGES.static_names():
        assert STATIC_PREFIX + name in html
        assert file(name).etag.strip('"') in name
        assert file(name).body


@pytest.mark.parametrize("name", ["remit.css", "../render.py", "", "remit.0000000000000000.css", "page.html"])
def test_no_other_file_is_served(name):
    assert PAGES.static(name) is None


def test_the_style_sheet_asks_nobody_for_anything():
    for name in PAGES.static_names():
        body = file(name).body.decode()
        assert not re.search(r"url\(|@import|fetch\(|XMLHttp|import\(", body)


def test_the_table_of_agents_says_in_words_how_their_clients_prove_themselves():
    agents = TYPICAL["agents"]
    assert isinstance(agents, AgentsPage)
    methods = ("client_secret_basic", "client_secret_post", "none", "private_key_jwt")
    page = read(PAGES.render(replace(agents, rows=(replace(agents.rows[0], auth=methods),))))
    scopes = [element.text for element in page.every("span") if element.attributes.get("class") == "scope"]
    assert scopes == ["secret", "PKCE", "key"]
