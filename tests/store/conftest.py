import pytest

PARTS = "contract", "log", "nouns", "rows", "steps", "units", "wall"

pytest.register_assert_rewrite(*(f"tests.store.{part}" for part in PARTS))
