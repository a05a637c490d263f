"""How tables are declared: the kinds of columns there are, and the tenant that every key begins with."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
)
from sqlalchemy import Text as AnyText
from sqlalchemy.schema import SchemaItem

METADATA = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "fk": "%(table_name)s_%(column_0_N_name)s_fk",
        "uq": "%(table_name)s_%(column_0_N_name)s_uq",
        "ck": "%(table_name)s_%(constraint_name)s_ck",
    }
)

# Compared byte by byte on every database: ids keep their case, and pages end where they say they do.
Text = AnyText().with_variant(AnyText(collation="C"), "postgresql")


def text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def number(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


def flag(name: str) -> Column[int]:
    """0 or 1: the two databases agree on numbers, not on booleans."""
    return Column(name, Integer, CheckConstraint(f"{name} in (0, 1)", name=name), nullable=False)


def time(name: str, *, null: bool = False) -> Column[int]:
    """Milliseconds since 1970 in UTC."""
    return Column(name, BigInteger, nullable=null)


def raw(name: str, *, null: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=null)


def one_of(name: str, values: type[StrEnum] | tuple[str, ...]) -> Column[str]:
    words = ", ".join(f"'{value}'" for value in values)
    return Column(name, Text, CheckConstraint(f"{name} in ({words})", name=name), nullable=False)


def of(table: str, column: str) -> ForeignKeyConstraint:
    """Refer to a row of the same tenant."""
    return ForeignKeyConstraint(["tenant", column], [f"{table}.tenant", f"{table}.id"])


def table(name: str, *items: SchemaItem, key: tuple[str, ...] = ("id",), of_tenant: bool = False) -> Table:
    walls = [ForeignKeyConstraint(["tenant"], ["tenant.tenant"])] if of_tenant else []
    wall = PrimaryKeyConstraint("tenant", *key)
    return Table(name, METADATA, text("tenant"), *items, wall, *walls, sqlite_with_rowid=False)
