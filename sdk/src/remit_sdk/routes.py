"""The route table: which scopes each operation needs; what is not listed is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from remit_sdk.step_up import StepUp
from remit_sdk.strict import read_scopes

_ROUTE: Final = re.compile(r"([A-Z]+|\*) (/\S*)", re.ASCII)
_PARAMETER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(:path)?\}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One line of the table; `needed` is None for a public operation."""

    method: str
    pattern: re.Pattern[str]
    needed: frozenset[str] | None
    step_up: StepUp | None = None


def required(scopes: str | Iterable[str]) -> frozenset[str]:
    """Read the scopes that an operation needs, as one string or several.

    Raises:
        ValueError: a scope is malformed, or there is none.
    """
    text = scopes if isinstance(scopes, str) else " ".join(scopes)
    names = read_scopes(text)
    if not names:
        msg = f"`{text}` names no scope; list the operation as public if it needs none"
        raise ValueError(msg)
    return names


class RouteTable:
    """Find the line for a request; the first that matches decides."""

    def __init__(
        self,
        routes: Mapping[str, str | Iterable[str]],
        public: Iterable[str] = (),
        step_up: Mapping[str, StepUp] | None = None,
    ) -> None:
        stronger = step_up or {}
        if unknown := sorted(stronger.keys() - routes.keys()):
            msg = f"step_up names `{unknown[0]}`, which is none of the routes"
            raise ValueError(msg)
        self._routes = [
            *(_route(text, required(scopes), stronger.get(text)) for text, scopes in routes.items()),
            *(_route(text, None) for text in public),
        ]

    def find(self, method: str, path: str) -> Route | None:
        """Return the matching line, or None for an unknown operation."""
        if _ambiguous(path):
            return None
        # Frameworks answer HEAD with the GET handler.
        methods = {method, "*"} | ({"GET"} if method == "HEAD" else set())
        for route in self._routes:
            if route.method in methods and route.pattern.fullmatch(path):
                return route
        return None


def _ambiguous(path: str) -> bool:
    # The app behind may read these another way than we do (B-GW class), so nobody gets to.
    segments = path.split("/")[1:]
    return (
        "\\" in path
        or any(c < " " or c == "\x7f" for c in path)
        or "" in segments[:-1]
        or "." in segments
        or ".." in segments
    )


def _route(text: str, needed: frozenset[str] | None, step_up: StepUp | None = None) -> Route:
    found = _ROUTE.fullmatch(text)
    if found is None:
        msg = f"`{text}` is no route; write `GET /events/{{id}}`"
        raise ValueError(msg)
    method, template = found.groups()
    return Route(method=method, pattern=_pattern(template), needed=needed, step_up=step_up)


def _pattern(template: str) -> re.Pattern[str]:
    parts: list[str] = []
    at = 0
    for parameter in _PARAMETER.finditer(template):
        parts.append(re.escape(template[at : parameter.start()]))
        parts.append("(?s:.+)" if parameter.group(2) else "[^/]+")
        at = parameter.end()
    rest = template[at:]
    if any(brace in _PARAMETER.sub("", template) for brace in "{}"):
        msg = f"`{template}` has an unreadable parameter"
        raise ValueError(msg)
    return re.compile("".join(parts) + re.escape(rest))
