"""Fill the settings, and read its form back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from remit.core.display import sentence
from remit.core.lifetimes import ChosenLifetimes, Lifetimes, judge_lifetimes
from remit.http._kit.views import FieldError
from remit.http.console.rows import console_frame
from remit.http.console.settings.page import KeyRow, LifetimeField, SettingsPage
from remit.http.visits import Visit
from remit.services.tenant_settings import TenantSettings, look_at_settings
from remit.wire.parse import Form

LABELS = {
    "access_seconds": ("Access tokens live", "seconds"),
    "refresh_idle_days": ("An unused approval ends after", "days"),
    "refresh_absolute_days": ("Every approval ends after", "days"),
}
USES = {"access": "access tokens", "id": "ID tokens", "audit": "the audit log"}
DEVICES = {
    True: "They may ask: a user types in the code that a device shows, and then decides as always.",
    False: "Off: no device may ask by a code. `remit tenants asking --device-flow` turns it on.",
}
_LONGEST = 6


def word_of(kid: str) -> str:
    """Return the end of a key's id, to be typed by whoever means this key."""
    return kid[-6:]


async def load(
    visit: Visit, *, typed: Mapping[str, str] | None = None, errors: tuple[FieldError, ...] = ()
) -> SettingsPage:
    seen = await look_at_settings(visit.tenant, visit.deps)
    base = f"{visit.issuer}/console/settings"
    chosen = {name: "" if value is None else str(value) for name, value in asdict(seen.chosen).items()}
    chosen |= typed or {}
    instance, holds = asdict(seen.instance), asdict(seen.chosen.over(seen.instance))
    return SettingsPage(
        frame=await console_frame(visit, "Settings"),
        lifetimes=tuple(
            LifetimeField(
                name=name, label=label, unit=unit, chosen=chosen[name], instance=instance[name], holds=holds[name]
            )
            for name, (label, unit) in LABELS.items()
        ),
        keys=tuple(
            KeyRow(kid=key.kid, use=USES[key.use], alg=key.alg, state=key.state, since=key.changed_at)
            for key in seen.keys
        ),
        registration=_registration(seen),
        devices=DEVICES[seen.device_flow],
        registered=seen.self_registered,
        quota=seen.quota,
        save=f"{base}/lifetimes" if visit.may_write else "",
        take_out=f"{base}/keys/revoke" if visit.may_write else "",
        rotate=f"{base}/rotate" if visit.may_write else "",
        errors=errors,
    )


def read(form: Form, instance: Lifetimes) -> ChosenLifetimes | tuple[FieldError, ...]:
    """Read the lifetimes of the form. Each mistake is told at its own field."""
    values: dict[str, int | None] = {}
    errors = []
    for name in LABELS:
        text = (form.one(name) or "").strip()
        if text and not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST):
            errors.append(FieldError(name=name, text="Write a whole number, or leave it empty."))
            continue
        values[name] = int(text) if text else None
        # Alone first, so that what is wrong with one field is told there; the absolute limit is judged as it will be.
        alone = ChosenLifetimes(**{name: values[name], "refresh_absolute_days": values.get("refresh_absolute_days")})
        if name != "refresh_idle_days" and (flaw := judge_lifetimes(alone, instance)) is not None:
            errors.append(FieldError(name=name, text=sentence(flaw.hint)))
    if errors:
        return tuple(errors)
    chosen = ChosenLifetimes(**values)
    flaw = judge_lifetimes(chosen, instance)
    return chosen if flaw is None else (FieldError(name="refresh_idle_days", text=sentence(flaw.hint)),)


def _registration(seen: TenantSettings) -> str:
    if seen.registration_mode == "off":
        return "Off, by the setting registration.mode or by this tenant’s own choice."
    if not seen.registration_open:
        return "Off: this tenant has no active agent “self-registered” with a remit as their ceiling."
    if seen.registration_mode == "token":
        return "With a registration token only: such a client gets an agent within the remit of “self-registered”."
    return "On: such a client gets an unverified agent, within the remit of the agent “self-registered”."
