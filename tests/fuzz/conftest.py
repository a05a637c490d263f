from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    from tests.fuzz.opened import opened_in

    with opened_in(tmp_path_factory.mktemp("fuzz")) as made:
        yield made
