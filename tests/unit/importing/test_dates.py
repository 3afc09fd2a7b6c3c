import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.importing.dates import DateOrder, read_date, says_date

LATEST = 2026


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("75", "1975"), ("'75", "1975"), ("’05", "2005"), ("05", "2005"), ("26", "2026"), ("27", "1927"),
        ("2005", "2005"), ("(2005)", "2005"), ("2005.0", "2005"), ("2005?", "2005"), ("c. 2005", "2005"),
        ("℗ 2005", "2005"), ("(C) 2005", "2005"), ("2005-00-00", "2005"), ("２００５", "2005"),
        ("2005-03", "2005-03"),
        ("2005/3", "2005-03"), ("2005-03-01", "2005-03-01"), ("20050301", "2005-03-01"),
        ("2005-03-01T12:00:00Z", "2005-03-01"), ("2005.3.1", "2005-03-01"), ("2005年3月1日", "2005-03-01"),
        ("2005年", "2005"), ("2005년", "2005"), ("2005 г.", "2005"), ("平成17年", "2005"),
        ("平成元年3月1日", "1989-03-01"), ("昭和50年12月", "1975-12"),
        ("2005년 3월 1일", "2005-03-01"), ("13/04/2005", "2005-04-13"), ("04/13/2005", "2005-04-13"),
        ("5.5.05", "2005-05-05"), ("18-May-15", "2015-05-18"), ("May 18 , 2015", "2015-05-18"),
        ("1st of March 2005", "2005-03-01"), ("1er mars 2005", "2005-03-01"), ("1. März 2005", "2005-03-01"),
        ("1 de marzo de 2005", "2005-03-01"), ("1 марта 2005", "2005-03-01"), ("1 мая 2005", "2005-05-01"),
        ("Mar 2005", "2005-03"), ("août 1984", "1984-08"), ("2005 March 1", "2005-03-01"),
    ],
)  # fmt: skip
def test_dates_are_read_as_far_as_they_go(text: str, date: str) -> None:
    reading = read_date(text, latest_year=LATEST)
    assert (reading.value, reading.problem) == (date, None)


def test_day_and_month_that_cannot_be_told_apart_give_the_year_and_say_so() -> None:
    reading = read_date("03/04/2005", latest_year=LATEST)
    assert reading.value == "2005"
    assert "date_order" in (reading.problem or "")
    assert read_date("03/04/2005", latest_year=LATEST, order=DateOrder.day_first).value == "2005-04-03"
    assert read_date("03/04/2005", latest_year=LATEST, order=DateOrder.month_first).value == "2005-03-04"


@pytest.mark.parametrize("text", ["31 February 1999", "1999-02-29", "1999-13-01"])
def test_a_day_that_never_was_gives_the_year_and_says_so(text: str) -> None:
    reading = read_date(text, latest_year=LATEST)
    assert reading.value == "1999"
    assert reading.problem == "no such day or month"


@pytest.mark.parametrize("text", ["1612", "2099", "1856-12-31", "0001"])
def test_implausible_years_are_absent_and_say_so(text: str) -> None:
    reading = read_date(text, latest_year=LATEST)
    assert reading.value is None
    assert "1857" in (reading.problem or "")


@pytest.mark.parametrize(
    "text", ["Clear Water", "Maybe 1999", "1998-1999", "19 98", "5", "99999", "Jui 1999"]
)
def test_what_is_no_date_is_absent_and_says_so(text: str) -> None:
    reading = read_date(text, latest_year=LATEST)
    assert (reading.value, reading.problem) == (None, "no date")


@pytest.mark.parametrize("text", ["", "0000", "0000-00-00", "00"])
def test_nothing_is_absent_without_a_word(text: str) -> None:
    reading = read_date(text, latest_year=LATEST)
    assert (reading.value, reading.problem) == (None, None)


def test_only_whole_dates_are_dates_wherever_they_stand() -> None:
    assert says_date("18-May-15", latest_year=LATEST)
    assert says_date("2005-03-01", latest_year=LATEST)
    assert not says_date("1999", latest_year=LATEST)
    assert not says_date("24/7", latest_year=LATEST)


@given(st.dates(datetime.date(1900, 1, 1), datetime.date(LATEST, 12, 31)))
def test_every_written_form_of_a_day_is_read_back(day: datetime.date) -> None:
    iso = day.isoformat()
    for text in (
        iso,
        f"{day:%d %B %Y}",
        f"{day:%b %d, %Y}",
        f"{day:%Y%m%d}",
        f"{day.year}年{day.month}月{day.day}日",
    ):
        assert read_date(text, latest_year=LATEST).value == iso
    for order, text in ((DateOrder.day_first, f"{day:%d/%m/%Y}"), (DateOrder.month_first, f"{day:%m/%d/%Y}")):
        assert read_date(text, latest_year=LATEST, order=order).value == iso


@given(st.text(max_size=60), st.sampled_from([None, *DateOrder]))
def test_no_text_breaks_the_reader(text: str, order: DateOrder | None) -> None:
    value = read_date(text, latest_year=LATEST, order=order).value
    assert value is None or 1857 <= int(value[:4]) <= LATEST
