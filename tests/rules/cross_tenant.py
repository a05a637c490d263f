"""The doors through the tenant wall: statements that may run without naming a tenant, and why.

A name here is `module.CONSTANT` below `remit.store`. Each entry weakens isolation, so the reason must hold against
somebody who wants to read another tenant's rows.
"""

from __future__ import annotations

DOORS: dict[str, str] = {
    "migrate_postgres.KNOWN_ROLES": "names of roles; asked by an upgrade, as the owner of the tables",
    "migrate_postgres.LOCK": "the lock that upgrades wait at; reads nothing",
    "migrate_postgres.ME": "whether our own role could pass the wall; asked before a start, about roles only",
    "migrate_postgres.PREPARED": "whether there is a schema; asked before a start",
    "migrate_postgres.TABLES": "names of tables; asked by an upgrade",
    "postgres.NEWEST": "the number of the next transaction, which says that something was committed and nothing else",
    "postgres.VERSION": "the number of the last migration; read before a start and by the probe of readiness",
    "sqlite.SCHEMA": "the text of the schema, which is the same for everybody; read by migrations before a start",
    "sqlite.VERSION": "the number of the last migration; read before a start",
    "system.TENANT_BY_SLUG": "which tenant a URL means is asked before there is a tenant; its own row only",
    "system.TENANTS": "jobs visit every tenant, one work each; reads names and states, nothing inside a tenant",
    "wall.COLLATED": "names of columns; asked by a check of the schema",
    "wall.GRANTED": "what roles may do; asked by a check of the wall",
    "wall.POLICIES": "how the wall is built; asked by a check of the wall",
    "wall.TRIGGERS": "names of triggers; asked by a check of the schema",
    "wall.UNGUARDED": "names of tables without the wall; asked by a check of the wall",
    "system.USER_COUNT": "an instance without users shows the setup link, others never do; a number only",
}
