"""`samesong review list`: what still waits for a person."""

from dataclasses import replace

from streams.cli.review import unsettled
from streams.core.records import ItemKey, PairState, ReviewRequested

ASKED = ReviewRequested(
    event_id="r1",
    sequence=4,
    left_source="a",
    left_item_id="1",
    right_source="b",
    right_item_id="2",
    probability=0.8,
    reason="doubt",
    decision_id="d1",
)
PAIR = PairState(
    left=ItemKey("a", "1").text(),
    right=ItemKey("b", "2").text(),
    recording_log_odds=1.4,
    work_log_odds=3.0,
)


def test_a_pair_waits_until_it_is_settled() -> None:
    assert unsettled([ASKED], [PAIR]) == (ASKED,)
    assert unsettled([ASKED], [PAIR, replace(PAIR, verdict="match")]) == ()
    assert unsettled([ASKED], [replace(PAIR, verdict="match"), PAIR]) == (ASKED,)


def test_a_pair_of_which_one_left_is_not_asked_about() -> None:
    assert unsettled([ASKED], [replace(PAIR, live=False)]) == ()


def test_a_pair_is_listed_once_whichever_side_came_first() -> None:
    again = replace(ASKED, sequence=9, left_source="b", left_item_id="2", right_source="a", right_item_id="1")
    assert unsettled([ASKED, again], [PAIR]) == (again,)
