"""A floor for precision and recall on a small catalogue invented here."""

import itertools

from streams.core.blocking import blocking_keys
from streams.core.bundle import Bundle
from streams.core.features import featurize
from streams.core.records import Artist, LinkageRecord, Upload
from streams.core.scoring import Scorer

# (recording, work, title, artist, seconds)
CATALOGUE = (
    ("a1", "a", "Clear Water", "The Example Band", 215),
    ("a1", "a", "Clear Water", "Example Band", 216),
    ("a1", "a", "Clear Water (2011 Remaster)", "The Example Band", 215),
    ("a1", "a", "The Example Band - Clear Water", "", 215),
    ("a2", "a", "Clear Water (Live at the Old Mill)", "The Example Band", 301),
    ("a2", "a", "Clear Water - Live", "The Example Band", 300),
    ("a3", "a", "Clear Water (Joe Remix)", "The Example Band", 402),
    ("a4", "a", "Clear Water", "Jane Doe", 187),
    ("a5", "a", "Clear Water (Karaoke Version)", "Singalong Stars", 214),
    ("b1", "b", "Clear Winter", "The Example Band", 215),
    ("c1", "c", "Sonata, Op. 27 No. 1: I. Andante", "Piano Person", 320),
    ("c2", "d", "Sonata, Op. 27 No. 2: I. Adagio", "Piano Person", 322),
    ("e1", "e", "Águas Claras (feat. João)", "Banda Exemplo", 200),
    ("e1", "e", "Aguas Claras", "Banda Exemplo feat. João", 201),
    ("e2", "e", "Águas Claras (ao vivo)", "Banda Exemplo", 240),
    ("f1", "f", "夜の水", "例の楽団", 250),
    ("f1", "f", "夜の水", "例の楽団", 250),
    ("f2", "f", "夜の水 (カラオケ)", "例の楽団", 250),
    ("g1", "g", "Live Forever Now", "Another Group", 180),
    ("g1", "g", "Live Forever Now", "Another Group", 181),
    ("h1", "h", "Wall of Sand, Part 1", "Another Group", 190),
    ("h2", "h", "Wall of Sand, Part 2", "Another Group", 191),
)


def _record(title: str, artist: str, seconds: int) -> LinkageRecord:
    return featurize(
        Upload(
            source="s",
            item_id="x",
            title=title,
            artists=(Artist(name=artist),) if artist else (),
            duration_ms=seconds * 1000,
        )
    )


def test_pairs_of_the_invented_catalogue() -> None:
    scorer = Scorer(Bundle.packaged())
    rows = [(recording, work, _record(*rest)) for recording, work, *rest in CATALOGUE]  # type: ignore[arg-type]  # mixed row
    wrong: list[tuple[str, str]] = []
    missed: list[tuple[str, str]] = []
    found_work = true_work = wrong_work = 0
    for (left_id, left_work, left), (right_id, right_work, right) in itertools.combinations(rows, 2):
        score = scorer.score(left, right)
        said = score.cannot_link is None and score.recording.log_odds >= scorer.bundle.recording_match
        pair = (left.readings[0].source_text, right.readings[0].source_text)
        if said and left_id != right_id:
            wrong.append(pair)
        if not said and left_id == right_id:
            missed.append(pair)
        if left_id == right_id:
            assert set(blocking_keys(left)) & set(blocking_keys(right)), pair
        works = score.work_cannot_link is None and score.work.log_odds >= scorer.bundle.work_match
        true_work += left_work == right_work
        found_work += works and left_work == right_work
        wrong_work += works and left_work != right_work
    assert not wrong
    assert len(missed) <= 1, missed
    assert found_work / true_work >= 0.9
    assert wrong_work <= 1
