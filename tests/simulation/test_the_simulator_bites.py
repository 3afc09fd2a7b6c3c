"""Each defence taken out is caught by some seed that the whole product passes."""

import pytest

from streams.simulation.run import simulate
from tests.simulation.mutants import MUTANTS

SEEDS = 60


@pytest.mark.parametrize("name", MUTANTS)
def test_a_missing_defence_is_caught(name: str) -> None:
    mutant = MUTANTS[name]
    with pytest.MonkeyPatch.context() as patch:
        mutant.mutate(patch)
        caught = next(
            (seed for seed in range(SEEDS) if simulate(seed, focus=mutant.focus).problems),
            None,
        )
    assert caught is not None
    assert simulate(caught, focus=mutant.focus).problems == ()
