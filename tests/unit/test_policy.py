"""When refusals stop a partition."""

from hypothesis import given
from hypothesis import strategies as st

from streams.core.policy import Exceeded, History, Reading, RefusalLimits, exceeded, observe

READ, REFUSED, FAILED = Reading.read, Reading.refused, Reading.failed
LIMITS = RefusalLimits(run=5, share=0.5, window=20, failures=3)


def after(*readings: Reading, limits: RefusalLimits = LIMITS) -> list[Exceeded | None]:
    """Give what was exceeded after each record."""
    history, said = History(), []
    for reading in readings:
        history = observe(history, reading, limits)
        said.append(exceeded(history, limits))
    return said


def test_one_hostile_file_stops_nothing() -> None:
    assert set(after(*[READ] * 10, REFUSED, *[READ] * 30)) == {None}
    assert after(REFUSED) == [None]
    assert after(FAILED) == [None]


def test_a_run_of_refusals_is_exceeded_at_its_last() -> None:
    assert after(*[READ] * 9, *[REFUSED] * 5)[-2:] == [None, Exceeded.run]


def test_one_good_record_ends_a_run() -> None:
    assert set(after(*[REFUSED] * 4, READ, *[REFUSED] * 4)) == {None}


def test_our_own_failures_weigh_more() -> None:
    assert after(*[FAILED] * 3)[-1] is Exceeded.failures
    assert set(after(FAILED, FAILED, REFUSED, FAILED)) == {None}


def test_a_share_is_judged_only_over_a_full_window() -> None:
    mixed = [REFUSED, READ] * 9
    assert set(after(*mixed, READ)) == {None}
    assert after(*mixed, READ, REFUSED)[-1] is Exceeded.share


@given(st.lists(st.sampled_from([READ, REFUSED])))
def test_the_history_is_the_window_counted_out(readings: list[Reading]) -> None:
    limits = RefusalLimits(run=6, share=0.6, window=10, failures=99)
    run = 0
    for count, said in enumerate(after(*readings, limits=limits), start=1):
        run = 0 if readings[count - 1] is READ else run + 1
        window = readings[max(0, count - 10) : count]
        share = count >= 10 and window.count(REFUSED) >= 6
        assert said is (Exceeded.run if run >= 6 else Exceeded.share if share else None)
