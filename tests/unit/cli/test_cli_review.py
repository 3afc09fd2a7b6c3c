"""`samesong review list`: what still waits for a person."""

from dataclasses import replace

from streams.cli.review import unsettled
from streams.core.records import ItemKey, Origin, PairState, ReviewRequested, UploadState

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


def upload(source: str, item_id: str, entity_id: str | None, *, live: bool = True) -> UploadState:
    return UploadState(
        source=source,
        item_id=item_id,
        revision=1,
        digest="d",
        withdrawn_up_to=0,
        live=live,
        decision_id="d",
        origin=Origin(topic="catalog.upload.v1", partition=0, offset=0),
        entity_id=entity_id,
    )


APART = (upload("a", "1", "e1"), upload("b", "2", "e2"))


def test_a_pair_that_became_one_entity_is_not_asked_about() -> None:
    assert unsettled([ASKED], [PAIR], [*APART, upload("b", "2", "e1")]) == ()


def test_a_pair_waits_until_it_is_settled() -> None:
    assert unsettled([ASKED], [PAIR], APART) == (ASKED,)
    assert unsettled([ASKED], [PAIR, replace(PAIR, verdict="match")], APART) == ()
    assert unsettled([ASKED], [replace(PAIR, verdict="match"), PAIR], APART) == (ASKED,)


def test_a_pair_of_which_one_left_is_not_asked_about() -> None:
    assert unsettled([ASKED], [replace(PAIR, live=False)], APART) == ()
    assert unsettled([ASKED], [], [*APART, upload("b", "2", None, live=False)]) == ()


def test_a_pair_is_listed_once_whichever_side_came_first() -> None:
    again = replace(ASKED, sequence=9, left_source="b", left_item_id="2", right_source="a", right_item_id="1")
    assert unsettled([ASKED, again], [PAIR], APART) == (again,)
