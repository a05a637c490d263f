"""What tests of every folder may ask for."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from tests.kit.effort import Effort
from tests.kit.postgres import running

# Before anybody imports them: tests of other folders use parts of the store's contract, too.
STORE = "contract", "log", "nouns", "pages", "remembered", "rows", "steps", "units", "wall"
pytest.register_assert_rewrite(*(f"tests.store.{part}" for part in STORE))


MEMORY = Path("/dev/shm")
ROOM = 4 * 1024**3
"""Bytes that a run may take there; a container often has 64 MiB."""


def pytest_addoption(parser):
    group = parser.getgroup("long")
    group.addoption("--long-scale", type=float, default=1.0, help="multiply the size of every long test")
    group.addoption("--long-seed", type=int, default=None, help="repeat the long tests of another run")


def pytest_configure(config):
    if config.option.long_seed is None:
        config.option.long_seed = random.randrange(2**32)
    # Thousands of databases wait for a disk at each commit, and no test here could cut its power.
    if "PYTEST_DEBUG_TEMPROOT" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(MEMORY)


def pytest_report_header(config):
    return f"long tests: --long-scale {config.option.long_scale:g} --long-seed {config.option.long_seed}"


@pytest.fixture
def effort(request):
    """How large this test is: by its parameter `effort`, which is one of `EFFORTS`."""
    options = request.config.option
    return Effort(long=request.param == "long", scale=options.long_scale, seed=options.long_seed)


@pytest.fixture(scope="session")
def cluster():
    """A PostgreSQL server of this test process, started when the first test asks for it."""
    with running() as started:
        yield started
