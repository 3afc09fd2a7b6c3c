from hypothesis import given
from hypothesis import strategies as st

from streams.core.importing.layouts import Layout, fill_template, read_layout, split_by_layout


def _layout(text: str) -> Layout:
    layout = read_layout(text)
    assert layout is not None
    return layout


def _split(text: str, layout: str, **known: str) -> dict[str, str] | None:
    def reads(name: str, part: str) -> bool:
        return part.isdigit() if name == "track_number" else True

    return split_by_layout(text, _layout(layout), known=known, reads=reads)


def test_a_cell_is_cut_at_its_signs() -> None:
    assert _split("Ann - Clear Water", "{artist} - {title}") == {"artist": "Ann", "title": "Clear Water"}
    assert _split("007-Clear Water", "{track_number}-{title}") == {
        "track_number": "007",
        "title": "Clear Water",
    }
    assert _split("Clear Water (River Songs)", "{title} ({album})") == {
        "title": "Clear Water",
        "album": "River Songs",
    }


def test_of_several_ways_to_cut_other_columns_decide() -> None:
    cell = "Jay-Z - Ann - Clear - Water"
    assert _split(cell, "{artist} - {title}", artist="Jay-Z - Ann") == {
        "artist": "Jay-Z - Ann",
        "title": "Clear - Water",
    }
    assert _split(cell, "{title} - {album}", album="Watr") == {
        "title": "Jay-Z - Ann - Clear",
        "album": "Water",
    }


def test_a_part_that_another_column_contradicts_is_none() -> None:
    assert _split("Clear Water - Live", "{artist} - {title}", artist="Ann") is None


def test_brackets_are_not_torn_apart() -> None:
    assert _split("Clear (Live) Water (River (Songs))", "{title} ({album})") == {
        "title": "Clear (Live) Water",
        "album": "River (Songs)",
    }


def test_a_part_that_cannot_be_read_is_none() -> None:
    assert _split("Clear-Water", "{track_number}-{title}") is None


def test_a_part_may_be_missing() -> None:
    assert _split("011-", "{track_number}-{title}") == {"track_number": "011", "title": ""}
    assert _split("- Clear Water", "{artist} - {title}") == {"artist": "", "title": "Clear Water"}


def test_what_is_no_layout() -> None:
    for text in ("title", "{artist}{title}", "{title} - {title}", "{artist} {title}", "{title} - }"):
        assert read_layout(text) is None


def test_templates_put_columns_together() -> None:
    assert fill_template("{a}/{b}", {"a": "1", "b": "2"}.__getitem__) == "1/2"


_words = st.text(st.characters(categories=["L"]), min_size=1, max_size=8)


@given(_words, _words)
def test_what_was_put_together_is_cut_the_same(one: str, other: str) -> None:
    assert _split(f"{one} - {other}", "{artist} - {title}") == {"artist": one, "title": other}


def test_a_number_agrees_with_that_on_the_side_of_a_record() -> None:
    cut = {"track_number": "01", "title": "Clear Water"}
    assert _split("01. Clear Water", "{track_number}. {title}", track_number="A1") == cut
    assert _split("02. Clear Water", "{track_number}. {title}", track_number="A1") is None
