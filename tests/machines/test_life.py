"""Grants, lines, tokens and stops through any life that chance gives them, next to a model that must say the same."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.kit.effort import EFFORTS
from tests.machines.life import Life


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
def test_the_product_lives_as_the_model_does(effort, tmp_path, capsys):
    lives = effort.size(30, 1_300)  # of up to a hundred steps: 100,000 in all
    effects: Counter[str] = Counter()

    class Here(Life):
        folders = (tmp_path / str(number) for number in itertools.count())
        steps = 0

        def check_invariants(self, *settled):
            Here.steps += 1
            super().check_invariants(*settled)

        def teardown(self):
            effects.update(self.model.effects)
            super().teardown()

    chosen = settings(
        max_examples=lives,
        stateful_step_count=100 if effort.long else 40,
        deadline=None,
        derandomize=not effort.long,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(effort.seed)(Here) if effort.long else Here, settings=chosen)
    with capsys.disabled():
        print(f"\n{lives} lives, {Here.steps} steps, {dict(effects)}")
    assert effects["token.issued"] >= lives
