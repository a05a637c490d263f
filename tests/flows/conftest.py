from __future__ import annotations

import pytest

from tests.flows.server import Seeded, Server


@pytest.fixture(scope="session")
def seeded_once(tmp_path_factory):
    return Seeded.make(tmp_path_factory.mktemp("seeded"))


@pytest.fixture
def running():
    """Servers that this test started; those that are still there at its end are ended."""
    started: list[Server] = []
    yield started
    for server in started:
        if server.process is not None and server.process.poll() is None:
            server.kill()


@pytest.fixture
def server(seeded_once, tmp_path, running):
    """A running server on a seeded instance of this test's own."""
    made = seeded_once.copy(tmp_path / "instance")
    running.append(made)
    return made.start()


@pytest.fixture
def acme(seeded_once):
    """The seeded tenant, as dev-seed wrote it down."""
    return seeded_once.acme
