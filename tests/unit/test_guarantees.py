"""The page of guarantees says the promise word for word, and every test that it names is there."""

import ast
from functools import cache

import pytest

from streams.steps import CRASH_POINTS, STEPS, Step
from tests.chaos.guarantees import PAGE, clauses, page, said
from tests.chaos.mutants import mutants
from tests.chaos.outcomes import ROOT, read

PROMISE = """every accepted upload leads to exactly one decision per revision; every entity is minted once;
ids never change meaning; every store can be deleted and comes back the same; a subscriber that reads
committed sees all of it and nothing else; hostile input harms nothing but itself.""".replace("\n", " ")


@cache
def _tests_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def _named() -> list[str]:
    by_clauses = [test for clause in clauses() for test in clause.tests]
    by_mutants = [test for mutant in mutants() for test in mutant.tests]
    return sorted({*by_clauses, *by_mutants, *(row.test for row in read())})


def test_the_page_begins_with_the_promise_word_for_word() -> None:
    title, _, rest = said(PAGE.read_text(encoding="utf-8")).partition("\n\n")
    assert title == "# Guarantees"
    assert rest.startswith(f"> {PROMISE}\n")


def test_the_page_is_what_the_runs_left() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(read()), "run `make guarantees`"


@pytest.mark.parametrize("test", _named())
def test_every_test_that_is_named_is_there(test: str) -> None:
    path, _, name = test.partition("::")
    assert name in _tests_in(path)


def test_every_mutant_still_fits_its_place() -> None:
    for mutant in mutants():
        for edit in mutant.edits:
            text = (ROOT / edit.path).read_text(encoding="utf-8")
            assert text.count(edit.old) == 1, f"{mutant.defence}: {edit.path}"
            assert edit.old != edit.new


def test_every_step_belongs_to_a_stage_and_has_a_number() -> None:
    assert {step for steps in STEPS.values() for step in steps} == set(Step)
    for stage, steps in STEPS.items():
        numbers = [point.number for point in CRASH_POINTS if point.stage == stage]
        assert numbers == [number for number in range(1, len(steps) + 1) for _ in "ab"]
