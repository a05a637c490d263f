"""What every engine promises. A test module of an engine inherits `Contract` and offers the fixture `db`."""

from __future__ import annotations

import pytest

from tests.store.log import Log
from tests.store.nouns import Nouns
from tests.store.pages import Pages
from tests.store.remembered import Remembered
from tests.store.rows import ACME, furnish
from tests.store.steps import in_work
from tests.store.units import Units
from tests.store.wall import Wall


class Contract(Wall, Nouns, Pages, Log, Units, Remembered):
    latest_ring = 0.25
    """Seconds after which no commit rings any more."""

    @pytest.fixture
    async def acme(self, db):
        """One of everything in the first tenant."""
        await in_work(db, ACME, furnish)
