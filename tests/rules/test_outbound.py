"""Who may call out, and how: the server calls nobody while it answers, and every connection checks who it speaks to."""

from __future__ import annotations

import ast

import pytest

from tests.rules.tree import SDK, SERVER, below, calls, last_name, shown, tree_of

LIBRARIES = {
    "h11",
    "httpx",
    "httpx2",
    "requests",
    "urllib3",
    "aiohttp",
    "urllib.request",
    "http.client",
    "socket",
    "ssl",
}
CALLERS = {
    # A command that asks a running server how it does, typed by whoever runs it.
    SERVER / "cli" / "doctor.py",
    SERVER / "cli" / "health.py",
    # The commands of somebody who is signed in ask the server that he named, and the addresses it gave (RFC 8414 §3.3).
    SERVER / "cli" / "remote.py",
    # The one way out for URLs that strangers named, with every guard it needs.
    SERVER / "outbound" / "fetch.py",
    # Sockets that listen.
    SERVER / "cli" / "serve.py",
    SERVER / "http" / "server.py",
}
"""Everything else of the server answers and never asks: there is nothing to send a token on by (BR-6, BCP-19)."""


def imported(node: ast.AST) -> set[str]:
    match node:
        case ast.Import(names=names):
            return {name.name for name in names}
        case ast.ImportFrom(module=str(module)):
            return {module, *(f"{module}.{name.name}" for name in node.names)}
        case _:
            return set()


@pytest.mark.requirement("BR-6", "GEN-18", "BCP-19")
def test_the_server_asks_nobody():
    found = {
        shown(path)
        for path in below(SERVER)
        if path not in CALLERS and not path.is_relative_to(SERVER / "demo")
        for node in ast.walk(tree_of(path))
        if any(name == one or name.startswith(f"{one}.") for name in imported(node) for one in LIBRARIES)
    }
    assert found == set()


# It connects to an address, and so has to say itself which name the certificate must be for.
OWN_CONTEXT = {SERVER / "outbound" / "fetch.py": {"ssl", "create_default_context"}}
TLS = {"cert", "trust_env", "check_hostname", "verify_mode", "ssl", "ssl_context", "verify_ssl"}


def is_constant(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant)


@pytest.mark.requirement("GEN-2")
def test_no_connection_is_told_to_believe_anybody():
    # The libraries check certificates and speak TLS 1.2 or newer by default, so nothing may say otherwise.
    found = {
        f"{shown(path)}:{call.lineno}"
        for path in below(SERVER, SDK)
        for call in calls(tree_of(path))
        if any(
            word.arg in TLS - OWN_CONTEXT.get(path, set()) or (word.arg == "verify" and is_constant(word.value))
            for word in call.keywords
        )
        or last_name(call.func)
        in {"SSLContext", "_create_unverified_context", "create_default_context"} - OWN_CONTEXT.get(path, set())
    }
    assert found == set()
