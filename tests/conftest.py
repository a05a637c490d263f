"""What tests of every folder may ask for."""

from __future__ import annotations

import pytest

from tests.kit.postgres import running


@pytest.fixture(scope="session")
def cluster():
    """A PostgreSQL server of this test process, started when the first test asks for it."""
    with running() as started:
        yield started
