"""The text encoder: what texts are made of, whom misspelt ones are near to, and what is packaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from encoders.build import TEXT_CARD, card_path, packaged_dir
from encoders.cards import EncoderCard, Modality
from encoders.errors import CardMismatch, InvalidSignal, ModelUnavailable
from encoders.export import export_text
from encoders.features.grams import grams_of, latin
from encoders.text import TextEncoder
from encoders.training.run_record import RunRecord

TEXTS = ("clear water\nexample band", "clear watr\nexample band", "thunder road\nanother", "", "\nnobody")


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder.load()


def test_all_scripts_are_read_in_latin_letters() -> None:
    assert latin("Clear  Water!") == "clear water"
    assert latin("Água Çlara") == "agua clara"
    assert latin("清水") == latin("Qing Shui").replace(" ", "")
    assert latin("***") == ""


def test_a_text_is_made_of_runs_and_words_of_its_own() -> None:
    found = grams_of(["ab c\nd"], bits=15)
    # " ab", "ab ", "b c", " c " and two words; " d " and one word.
    assert np.diff(found.starts).tolist() == [6 + 2]
    assert np.count_nonzero(found.of_artist) == 2
    assert found.buckets.min() >= 0
    assert found.buckets.max() < 1 << 15


def test_what_a_text_is_made_of_does_not_hang_on_the_texts_beside_it() -> None:
    together = grams_of(TEXTS, bits=15)
    for number, text in enumerate(TEXTS):
        alone = grams_of([text], bits=15)
        first, end = together.starts[number : number + 2]
        assert together.buckets[first:end].tolist() == alone.buckets.tolist()


def test_vectors_are_the_same_to_the_bit_whatever_stands_beside_a_text(encoder: TextEncoder) -> None:
    together = encoder.encode(TEXTS)
    for text, vector in zip(TEXTS, together, strict=True):
        assert encoder.encode([text])[0].tobytes() == vector.tobytes()


def test_vectors_are_of_unit_length_and_nothing_gives_zeros(encoder: TextEncoder) -> None:
    found = encoder.encode(["清水\n水の声", "x", "", " \n ", "\ud800"])
    encoder.card.check(found)
    assert np.linalg.norm(found[:2], axis=1) == pytest.approx(1.0, abs=1e-5)
    assert not found[2:].any()
    assert encoder.encode([]).shape == (0, encoder.card.dimension)


def test_typing_errors_and_other_artists_stay_near_and_strangers_far(encoder: TextEncoder) -> None:
    title, misspelt, elsewhere, stranger = encoder.encode(
        [
            "the long way home\nada brook",
            "teh long wya home\nbrook ada",
            "the long way home\ncora hill",
            "silver harbour\nada brook",
        ]
    )
    assert title @ misspelt > 0.6
    assert title @ elsewhere > 0.5 > title @ stranger


def test_a_title_in_latin_letters_is_that_in_its_own_script(encoder: TextEncoder) -> None:
    native, latin_letters, misspelt = encoder.encode(["Катюша\nхор", "Katyusha\nKhor", "katyusa\nkhor"])
    assert native @ latin_letters > 0.99
    assert native @ misspelt > 0.6


def test_what_is_no_text_is_refused(encoder: TextEncoder) -> None:
    with pytest.raises(InvalidSignal, match="sequence of str"):
        encoder.encode("one text")


def test_an_exported_table_says_what_was_trained_within_its_8_bits(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    table = rng.standard_normal((1 << 10, 24)).astype(np.float32)
    np.savez(tmp_path / "weights.npz", table=table, artist=np.float32(0.5))
    card = export_text(tmp_path / "weights.npz", tmp_path, version="0")
    assert (card.name, card.modality, card.dimension, card.opset) == (TEXT_CARD, Modality.TEXT, 24, None)
    found = TextEncoder.load(tmp_path).encode(TEXTS)
    made = grams_of(TEXTS, bits=10)
    for number, vector in enumerate(found):
        part = slice(*made.starts[number : number + 2])
        weights = np.where(made.of_artist[part], 0.5, 1.0)
        expected = weights @ table[made.buckets[part]]
        length = np.linalg.norm(expected)
        assert np.abs(vector - expected / (length or 1.0)).max() < 5e-3


def test_another_table_than_the_cards_is_refused(tmp_path: Path) -> None:
    for name in (f"{TEXT_CARD}.json", f"{TEXT_CARD}.npz"):
        (tmp_path / name).write_bytes((packaged_dir() / name).read_bytes())
    (tmp_path / f"{TEXT_CARD}.npz").write_bytes(b"")
    with pytest.raises(CardMismatch, match="sha256"):
        TextEncoder.load(tmp_path)
    (tmp_path / f"{TEXT_CARD}.npz").unlink()
    with pytest.raises(ModelUnavailable, match="models build"):
        TextEncoder.load(tmp_path)


def test_the_packaged_table_is_that_of_its_run_record() -> None:
    card = EncoderCard.load(card_path(packaged_dir(), TEXT_CARD))
    record = RunRecord.load(packaged_dir() / f"{TEXT_CARD}.run.json")
    assert record.configuration["shape"]["width"] == card.dimension
    with np.load(packaged_dir() / card.file) as arrays:
        assert arrays["table"].shape == (1 << record.configuration["shape"]["bits"], card.dimension)
