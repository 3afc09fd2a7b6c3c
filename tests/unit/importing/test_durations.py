import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.importing.durations import DurationUnit, read_duration, says_duration
from streams.core.upload_json import MAX_DURATION_MS

LENGTH_MS = 205_000


@pytest.mark.parametrize(
    "text",
    [
        "205", "205000", "205.0", "205 s", "205 seconds", "205000 ms", "3:25", "  3:25 ", "03:25", "0:03:25",
        "00:03:25", "3:25.0", "３：２５", "PT3M25S", "PT0H3M25S", "PT205S", "pt3m25.0s", "3'25\"", "3’25”",
        "3m 25sec", "3m25s", "3m25", "3 min. 25 sec.", "3 minutes 25 seconds", "3 minutes and 25 seconds",
        "3 minutos y 25 segundos", "3 minutos e 25 segundos", "3 minutes et 25 secondes",
        "3 Minuten und 25 Sekunden", "3 minuti e 25 secondi", "3 minuten en 25 seconden",
        "P0DT3M25S", "P0Y0M0DT0H3M25S", "(3:25)", "[3:25]", "~3:25", "ca. 3:25", "3:25.", "205.", "c. 205 s",
        "3 dakika 25 saniye", "3 минуты и 25 секунд", "3分25秒", "3 분 25 초",
    ],
)  # fmt: skip
def test_one_duration_in_the_ways_it_is_written(text: str) -> None:
    assert read_duration(text).value == LENGTH_MS


@pytest.mark.parametrize(
    ("text", "unit", "milliseconds"),
    [
        ("3.5", DurationUnit.minutes, 210_000),
        ("3,5", DurationUnit.minutes, 210_000),
        ("3.5", DurationUnit.auto, 210_000),
        ("3.5", DurationUnit.seconds, 3_500),
        ("215,000", DurationUnit.milliseconds, 215_000),
        ("30", DurationUnit.auto, 30_000),
        ("9999", DurationUnit.auto, 9_999_000),
        ("10000", DurationUnit.auto, 10_000),
        ("3:25", DurationUnit.milliseconds, 205_000),
        ("1h30", DurationUnit.auto, 5_400_000),
        ("90:00", DurationUnit.auto, 5_400_000),
        ("1.5 hours", DurationUnit.auto, 5_400_000),
    ],
)
def test_a_number_has_the_unit_that_is_declared_or_goes_by_its_size(
    text: str, unit: DurationUnit, milliseconds: int
) -> None:
    assert read_duration(text, unit=unit).value == milliseconds


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("12", "declare the unit"),
        ("215,000", "declare the unit"),
        ("0", "zero"),
        ("00:00", "zero"),
        ("3:75", "no duration"),
        ("1:75:00", "no duration"),
        ("3 m 4 m", "no duration"),
        ("25 s 3 m", "no duration"),
        ("3 moons", "no duration"),
        ("Clear Water", "no duration"),
        ("-205", "no duration"),
        ("86401", "longer than 24 hours"),
        ("9" * 12, "longer than 24 hours"),
    ],
)
def test_what_is_no_duration_or_may_be_two_is_absent_and_says_why(text: str, why: str) -> None:
    reading = read_duration(text, unit=DurationUnit.seconds if text == "86401" else DurationUnit.auto)
    assert reading.value is None
    assert why in (reading.problem or "")


def test_nothing_is_absent_without_a_word() -> None:
    assert read_duration("  ").problem is None


def test_only_clocks_and_words_are_durations_wherever_they_stand() -> None:
    assert says_duration("3:25")
    assert says_duration("3m 25sec")
    assert not says_duration("205")
    assert not says_duration("24/7")
    assert not says_duration("1999")


@given(st.integers(1_000, MAX_DURATION_MS))
def test_every_written_form_of_a_duration_is_read_back(milliseconds: int) -> None:
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    seconds = f"{rest // 1000:02}.{rest % 1000:03}"
    assert read_duration(f"{hours}:{minutes:02}:{seconds}").value == milliseconds
    assert read_duration(f"PT{hours}H{minutes}M{seconds}S").value == milliseconds
    assert read_duration(f"{hours} h {minutes} min {seconds} s").value == milliseconds
    assert read_duration(str(milliseconds), unit=DurationUnit.milliseconds).value == milliseconds


@given(st.text(max_size=60), st.sampled_from(DurationUnit))
def test_no_text_breaks_the_reader(text: str, unit: DurationUnit) -> None:
    value = read_duration(text, unit=unit).value
    assert value is None or 0 < value <= MAX_DURATION_MS


def test_a_year_in_brackets_is_no_duration() -> None:
    assert read_duration("(2005)").value is None
    assert not says_duration("(2005)")
    assert not says_duration("2005.")
    assert says_duration("(3:25)")
