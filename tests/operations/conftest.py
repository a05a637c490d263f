from __future__ import annotations

import shutil

import pytest

from tests.operations.served import Resting, free_port, make_seeded, serving


@pytest.fixture(scope="session")
def seeded_base():
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture(scope="session")
def seeded_folder(tmp_path_factory, seeded_base):
    folder = tmp_path_factory.mktemp("operations")
    make_seeded(folder, seeded_base)
    return folder


@pytest.fixture
def served(seeded_folder, seeded_base, tmp_path):
    with serving(seeded_folder, tmp_path, base=seeded_base) as server:
        yield server


@pytest.fixture
def resting(seeded_folder, tmp_path):
    """A seeded instance that nobody serves."""
    shutil.copytree(seeded_folder, tmp_path, dirs_exist_ok=True)
    return Resting(folder=tmp_path)
