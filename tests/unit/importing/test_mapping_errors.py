import tomllib

import pytest

from streams.core.importing.mapping import MappingError, read_mapping
from streams.core.importing.rows import TableReader

START = 'source = "s"\nitem_id = "{id}"\n'


def _open(text: str, header: str = "id,title,artist") -> TableReader:
    return TableReader(read_mapping(tomllib.loads(text)), tuple(header.split(",")), this_year=2026)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('item_id = "{id}"\n[fields]\ntitle = "title"', "source"),
        ('source = "s"\n[fields]\ntitle = "title"', "item_id"),
        (START, "fields"),
        (START + "[fields]", "at least one field"),
        (START + '[fields]\ntitel = "title"', "did you mean 'title'?"),
        (START + '[fields]\ntitle = "titel"', "did you mean 'title'?"),
        (START + "[fields]\ntitle = 4", "there is no column 4; the table has 3"),
        (START + "[fields]\ntitle = {}", "a column (or columns) or a value"),
        (START + '[fields]\ntitle = { column = "title", value = "x" }', "a column (or columns) or a value"),
        (START + '[fields]\ntitle = { column = "title", layout = ["x"] }', "unknown field `layout`"),
        (START + '[fields]\ntitle = { column = "title", layouts = ["{artist}{title}"] }', "no layout"),
        (
            START + '[fields]\ntitle = { column = "title", layouts = ["{artist} - {album}"] }',
            "where {title} is",
        ),
        (
            START + '[fields]\ntitle = { column = "title", layouts = ["{titel} - {title}"] }',
            "did you mean 'title'?",
        ),
        (START + '[fields]\ntitle = { column = "title", pattern = "(" }', "no regular expression"),
        (START + '[fields]\nduration = { column = "title", unit = "sec" }', "there are: auto, ms, s, min"),
        (START + '[fields]\ndate = { column = "title", order = "ymd" }', "there are: dmy, mdy"),
        (START + 'repair = ["swap"]\n[fields]\ntitle = "title"', "there are: swapped, shifted, mangled"),
        (START + 'source_kind = "label"\n[fields]\ntitle = "title"', "there are: label_feed, aggregator"),
        (START + '[fields]\ntitle = { column = "title", pattern = "x" }', "exactly one group"),
        (START + '[fields]\ntitle = { column = "title", featured_after = [" ft "] }', "name artists"),
        (START + '[fields]\nartist = { column = "artist", split = [""] }', "a separator is empty"),
        (START + '[fields]\nduration = { column = "title", unit = "hours" }', "hours"),
        (START + 'source_kind = "pirate"\n[fields]\ntitle = "title"', "source_kind"),
        (START + 'repair = ["magic"]\n[fields]\ntitle = "title"', "repair"),
        (START + '[table]\nencoding = "utf-9"\n[fields]\ntitle = "title"', "there is no encoding 'utf-9'"),
        (START + '[table]\ndelimiter = "::"\n[fields]\ntitle = "title"', "table.delimiter"),
        (
            START + '[table]\nquotes = "x"\n[fields]\ntitle = "title"',
            "unknown field `quotes`; known here: encoding",
        ),
        (
            START + '[read]\nlatest_year = 1900\nearliest_year = 1950\n[fields]\ntitle = "title"',
            "earliest_year",
        ),
        (START + '[read]\ndate_order = "ymd"\n[fields]\ntitle = "title"', "date_order"),
        (START + 'record = "x"\n[fields]\ntitle = "title"', "[[record]]"),
        (START + '[fields]\ntitle = "title"\n[[record]]\nwhen = { kind = "x" }', "there is no column 'kind'"),
        (START + '[[record]]\n[record.fields]\ntitle = "title"\n[[record]]\nfoo = 1', "record 2: "),
        (START.replace("{id}", "{nr}") + '[fields]\ntitle = "title"', "item_id: there is no column 'nr'"),
    ],
)
def test_a_mapping_that_makes_no_sense_says_where_and_what_to_do(text: str, said: str) -> None:
    with pytest.raises(MappingError) as caught:
        _open(text)
    assert said in str(caught.value)


def test_a_column_that_is_there_twice_is_named_by_its_number() -> None:
    with pytest.raises(MappingError, match="twice: name it by its number"):
        _open(START + '[fields]\ntitle = "title"', header="id,title,title")
    result = _open(START + "[fields]\ntitle = 3", header="id,title,title").read(2, ("1", "A", "B"))
    assert b'"title":"B"' in result.uploads[0]
