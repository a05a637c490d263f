"""Every view to look at: typical ones by hand, empty and hostile ones made from them field by field."""

from dataclasses import fields, is_dataclass, replace
from types import NoneType
from typing import Any, get_args, get_type_hints

from remit.http._kit.render import View
from remit.http._kit.views import (
    FieldError,
)
from remit.http.console.settings.page import LifetimeField
from remit.http.docs.reference import Group, Kind, OperationRow, ShapeRow
from tests.http.pages.account_samples import ACCOUNT
from tests.http.pages.console_samples import CONSOLE

TYPICAL = ACCOUNT | CONSOLE

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;{{ 7*7 }}\u202egnp.exe\u2066" + "x" * 300

_CHOICES = frozenset(
    {
        "state",
        "risk",
        "kind",
        "outcome",
        "badge",
        "value",
        "who_kind",
        "target_kind",
        "undo_label",
        "back_label",
        "theme",
    }
)
"""Fields that the server itself fills from a closed set."""

_NAMED_BY_US = frozenset(
    {
        (FieldError, "name"),
        (LifetimeField, "name"),
        (Group, "name"),
        (OperationRow, "id"),
        (OperationRow, "body"),
        (OperationRow, "answer"),
        (ShapeRow, "name"),
        (Kind, "of"),
    }
)
"""Names and anchors that stand in our own code."""


def poisoned(view):
    """The same view with every text replaced by an attack."""
    changes: dict[str, Any] = {}
    for field in fields(view):
        value = getattr(view, field.name)
        if field.name not in _CHOICES and (type(view), field.name) not in _NAMED_BY_US:
            changes[field.name] = _poisoned_value(value)
    return replace(view, **changes)


def _poisoned_value(value):
    if isinstance(value, str) and value:
        return HOSTILE
    if isinstance(value, tuple):
        return tuple(_poisoned_value(item) for item in value)
    return poisoned(value) if is_dataclass(value) else value


def emptied(view):
    """The same view with everything absent that may be absent."""
    hints = get_type_hints(type(view))
    changes: dict[str, Any] = {}
    for field in fields(view):
        value = getattr(view, field.name)
        if NoneType in get_args(hints[field.name]):
            changes[field.name] = None
        elif isinstance(value, tuple):
            changes[field.name] = ()
        elif is_dataclass(value):
            changes[field.name] = emptied(value)
        elif isinstance(value, bool | int):
            changes[field.name] = type(value)()
        elif isinstance(value, str) and field.name not in _CHOICES | {"title", "type"}:
            changes[field.name] = ""
    return replace(view, **changes)


VIEWS: dict[str, View] = (
    TYPICAL
    | {f"{name}, empty": emptied(view) for name, view in TYPICAL.items()}
    | {f"{name}, hostile": poisoned(view) for name, view in TYPICAL.items()}
)
