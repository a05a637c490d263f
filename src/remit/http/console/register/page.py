"""View model of the form that registers an agent."""

from __future__ import annotations

from dataclasses import dataclass

from remit.http._kit.views import FieldError, Frame, Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeChoice:
    """A checkbox `scope` whose value is `key`."""

    key: str
    name: str
    sentence: str
    risk: str
    ticked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceChoice:
    resource: Resource
    scopes: tuple[ScopeChoice, ...]
    own: bool
    """Remit's own API: what administers, and so stands apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindChoice:
    """A radio button `client`: how the agent gets tokens."""

    value: str
    label: str
    hint: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterPage:
    """Form to `action`: every field by its name, and `scope` as often as it is ticked."""

    frame: Frame
    back: str
    action: str
    """Empty where nobody may."""
    name: str
    purpose: str
    owner: str
    sponsor: str
    resources: tuple[ResourceChoice, ...]
    more: bool
    """There are more resources than are shown."""
    kinds: tuple[KindChoice, ...]
    client_name: str
    redirect: str
    errors: tuple[FieldError, ...] = ()

    def wrong(self, name: str) -> str:
        return next((error.text for error in self.errors if error.name == name), "")
