"""View model of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from remit.http._kit.views import FieldError, Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class LifetimeField:
    """One lifetime: what was chosen (empty: nothing), and what the instance says."""

    name: str
    label: str
    unit: str
    chosen: str
    instance: int
    holds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    kid: str
    use: str
    alg: str
    state: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsPage:
    """Forms: the lifetimes to `save` (one field each, empty for the instance's) and Rotate to `rotate`, with `csrf`."""

    frame: Frame
    lifetimes: tuple[LifetimeField, ...]
    keys: tuple[KeyRow, ...]
    registration: str
    """Whether clients may register themselves, and what decides it, in a sentence."""
    devices: str
    """Whether devices may ask by a code, in a sentence."""
    registered: int
    quota: int
    save: str = ""
    rotate: str = ""
    """Action of the form that moves keys on: `use` and `when`."""
    take_out: str = ""
    """Action of the form that takes a key out at once: `kid`, `typed` and `reason`."""
    errors: tuple[FieldError, ...] = ()

    def wrong(self, name: str) -> str:
        return next((error.text for error in self.errors if error.name == name), "")
