"""`resolve` and `compare` listen to the media that uploads name."""

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from streams.cli.app import app
from streams.config import Settings
from streams.core.bundle import Bundle
from streams.core.proposing import LINE
from streams.core.records import ItemKey
from streams.edges.memory_index import MemoryCandidateIndex
from streams.offline import decide_encoded, encode_lines
from streams.wiring.offline import offline_parts
from streams.wiring.parts import rules
from tests.unit.media_files import RATE, chords, melody, wav

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


def test_a_cover_in_another_key_at_another_tempo_is_found_and_related(tmp_path: Path) -> None:
    performances = {
        **{f"Other Song {seed}": chords(seed) for seed in range(2, 8)},
        "Clear Water": chords(1),
        "Track 07": chords(1, semitones=-4, tempo=0.88, harmonics=2),
    }
    lines = []
    for title, y in performances.items():
        path = tmp_path / f"{title}.wav"
        path.write_bytes(wav(y))
        lines.append(orjson.dumps(upload(title.replace(" ", "-"), title, path)))
    with offline_parts(Settings(), tmp_path / "uploads.jsonl") as parts:
        (encoded,) = encode_lines(lines, parts)
        decisions, catalogue = decide_encoded(
            [encoded[:-1], encoded[-1:]],  # the cover comes when the others are in the index
            parts,
            index=MemoryCandidateIndex(),
            rules=rules(Bundle.packaged(), parts.confirm),
        )
    assert [each.outcome.value for each in decisions] == ["new"] * len(performances)
    cover, original = ItemKey("s", "Track-07").text(), ItemKey("s", "Clear-Water").text()
    (named,) = (each for each in decisions[-1].candidates if each.item_id == "Clear-Water")
    assert LINE in named.proposed_by
    (relation,) = catalogue.relations_of(cover)
    assert relation.relation == "other_version_of"
    assert (relation.left, relation.right) == (original, cover)
    (pair,) = catalogue.pairs_of(cover)
    assert pair.sound is not None
    assert pair.sound.line is not None
    # Told from the smaller key, the original's side, which plays faster and higher.
    assert pair.sound.line.speed_ratio == pytest.approx(1.0 / 0.88, rel=0.03)
    assert pair.sound.line.semitones == 4
    assert pair.sound.line.coverage_left > 0.7
