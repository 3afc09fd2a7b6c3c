"""`resolve` and `compare` from file to file."""

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from streams.cli.app import app

SONG = {
    "source": "a",
    "item_id": "1",
    "kind": "recording",
    "title": "Clear Water",
    "artists": [{"name": "The Example Band"}],
    "releases": [{"title": "River Songs"}],
    "duration_ms": 215000,
    "identifiers": {"isrc": ["GBEMI0300013"]},
}


@pytest.fixture(autouse=True)
def _no_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer the same whether or not models were built on this machine."""
    monkeypatch.setenv("SAMESONG_MODELS_DIR", str(tmp_path / "none"))


def write(path: Path, *values: object) -> Path:
    path.write_bytes(b"".join(orjson.dumps(value) + b"\n" for value in values))
    return path


def read(path: Path) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_a_copy_matches_and_a_live_take_is_a_recording_of_its_own(tmp_path: Path) -> None:
    copy = {**SONG, "source": "b"}
    live = {**SONG, "item_id": "2", "version": "Live", "identifiers": {}, "duration_ms": 251000}
    other = {**SONG, "item_id": "3", "title": "Iron Sky", "artists": [{"name": "Someone"}], "identifiers": {}}
    uploads = write(tmp_path / "in.jsonl", SONG, copy, live, other)
    result = CliRunner().invoke(app, ["resolve", str(uploads), "--output", str(tmp_path / "out.jsonl")])
    assert result.exit_code == 0, result.output
    first, second, third, fourth = read(tmp_path / "out.jsonl")
    assert [answer["decision"] for answer in (first, second)] == ["new", "match"]
    assert first["entity_id"] == second["entity_id"]
    assert third["entity_id"] != first["entity_id"]
    assert fourth["decision"] == "new"
    assert len({first["entity_id"], third["entity_id"], fourth["entity_id"]}) == 3
    assert result.stderr == f"4 uploads: 3 new, 1 match; 3 entities; in {tmp_path / 'out.jsonl'}\n"


def test_a_video_names_its_recording_whichever_came_first(tmp_path: Path) -> None:
    video = {**SONG, "source": "tube", "kind": "music_video", "title": "Clear Water (Official Video)"}
    for number, uploads in enumerate(((SONG, video), (video, SONG))):
        given, output = write(tmp_path / f"{number}.jsonl", *uploads), tmp_path / f"{number}.out"
        result = CliRunner().invoke(app, ["resolve", str(given), "--output", str(output)])
        assert result.exit_code == 0, result.output
        answers = {answer["source"]: answer for answer in read(output)}
        assert answers["tube"]["video_id"] == answers["tube"]["entity_id"]
        assert answers["tube"]["sound_recording_id"] == answers["a"]["entity_id"]
        assert answers["a"]["video_id"] is None


def test_a_broken_line_is_answered_and_the_next_one_resolved(tmp_path: Path) -> None:
    uploads = tmp_path / "in.jsonl"
    uploads.write_bytes(b'{"source": \n' + orjson.dumps(SONG) + b"\n")
    result = CliRunner().invoke(app, ["resolve", str(uploads), "--output", str(tmp_path / "out.jsonl")])
    assert result.exit_code == 1
    broken, good = read(tmp_path / "out.jsonl")
    assert broken["decision"] == "rejected"
    assert good["decision"] == "new"


def test_compare_answers_in_order_and_the_lines_add_up(tmp_path: Path) -> None:
    other = {**SONG, "title": "Iron Sky", "artists": [{"name": "Someone"}], "identifiers": {}}
    pairs = write(tmp_path / "in.jsonl", {"left": SONG, "right": SONG}, {"left": SONG, "right": other}, {})
    result = CliRunner().invoke(app, ["compare", str(pairs), "--output", str(tmp_path / "out.jsonl")])
    assert result.exit_code == 1
    same, different, unreadable = read(tmp_path / "out.jsonl")
    assert same["probability"]["recording"] > 0.9 > 0.1 > different["probability"]["recording"]  # type: ignore[index]
    assert "left" in str(unreadable["error"])
    assert result.stderr.startswith("3 pairs: 2 compared, 1 refused; in ")
    assert f"line 3: {unreadable['error']}" in result.stderr
