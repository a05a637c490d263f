"""Read a page like a strict browser: what is unbalanced, unlabelled, repeated or forbidden by the content policy."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
SHAPES = frozenset({"path", "circle", "rect"})
INTERACTIVE = frozenset({"a", "button", "input", "select", "textarea"})


@dataclass(eq=False)
class Element:
    tag: str
    attributes: dict
    text: str = ""
    inside: tuple = field(default=(), repr=False)


@dataclass(eq=False)
class Page:
    elements: list = field(default_factory=list, repr=False)
    faults: list = field(default_factory=list)

    def every(self, *tags):
        return [element for element in self.elements if element.tag in tags]


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self.open = []

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.page.faults.append(f"<{tag}> repeats an attribute")
        element = Element(tag, dict(attrs), inside=tuple(self.open))
        self.page.elements.append(element)
        if tag in {"form", "button", "a", "label"} and any(outer.tag == tag for outer in self.open):
            self.page.faults.append(f"<{tag}> inside <{tag}>")
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        if tag not in SHAPES:
            self.page.faults.append(f"<{tag}/> does not close itself in HTML")
        self.page.elements.append(Element(tag, dict(attrs), inside=tuple(self.open)))

    def handle_endtag(self, tag):
        if not self.open or self.open[-1].tag != tag:
            self.page.faults.append(f"</{tag}> closes {[element.tag for element in self.open[-2:]]}")
        else:
            self.open.pop()

    def handle_data(self, data):
        for element in self.open:
            element.text += data


def read(html):
    reader = _Reader()
    reader.feed(html)
    reader.close()
    page = reader.page
    page.faults += [f"<{element.tag}> never closes" for element in reader.open]
    page.faults += list(_faults(page))
    return page


def _faults(page):
    ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
    yield from (f"id {name} is there twice" for name in set(ids) if ids.count(name) > 1)
    labelled = {element.attributes.get("for") for element in page.every("label")}
    for element in page.elements:
        attributes = element.attributes
        for name in attributes:
            if name == "style" or name.startswith("on"):
                yield f"<{element.tag} {name}> is inline"
        if element.tag in {"style", "iframe", "object", "embed", "base"}:
            yield f"<{element.tag}> is forbidden"
        if element.tag == "script" and (element.text or not attributes.get("src", "").startswith("/static/")):
            yield "a script that is not ours"
        for name in ("for", "aria-labelledby", "aria-describedby"):
            yield from (f"{name} points nowhere: {ref}" for ref in attributes.get(name, "").split() if ref not in ids)
        if element.tag == "a" and attributes["href"].startswith("#") and attributes["href"][1:] not in ids:
            yield f"link points nowhere: {attributes['href']}"
        if element.tag in {"input", "select", "textarea"} and attributes.get("type") != "hidden":
            inside_label = any(outer.tag == "label" and outer.text.strip() for outer in element.inside)
            if not inside_label and attributes.get("id") not in labelled:
                yield f"no label: {attributes}"
        if element.tag in {"button", "a", "summary", "h1", "h2", "h3", "legend", "title"} and not element.text.strip():
            yield f"<{element.tag}> says nothing"
        if element.tag in INTERACTIVE and any(outer.tag in {"button", "a", "summary"} for outer in element.inside):
            yield f"<{element.tag}> inside something that is pressed itself"
        if element.tag == "img":
            yield "pages have no images"
    yield from _landmarks(page)


def _landmarks(page):
    for tag in ("html", "title", "main", "h1", "header"):
        if len(page.every(tag)) != 1:
            yield f"{len(page.every(tag))} of <{tag}>"
    if page.every("html")[0].attributes.get("lang") != "en":
        yield "no language"
    level = 0
    for heading in page.every("h1", "h2", "h3", "h4"):
        if int(heading.tag[1]) > level + 1:
            yield f"a heading is skipped before {heading.text}"
        level = int(heading.tag[1])
    for form in page.every("form"):
        hidden = [element for element in page.every("input") if form in element.inside]
        tokens = [element.attributes["value"] for element in hidden if element.attributes.get("name") == "csrf"]
        if "data-submit" in form.attributes:
            # The token is ours and proves that a form is; nobody else may see one.
            if tokens:
                yield "a csrf token for somebody else"
        elif form.attributes["method"] == "post" and len(tokens) != 1:
            yield f"no csrf in the form to {form.attributes['action']}"
        if form.attributes["method"] == "get" and tokens:
            yield "a csrf token in an address"
