"""The encoder without models keeps the port's promises."""

import numpy as np
import pytest

from streams.core.records import SoundFacts
from streams.edges.media_sound import HeldSound
from streams.edges.memory_encoder import MemoryConfirmer, MemoryEncoder
from streams.edges.memory_features import MemoryFeatureStore
from streams.errors import FeatureMissing, MediaError
from streams.ports import HeardSound
from tests.unit.media_files import RATE, melody

ENCODER = MemoryEncoder()


def test_texts_alike_are_near() -> None:
    rows = ENCODER.encode_texts(["clear water", "clear waters", "unrelated song", "", "é水\ud800"])
    assert rows.shape == (5, 512)
    assert np.allclose(np.linalg.norm(rows, axis=1), [1, 1, 1, 0, 1])
    assert rows[0] @ rows[1] > 0.7 > 0.3 > rows[0] @ rows[2]


def test_pictures_alike_are_near() -> None:
    rng = np.random.default_rng(0)
    one = rng.integers(0, 255, size=(60, 80, 3)).astype(np.uint8)
    rows = ENCODER.encode_images([one, np.kron(one, np.ones((2, 2, 1), dtype=np.uint8)), one[::-1]])
    assert rows.shape == (3, 1280)
    assert rows[0] @ rows[1] > 0.4 > rows[0] @ rows[2]


def facts(heard: HeardSound, store: MemoryFeatureStore) -> SoundFacts:
    return SoundFacts(
        duration_ms=heard.duration_ms,
        silent_share=heard.silent_share,
        rms_dbfs=heard.rms_dbfs,
        features=store.put(heard.features),
        content_sha256=heard.content_sha256,
    )


def test_sounds_alike_are_confirmed() -> None:
    store = MemoryFeatureStore()
    y = melody(20.0, seed=3)
    noisy = (y + 0.001 * np.random.default_rng(1).standard_normal(len(y))).astype(np.float32)
    other = np.random.default_rng(2).standard_normal(20 * RATE).astype(np.float32) * 0.1
    one, two, three = (
        facts(ENCODER.encode_sound(HeldSound.of(x, sr=RATE)), store) for x in (y, noisy, other)
    )
    confirmer = MemoryConfirmer(store)
    assert confirmer.confirm(one, one).same_content
    assert (confirmer.confirm(one, two).bit_error or 0) < 0.1
    assert (confirmer.confirm(one, three).bit_error or 0) > 0.4
    store.damage(two.features)
    with pytest.raises(FeatureMissing):
        confirmer.confirm(one, two)


@pytest.mark.parametrize(
    ("y", "code"),
    [(np.zeros(RATE), "media_silent"), (np.zeros(0), "media_silent"), (melody(0.2), "media_too_short")],
)
def test_nothing_to_hear(y: np.ndarray, code: str) -> None:
    with pytest.raises(MediaError) as caught:
        ENCODER.encode_sound(HeldSound.of(y, sr=RATE))
    assert caught.value.refusal_code == code
