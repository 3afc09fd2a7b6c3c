"""`resolve` and `compare` listen to the media that uploads name."""

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from streams.cli.app import app
from tests.unit.media_files import RATE, melody, wav

pytestmark = pytest.mark.models


def upload(item: str, title: str, path: Path) -> dict[str, object]:
    media = [{"role": "audio", "uri": path.as_uri()}]
    return {"source": "s", "item_id": item, "kind": "recording", "title": title, "media": media}


def run(command: str, given: Path, *values: object) -> list[dict[str, object]]:
    given.write_bytes(b"".join(orjson.dumps(value) + b"\n" for value in values))
    output = given.with_suffix(".out")
    result = CliRunner().invoke(app, [command, str(given), "--output", str(output)])
    assert result.exit_code == 0, result.output
    return [orjson.loads(line) for line in output.read_bytes().splitlines()]


def test_the_same_sound_under_another_title_is_one_recording(tmp_path: Path) -> None:
    first, other = tmp_path / "first.wav", tmp_path / "other.wav"
    first.write_bytes(wav(melody(30, seed=1)))
    other.write_bytes(wav(melody(30, seed=2)))
    named = upload("1", "Clear Water", first)
    renamed = upload("2", "Track 07", first)
    foreign = upload("3", "Clear Water", other)
    answers = run("resolve", tmp_path / "uploads.jsonl", named, renamed, foreign)
    assert [answer["decision"] for answer in answers[:2]] == ["new", "match"]
    assert answers[0]["entity_id"] == answers[1]["entity_id"] != answers[2]["entity_id"]
    same, apart = run(
        "compare",
        tmp_path / "pairs.jsonl",
        {"left": named, "right": renamed},
        {"left": named, "right": foreign},
    )
    assert same["probability"]["recording"] > 0.99  # type: ignore[index]
    assert apart["probability"]["recording"] < 0.5  # type: ignore[index]


def test_a_loop_of_an_earlier_recording_is_a_sample(tmp_path: Path) -> None:
    first, other = tmp_path / "first.wav", tmp_path / "other.wav"
    sampled, over = melody(40, seed=1), 0.5 * melody(40, seed=2)
    loop = sampled[20 * RATE : 26 * RATE]
    for second in (10, 16):
        over[second * RATE : second * RATE + len(loop)] += loop
    first.write_bytes(wav(sampled))
    other.write_bytes(wav(0.5 * over))
    earlier = upload("1", "Clear Water", first) | {"releases": [{"title": "River Songs", "date": "1979"}]}
    later = upload("2", "Muddy Feet", other) | {"releases": [{"title": "Mud", "date": "2004"}]}
    (answer,) = run("compare", tmp_path / "pairs.jsonl", {"left": later, "right": earlier})
    assert answer["relation"] == "samples"
    assert answer["probability"]["recording"] < 0.5  # type: ignore[index]
    answers = run("resolve", tmp_path / "uploads.jsonl", earlier, later)
    assert answers[0]["entity_id"] != answers[1]["entity_id"]
