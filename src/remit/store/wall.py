"""The second wall on PostgreSQL: row-level security, what each role may do, and the notice of a stop.

Our own statements name their tenant. This wall holds where one forgets to: it is forced on every table, for the owner
too, and it is put up again after every upgrade, so that no table is ever without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

APPEND_ONLY = frozenset({"event", "checkpoint"})
"""Tables whose rows even our own server may not change: what happened has happened."""

KEPT = frozenset({"tenant", "audit_tree"})
"""Tables whose rows change and are never deleted."""

_LIFETIMES = ("access_seconds", "refresh_idle_days", "refresh_absolute_days")
DOORS = {
    "tenant": ("tenant", "slug", "name", "state", "rights_on", *_LIFETIMES, "require_pushed", "device_flow"),
    "users": ("tenant",),
}
"""What the system role sees of every tenant: which there are, and how many people."""

VERSION_TABLE = "alembic_version"

_INSIDE = "tenant = nullif(current_setting('app.tenant', true), '')"

# The notice is sent with the commit of the stop, whoever places it, and carries the name of the node.
_TELL = """
create or replace function remit_tell() returns trigger language plpgsql as $$
begin
  perform pg_notify('remit_stops', current_setting('application_name'));
  return null;
end $$
"""

UNGUARDED = """
select relname::text from pg_class
 where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and relname <> 'alembic_version'
   and not (relrowsecurity and relforcerowsecurity)
 order by 1
"""

POLICIES = """
select tablename::text, policyname::text, array_to_string(roles, ','), cmd, permissive,
       coalesce(qual, ''), coalesce(with_check, '')
  from pg_policies where schemaname = current_schema()
"""

GRANTED = """
select table_name::text, grantee::text, privilege_type::text from information_schema.role_table_grants
 where table_schema = current_schema() and grantee in (:app, :system, 'PUBLIC')
"""

COLLATED = """
select table_name || '.' || column_name from information_schema.columns
 where table_schema = current_schema() and data_type = 'text' and collation_name is distinct from 'C'
 order by 1
"""

TRIGGERS = """
select tgname::text from pg_trigger
 where tgrelid = to_regclass('stop') and not tgisinternal and tgenabled <> 'D'
"""


class Roles(NamedTuple):
    """The roles that works and the door across tenants run as."""

    app: str
    system: str


def rights(table: str) -> tuple[str, ...]:
    """Return what a work may do with the rows of its tenant."""
    if table == VERSION_TABLE:
        return ("SELECT",)
    return ("INSERT", "SELECT", *(() if table in APPEND_ONLY else ("UPDATE",)), *_deleting(table))


def _deleting(table: str) -> tuple[str, ...]:
    return () if table in APPEND_ONLY | KEPT else ("DELETE",)


def build(tables: Iterable[str], roles: Roles) -> Iterator[str]:
    """Yield the statements that put the wall up, whatever stood there before."""
    app, system = _quoted(roles.app), _quoted(roles.system)
    for table in tables:
        yield f"alter table {table} enable row level security"
        yield f"alter table {table} force row level security"
        yield f"drop policy if exists wall on {table}"
        yield f"create policy wall on {table} using ({_INSIDE}) with check ({_INSIDE})"
        yield from _grants(table, app, system)
    yield from _grants(VERSION_TABLE, app, system)
    for table, columns in DOORS.items():
        yield f"drop policy if exists door on {table}"
        yield f"create policy door on {table} for select to {system} using (true)"
        yield f"grant select ({', '.join(columns)}) on {table} to {system}"
    yield _TELL
    yield "drop trigger if exists tell on stop"
    yield "create trigger tell after insert or update on stop for each statement execute function remit_tell()"


def _grants(table: str, app: str, system: str) -> Iterator[str]:
    yield f"revoke all on {table} from public, {app}, {system}"
    yield f"grant {', '.join(rights(table))} on {table} to {app}"


def faults(
    tables: Iterable[str],
    roles: Roles,
    *,
    unguarded: Iterable[str],
    policies: Iterable[tuple[str, ...]],
    granted: Iterable[tuple[str, str, str]],
    collated: Iterable[str],
    triggers: Iterable[str],
) -> Iterator[str]:
    """Tell where the wall is not as `build` leaves it."""
    tables = tuple(tables)
    yield from (f"table {table} has no forced row security" for table in unguarded)
    expected = {(table, "wall", "public", "ALL", "PERMISSIVE") for table in tables}
    expected |= {(table, "door", roles.system, "SELECT", "PERMISSIVE") for table in DOORS}
    found: set[tuple[str, ...]] = set()
    conditions: set[str] = set()
    for table, policy, *rest, using, checked in policies:
        found.add((table, policy, *rest))
        if policy == "wall":
            conditions |= {using, checked}
    yield from (f"policy {policy} of {table} is missing" for table, policy, *_ in sorted(expected - found))
    yield from (f"policy {policy} of {table} is not ours" for table, policy, *_ in sorted(found - expected))
    if any(_bare(condition) != _bare(_INSIDE) for condition in conditions):
        yield "a policy does not compare the tenant of a row with the tenant of the work"
    allowed = {(table, roles.app, right) for table in (*tables, VERSION_TABLE) for right in rights(table)}
    given = set(granted)
    yield from (f"{role} lacks {right} on {table}" for table, role, right in sorted(allowed - given))
    yield from (f"{role} has {right} on {table}" for table, role, right in sorted(given - allowed))
    yield from (f"column {column} does not compare by bytes" for column in collated)
    if "tell" not in set(triggers):
        yield "stops are not told to other nodes"


def _bare(condition: str) -> str:
    """Return a condition without what the database adds when it writes it down."""
    return condition.lower().replace("::text", "").strip("()").replace(" ", "")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
