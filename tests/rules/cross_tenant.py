"""The doors through the tenant wall: statements that may run without naming a tenant, and why.

A name here is `module.CONSTANT` below `remit.store`. Each entry weakens isolation, so the reason must hold against
somebody who wants to read another tenant's rows.
"""

from __future__ import annotations

DOORS: dict[str, str] = {}
