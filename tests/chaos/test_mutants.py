"""The tests bite: without any one of the defences at least one of them fails."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.mutants import FAILED, PASSED, Mutant, apply, copy_of_tree, mutants, run
from tests.chaos.outcomes import MUTANT

# Some of the tests that are run start a broker.
pytestmark = [pytest.mark.broker, pytest.mark.timeout(900)]


def test_all_of_them_pass_where_nothing_is_taken_away(tmp_path: Path) -> None:
    tests = tuple(dict.fromkeys(test for mutant in mutants() for test in mutant.tests))
    tree = copy_of_tree(tmp_path)
    (tree / "tests" / "test_where.py").write_text(
        "from pathlib import Path\nimport streams\n\n\n"
        "def test_the_copy_is_what_is_tested() -> None:\n"
        "    assert Path(streams.__file__).parents[1] == Path(__file__).parents[1]\n"
    )
    done = run((*tests, "tests/test_where.py"), tree)
    assert done.status == PASSED, done.output


@pytest.mark.parametrize(
    "mutant",
    [pytest.param(mutant, marks=pytest.mark.xdist_group(mutant.defence)) for mutant in mutants()],
    ids=lambda mutant: mutant.defence.replace(" ", "_"),
)
def test_without_this_defence_a_test_fails(
    mutant: Mutant, tmp_path: Path, chronicle: Callable[..., None]
) -> None:
    tree = copy_of_tree(tmp_path)
    apply(mutant, tree)
    done = run(mutant.tests, tree)
    assert done.status == FAILED, f"nobody misses {mutant.defence}:\n{done.output[-3000:]}"
    assert done.failed, f"no test failed, but pytest did:\n{done.output[-3000:]}"
    chronicle(where=MUTANT, step=mutant.defence, fault=mutant.without, outcome=f"`{done.failed[0]}`")
