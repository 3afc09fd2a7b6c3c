"""What the fit of a bundle leaves out, keeps, and sets by hand."""

import dataclasses
import math
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from benchmarks import fit_bundle
from benchmarks.bounded_weights import asked_about_places
from benchmarks.fit_bundle import (
    BY_HAND,
    FOLDS,
    RECIPES,
    Pattern,
    by_hand,
    fitted_bundle,
    kept_patterns,
    without,
    write_held_out,
)
from benchmarks.labelled_pairs import INVENTED, SIBLINGS
from streams.core.bundle import Bundle
from streams.core.comparison import FIELDS
from streams.core.hearing import ABSENT

KNOWN = ("musicbrainz-20k", SIBLINGS, "salami-youtube", "shs100k2-works", INVENTED)
Found = dict[str, Counter[Pattern]]


def _levels(**told: str) -> tuple[str, ...]:
    return tuple(told.get(field, ABSENT) for field in FIELDS)


@pytest.fixture(scope="module")
def found() -> Found:
    """Two kinds of pairs in every set: titles that agree are matches, others are none."""
    same, other = _levels(title="exact", artist="equal"), _levels(title="different", artist="equal")
    return {
        name: Counter(
            {
                Pattern(levels, data, fold, stratum, label): 200
                for data in KNOWN
                if data in recipe.sets
                for fold in range(FOLDS)
                for stratum in ("unknown|unknown", "reference_db|reference_db")
                for levels, label in ((same, True), (other, False))
            }
        )
        for name, recipe in RECIPES.items()
    }


def test_what_is_fitted_is_fitted_again_to_the_byte(found: Found) -> None:
    once = fitted_bundle(Bundle.packaged(), found, version="x")
    assert fitted_bundle(once, found, version="x").to_json() == once.to_json()


def test_what_is_set_by_hand_is_no_matter_of_labels(found: Found) -> None:
    fitted = fitted_bundle(Bundle.packaged(), found, version="x")
    for name, head in (("recording", fitted.recording), ("work", fitted.work)):
        for (field, level), weight in BY_HAND[name].items():
            assert head.weights[field][level] == weight
    assert by_hand(fitted.recording.weights, "recording") == fitted.recording.weights


def test_what_is_compared_alone_is_the_same_from_even_odds_on_where_mistakes_cost_alike(
    found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fitted_bundle(Bundle.packaged(), found, version="x").compare_above == 0.0
    monkeypatch.setattr(fit_bundle, "FALSE_ANSWER", 3.0)
    assert fitted_bundle(Bundle.packaged(), found, version="x").compare_above == round(math.log(3.0), 3)


def test_two_titles_at_one_place_of_an_album_are_asked_about() -> None:
    packaged = Bundle.packaged()
    album = {**packaged.recording.weights["album"], "one_place": 9.0}
    sure = dataclasses.replace(packaged.recording, weights={**packaged.recording.weights, "album": album})
    head = asked_about_places(sure, packaged.recording_match)
    levels = {"title": "different", "artist": "equal", "version": "none", "duration": "second"}
    levels |= {"album": "one_place", "year": "equal", "track": "same_place"}
    score = head.prior + sum(head.weight(*each) for each in levels.items())
    assert packaged.recording_review <= score < packaged.recording_match


def test_compared_pairs_are_read_as_they_were_kept(found: Found, tmp_path: Path) -> None:
    file = tmp_path / "patterns.json"
    file.write_bytes(msgspec.json.encode({name: list(rows.items()) for name, rows in found.items()}))
    assert kept_patterns(file, tmp_path) == found


def test_what_was_invented_of_a_set_goes_with_it(found: Found) -> None:
    left = {row.data for rows in without(found, "musicbrainz-20k").values() for row in rows}
    assert not left & {"musicbrainz-20k", SIBLINGS}
    fold = without(found, "salami-youtube", fold=2)["recording"]
    assert {row.fold for row in fold if row.data == "salami-youtube"} == {0, 1, 3, 4}


def test_a_bundle_that_has_not_seen_a_set_is_told_by_the_name_it_is_scored_under(
    found: Found, tmp_path: Path
) -> None:
    few = {
        name: Counter({row: n for row, n in rows.items() if row.data in {"shs100k2-works", INVENTED}})
        for name, rows in found.items()
    }
    write_held_out(tmp_path, Bundle.packaged(), few, version="x")
    names = {file.stem for file in tmp_path.iterdir()}
    assert names == {"golden", INVENTED, "shs-hard-pairs", "shs100k2-works"}
    golden = Bundle.from_json((tmp_path / "golden.json").read_bytes())
    assert golden.recording == Bundle.from_json((tmp_path / f"{INVENTED}.json").read_bytes()).recording


def test_a_fit_without_the_set_of_the_usual_stratum_takes_the_head_as_it_is(found: Found) -> None:
    few = {
        name: Counter(
            {
                row: count
                for row, count in rows.items()
                # Pairs of one kind alone are no measure of anything.
                if row.stratum != "unknown|unknown" or (row.data == "shs100k2-works" and not row.label)
            }
        )
        for name, rows in found.items()
    }
    few["recording"] = Counter(
        {row: n for row, n in few["recording"].items() if row.data != "shs100k2-works" or not row.label}
    )
    assert "unknown|unknown" not in fitted_bundle(Bundle.packaged(), few, version="x").recording.calibration
