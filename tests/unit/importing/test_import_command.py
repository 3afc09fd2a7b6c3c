import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli import app
from streams.core.importing.mapping import MappingError
from streams.core.upload_json import parse_upload
from streams.errors import UnreadableInput

run = CliRunner().invoke
MAPPING = 'source = "s"\nitem_id = "{id}"\n[fields]\ntitle = "title"\nduration = "length"\n'


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "m.toml"
    path.write_text(MAPPING, encoding="utf-8")
    return path


def test_uploads_go_to_standard_output_and_remarks_to_standard_error(mapping: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("id,title,length\n1,Clear Water,3:25\n2,Rain,\x1b[31m\n", encoding="utf-8")
    done = run(app, ["import", "--mapping", str(mapping), str(table)])
    assert done.exit_code == 0
    uploads = [parse_upload(line.encode()) for line in done.stdout.splitlines()]
    assert [(one.item_id, one.title, one.duration_ms) for one in uploads] == [
        ("1", "Clear Water", 205_000), ("2", "Rain", None)
    ]  # fmt: skip
    assert f"{table}: row 3, column length: '\\x1b[31m' no duration" in done.stderr
    assert "2 uploads, 0 refused, 1 remarks" in done.stderr


def test_refused_rows_are_status_1_and_json_on_demand(mapping: Path) -> None:
    done = run(
        app, ["import", "-m", str(mapping), "-", "--json"], input="id,title,length\n1,,3:25\n2,Rain,\n"
    )
    assert done.exit_code == 1
    assert len(done.stdout.splitlines()) == 1
    said = [json.loads(line) for line in done.stderr.splitlines()]
    assert (said[0]["row"], said[0]["refused"]) == (2, True)
    assert said[-1] == {"file": "standard input", "uploads": 1, "refused": 1, "remarks": 0}


@pytest.mark.parametrize("text", ["title = ", 'source = "s"\nitem_id = "{nr}"\n[fields]\ntitle = "title"'])
def test_a_mapping_that_makes_no_sense_is_wrong_usage_and_is_named(tmp_path: Path, text: str) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text(text, encoding="utf-8")
    done = run(app, ["import", "-m", str(bad), "-"], input="id,title\n1,Rain\n")
    assert isinstance(done.exception, MappingError)
    assert str(done.exception).startswith(f"{bad}: ")
    assert done.stdout == ""


def test_files_that_are_not_there_are_unreadable_input(mapping: Path, tmp_path: Path) -> None:
    for arguments in ([str(mapping), str(tmp_path / "no.csv")], [str(tmp_path / "no.toml"), "-"]):
        assert isinstance(run(app, ["import", "-m", *arguments]).exception, UnreadableInput)
