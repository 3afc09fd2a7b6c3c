"""The clean-up cases of others, where they are at hand: little is left out, each with its reason."""

from collections import Counter

import pytest

from benchmarks.labelled_tables import DATA
from benchmarks.title_parsing import FOLDER, MOST_EXCLUDED, read_cases, read_exclusions, score_cases

CASES = DATA / FOLDER


def test_exclusions_say_why() -> None:
    reasons = read_exclusions()
    assert all(len(reason.split()) > 5 for reason in reasons.values())


@pytest.mark.skipif(not CASES.is_dir(), reason=f"there is no {CASES}")
def test_exclusions_are_few_and_cases_of_the_set() -> None:
    given = Counter((case.file, case.given) for case in read_cases(CASES))
    excluded = read_exclusions()
    assert set(excluded) <= set(given)
    assert sum(given[key] for key in excluded) <= MOST_EXCLUDED * sum(given.values())


@pytest.mark.skipif(not CASES.is_dir(), reason=f"there is no {CASES}")
def test_titles_are_read_as_expected() -> None:
    score = score_cases(CASES)
    assert score.share >= 0.95, score.wrong
