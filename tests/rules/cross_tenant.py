"""The doors through the tenant wall: statements that may run without naming a tenant, and why.

A name here is `module.CONSTANT` below `remit.store`. Each entry weakens isolation, so the reason must hold against
somebody who wants to read another tenant's rows.
"""

from __future__ import annotations

DOORS: dict[str, str] = {
    "sqlite.SCHEMA": "the text of the schema, which is the same for everybody; read by migrations before a start",
    "sqlite.VERSION": "the number of the last migration; read before a start",
    "system.TENANT_BY_SLUG": "which tenant a URL means is asked before there is a tenant; its own row only",
    "system.TENANTS": "jobs visit every tenant, one work each; reads names and states, nothing inside a tenant",
    "system.USER_COUNT": "an instance without users shows the setup link, others never do; a number only",
}
