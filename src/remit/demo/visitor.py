"""A user with a browser, scripted: opens the real pages, fills their forms, presses their buttons. No script runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests


@dataclass(slots=True, kw_only=True)
class Box:
    """One tick box: its value, whether it is ticked, and the words beside it."""

    name: str
    value: str
    ticked: bool
    words: str = ""


@dataclass(slots=True, kw_only=True)
class Form:
    """One form of a page as a person sees it."""

    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)


class Page(HTMLParser):
    """What of a page a person uses: its text and its forms."""

    def __init__(self, url: str, html: str) -> None:
        super().__init__()
        self.url = url
        self.forms: list[Form] = []
        self.heading = ""
        self.words: list[str] = []
        self._form: Form | None = None
        self._button: tuple[str, str] | None = None
        self._box: Box | None = None
        self._inside = ""
        self._label = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(action=urljoin(self.url, given.get("action", self.url)))
            self.forms.append(self._form)
        elif tag == "h1":
            self._inside = "h1"
        elif self._form is None:
            return
        elif tag == "input":
            self._input(self._form, given)
        elif tag == "button":
            self._button, self._label = (given.get("name", ""), given.get("value", "")), ""

    def _input(self, form: Form, given: dict[str, str]) -> None:
        kind, name, value = given.get("type", "text"), given.get("name", ""), given.get("value", "")
        if kind == "checkbox":
            self._box = Box(name=name, value=value, ticked="checked" in given)
            form.boxes.append(self._box)
        elif kind != "radio" or "checked" in given:
            form.fields.append((name, value))

    def handle_data(self, data: str) -> None:
        self.words += data.split()
        if self._inside == "h1":
            self.heading += data
        if self._button is not None:
            self._label += data
        elif self._box is not None and not self._box.words and data.strip():
            self._box.words = " ".join(data.split())

    def handle_endtag(self, tag: str) -> None:
        if tag == "h1":
            self._inside, self.heading = "", " ".join(self.heading.split())
        elif tag == "form":
            self._form = self._box = None
        elif tag == "button" and self._button is not None and self._form is not None:
            self._form.buttons[" ".join(self._label.split())] = self._button
            self._button = None

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def form(self, button: str) -> Form:
        """Return the form that has a button which begins with these words.

        Raises:
            LookupError: the page has no such button.
        """
        for form in self.forms:
            if any(label.startswith(button) for label in form.buttons):
                return form
        raise LookupError(f"no button `{button}` on the page `{self.heading}`")


class Visitor:
    """One browser with its cookies."""

    def __init__(self) -> None:
        self._session = requests.Session()

    def open(self, url: str) -> Page:
        """Open a URL and follow redirects within the server."""
        return self._page(self._session.get(url, timeout=10))

    def press(self, page: Page, button: str, **fill: str) -> Page:
        """Fill a form and press a button; the page that follows is returned."""
        return self._page(self._submit(page, button, fill, follow=True))

    def leave(self, page: Page, button: str, **fill: str) -> str:
        """Press a button that leads away from the server; return where it leads, without going there."""
        return self._submit(page, button, fill, follow=False).headers["location"]

    def _submit(self, page: Page, button: str, fill: dict[str, str], *, follow: bool) -> requests.Response:
        form = page.form(button)
        pressed = next(pair for label, pair in form.buttons.items() if label.startswith(button))
        values = [(name, fill.pop(name, value)) for name, value in form.fields]
        values += [(box.name, box.value) for box in form.boxes if box.ticked]
        values += [*fill.items(), *([pressed] if pressed[0] else [])]
        return self._session.post(form.action, data=values, timeout=10, allow_redirects=follow)

    def _page(self, answer: requests.Response) -> Page:
        answer.raise_for_status()
        return Page(answer.url, answer.text)
