"""The modules whose checks are taken out, and the tests that must notice."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.mutants import Mutant, mutants

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Part:
    """One module: where it is, why it is here, and the few tests that are asked."""

    area: str
    path: Path
    tests: tuple[str, ...]
    only: tuple[str, ...] = ()
    """The functions that are meant, where the module does more than guard."""

    def mutants(self, tree: ast.Module | None = None) -> list[Mutant]:
        """Return every mutant of the module as it is now, in the order of its text."""
        found = mutants(tree if tree is not None else self.tree())
        return [mutant for mutant in found if not self.only or mutant.place in self.only]

    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(encoding="utf-8"))

    @property
    def name(self) -> str:
        return self.module.removeprefix("remit.")

    @property
    def module(self) -> str:
        source = ROOT / ("sdk/src" if self.path.is_relative_to(ROOT / "sdk") else "src")
        return ".".join(self.path.with_suffix("").relative_to(source).parts)


_EXCHANGE = (
    "tests/core/test_delegation.py",
    "tests/services/test_token_exchange.py",
    "tests/services/test_exchange_ends.py",
    "tests/services/test_exchange_details.py",
    "tests/services/test_exchange_law.py",
    "tests/abuse/test_delegation.py",
)

_STORE = ("tests/store/test_sqlite.py",)

# area, module, tests
_TABLE: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("authority", "core/authority", ("tests/core/test_authority.py", "tests/core/test_delegation.py")),
    ("authority", "core/delegation", ("tests/core/test_delegation.py",)),
    ("redirects", "core/oauth/redirects", ("tests/core/oauth/test_redirects.py", "tests/abuse/test_redirects.py")),
    ("redirects", "core/oauth/uris", ("tests/core/oauth/test_redirects.py", "tests/core/oauth/test_resources.py")),
    ("PKCE", "core/oauth/pkce", ("tests/core/oauth/test_pkce.py",)),
    ("audience", "core/oauth/resources", ("tests/core/oauth/test_resources.py",)),
    ("audience", "services/targets", ("tests/http/test_resource_parameter.py", "tests/http/test_token.py", *_EXCHANGE)),
    (
        "audience",
        "crypto/keyring",
        (
            "tests/crypto/test_keyring.py",
            "tests/crypto/test_forged_access.py",
        ),
    ),
    ("replay", "core/oauth/code", ("tests/core/oauth/test_code.py",)),
    ("replay", "core/oauth/refresh", ("tests/core/oauth/test_refresh.py", "tests/core/test_tokens.py")),
    ("replay", "core/oauth/exchange", ("tests/core/oauth/test_exchange.py",)),
    ("replay", "core/tokens", ("tests/core/test_tokens.py", "tests/core/oauth/test_refresh.py")),
    ("replay", "core/oauth/client_auth", ("tests/core/oauth/test_client_auth.py",)),
    ("replay", "crypto/assertions", ("tests/crypto/test_assertions.py", "tests/conformance/test_client_assertions.py")),
    ("replay", "cache/uses", ("tests/cache/test_uses.py",)),
    (
        "replay",
        "services/client_auth",
        (
            "tests/services/test_credentials.py",
            "tests/http/test_client_proof.py",
            "tests/conformance/test_client_assertions.py",
        ),
    ),
    ("tenant", "store/once", _STORE),
    ("tenant", "store/codes", _STORE),
    ("tenant", "store/refresh_tokens", _STORE),
    ("SDK", "sdk:verify", ("tests/sdk/test_forged_tokens.py", "tests/sdk/test_token_reading.py")),
)

_ONLY = {
    "crypto/keyring": ("TenantKeyring.read_access", "TenantKeyring._prove", "_verifying", "_hold", "_counts"),
}
"""Modules that do more than guard, and the functions that do."""


def parts() -> dict[str, Part]:
    """Return every module by its name, as `core.authority`."""
    made = [Part(area, _path(name), tests, _ONLY.get(name, ())) for area, name, tests in _TABLE]
    return {part.name: part for part in made}


def _path(name: str) -> Path:
    if name.startswith("sdk:"):
        return ROOT / "sdk/src/remit_sdk" / f"{name.removeprefix('sdk:')}.py"
    return ROOT / "src/remit" / f"{name}.py"
