from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One running instance for every client: each registers or signs in for itself."""
    from tests.interop.served import served

    with served(tmp_path_factory.mktemp("interop")) as made:
        yield made
