"""Read our pages as a browser does: their forms, what is filled in, what is ticked."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx


@dataclass(slots=True)
class PageForm:
    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    offered: list[tuple[str, str]] = field(default_factory=list)
    """Boxes and choices, whether ticked or not."""

    def value(self, name: str) -> str:
        return next(value for key, value in self.fields if key == name)

    def values(self, name: str) -> set[str]:
        return {value for key, value in self.fields if key == name}

    def options(self, name: str) -> set[str]:
        return {value for key, value in self.offered if key == name}

    def put(self, name: str, *values: str) -> None:
        self.fields = [pair for pair in self.fields if pair[0] != name] + [(name, value) for value in values]


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[PageForm] = []
        self.words: list[str] = []
        self.links: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in {"style", "script"}:
            self._hidden += 1
        if tag == "a":
            self.links.append(given.get("href", ""))
        if tag == "form":
            self.forms.append(PageForm(action=given["action"]))
        if tag == "input" and self.forms and given.get("name"):
            pair = given["name"], given.get("value", "")
            if given.get("type") in {"checkbox", "radio"}:
                self.forms[-1].offered.append(pair)
                if "checked" not in given:
                    return
            self.forms[-1].fields.append(pair)

    def handle_endtag(self, tag: str) -> None:
        if tag in {"style", "script"}:
            self._hidden -= 1

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)


def read_forms(page: httpx.Response) -> list[PageForm]:
    parser = _Forms()
    parser.feed(page.text)
    return parser.forms


def links_of(page: httpx.Response) -> list[str]:
    """Return where a page lets its reader go."""
    parser = _Forms()
    parser.feed(page.text)
    return parser.links


def form_to(page: httpx.Response, path: str) -> PageForm:
    """Return the form of a page that leads to a path below an issuer."""
    found = [form for form in read_forms(page) if urlsplit(form.action).path.endswith(path)]
    assert len(found) == 1, f"{page.status_code} without a form to {path}: {text_of(page)[:400]}"
    return found[0]


def text_of(page: httpx.Response) -> str:
    parser = _Forms()
    parser.feed(page.text)
    return " ".join(" ".join(parser.words).split())


async def submit(browser: httpx.AsyncClient, page: httpx.Response, form: PageForm) -> httpx.Response:
    """Send a form with the headers that a browser adds."""
    target = urljoin(str(page.request.url), form.action)
    parts = urlsplit(target)
    headers = {"origin": f"{parts.scheme}://{parts.netloc}", "sec-fetch-site": "same-origin"}
    return await browser.post(target, data=_grouped(form), headers=headers)


async def follow(browser: httpx.AsyncClient, response: httpx.Response) -> httpx.Response:
    """Follow redirects while they stay with us."""
    for _ in range(10):
        if not response.is_redirect:
            return response
        target = urljoin(str(response.request.url), response.headers["location"])
        if urlsplit(target).netloc != urlsplit(str(response.request.url)).netloc:
            return response
        response = await browser.get(target)
    raise AssertionError("a circle of redirects")


def _grouped(form: PageForm) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in form.fields:
        grouped.setdefault(name, []).append(value)
    return grouped
