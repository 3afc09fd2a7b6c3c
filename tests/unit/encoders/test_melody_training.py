"""Maps of melodies: what they are trained on, the comparison that trains them, and their graph."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from encoders.training import melodies  # noqa: E402 - they need torch
from encoders.training.composing import MELODY, invented  # noqa: E402
from encoders.training.melodies import (  # noqa: E402
    AGAIN,
    CLIP_FRAMES,
    CLIP_S,
    LEAD,
    PARTS,
    tune_of,
)
from encoders.training.melody_views import at_tempo, fits, mixed, moved, place_loss, placed  # noqa: E402
from encoders.training.note_bank import Names, NoteBank  # noqa: E402
from encoders.training.performers import Repertoire  # noqa: E402
from encoders.training.templates import HELD, LONG, Templates  # noqa: E402
from encoders.training.voices import highest_voice, is_melody, melody_of  # noqa: E402


@pytest.fixture(scope="module")
def sines() -> Iterator[list[Templates]]:
    """The one instrument is a pure tone: every third pitch is there, in the middle bin of its semitone."""
    pitches = np.arange(24, 109, 3, dtype=np.uint8)
    coded = np.zeros((len(pitches), LONG, 252), dtype=np.uint8)
    coded[np.arange(len(pitches)), LONG - HELD :, np.minimum(3 * (pitches.astype(int) - 24), 251)] = 200
    with pytest.MonkeyPatch.context() as patch:
        for family in ("BASSES", "STRUCK", "SUSTAINED"):
            patch.setattr(melodies, family, (0,))
        yield [Templates(coded, np.zeros(len(pitches), dtype=np.uint8), pitches)]


def test_a_melody_is_the_highest_voice_one_note_at_a_time() -> None:
    work = invented(3)
    assert highest_voice(work) == MELODY
    line = melody_of(work, MELODY)
    assert np.all(np.diff(line["start"]) > 0)
    assert np.all(line["start"][:-1] + line["length"][:-1] <= line["start"][1:] + 1e-4)
    assert is_melody(line, 10.0)
    held = line.copy()
    held["pitch"] = 60
    assert not is_melody(held, 10.0)


def test_a_tune_is_performed_twice_at_two_tempos_in_two_keys(sines: list[Templates]) -> None:
    names = Names(sines, seconds=CLIP_S + 1e-3, out_of_tune=0)
    tune, again = (tune_of(7, Repertoire([], []), names, 1) for _ in range(2))
    assert tune.notation.rows.tobytes() == again.notation.rows.tobytes()
    assert len(tune.notation.lengths) == PARTS
    frames, _ = NoteBank(sines, names, "cpu").rendered(tune.notation)
    assert frames.shape == (PARTS, CLIP_FRAMES, 84)
    # Pitch classes of both, brought to one tempo and key, are mostly the same.
    folded = frames.float().unflatten(2, (7, 12)).sum(2).transpose(1, 2)[:, None]
    ratio = torch.tensor([tune.ratio])
    first = at_tempo(folded[LEAD : LEAD + 1], torch.zeros(1), ratio, 60)[0, 0]
    second = folded[AGAIN, 0, :, :60]
    fit = [float((first.roll(key, 0) * second).sum()) for key in range(12)]
    assert int(np.argmax(fit)) == tune.semitones % 12


def test_a_phrase_is_laid_where_it_is_played_anew() -> None:
    rng = torch.Generator().manual_seed(1)
    maps = torch.randn(3, 2, 12, 40, generator=rng)
    phrases = torch.stack([maps[1, :, :, 5:17].roll(-4, 1), maps[2, :, :, 20:32].roll(3, 1)])
    found = fits(phrases, maps)
    assert found.shape == (2, 3, 12, 29)
    for row, (track, key, place) in enumerate([(1, 4, 5), (2, 9, 20)]):
        assert float(found[row, track, key, place]) == pytest.approx(1.0, abs=1e-5)
        assert int(found[row].argmax()) == (track * 12 + key) * 29 + place


def test_the_loss_counts_neither_neighbours_nor_what_has_something_in_common() -> None:
    cosines = torch.zeros(2, 3, 12, 10)
    key, place, none = torch.tensor([1, 2]), torch.tensor([4.0, 5.5]), torch.zeros(2, 3, dtype=torch.bool)
    even = float(place_loss(cosines, key, place, none, temperature=0.1))
    cosines[0, 0, 1, 4] = cosines[1, 1, 2, 5] = 1.0
    right = float(place_loss(cosines, key, place, none, temperature=0.1))
    assert right < even
    beside = cosines.clone()
    beside[0, 0, 1, 5] = 1.0
    assert float(place_loss(beside, key, place, none, temperature=0.1)) == pytest.approx(right, abs=1e-4)
    strange = cosines.clone()
    strange[0, 2, 7, 1] = 1.0
    assert float(place_loss(strange, key, place, none, temperature=0.1)) > right
    none[0, 2] = True
    assert float(place_loss(strange, key, place, none, temperature=0.1)) <= right


def test_a_melody_is_laid_over_other_music_at_its_level() -> None:
    under, over = torch.ones(1, 20, 84), torch.zeros(1, 20, 84)
    over[:, :10, 40] = 3.0
    part = placed(over, torch.tensor([2]), torch.tensor([5]), torch.tensor([6]))
    assert part[0, 5:11, 40].tolist() == [3.0] * 6
    assert float(part.sum()) == 18.0
    both = mixed(under, part, torch.tensor([0.0]))
    assert torch.equal(both[0, 12], under[0, 12])
    assert float(both[0, 7].square().sum()) == pytest.approx(2 * 84.0)
    up = moved(part, torch.tensor([5]))
    assert float(up[0, 7, 45]) == 3.0


def test_training_goes_down_and_the_graph_gives_what_torch_gives(
    sines: list[Templates], tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    import onnxruntime

    from encoders.export import export_melody
    from encoders.models.melody_net import MelodyNet, MelodyShape
    from encoders.training.loop import WEIGHTS, Schedule, load_weights
    from encoders.training.melody_training import MelodyConfig, train_melody

    shape = MelodyShape(first=4, second=4, width=12, middle=6, apart=(1, 2), channels=2)
    beds = [np.random.default_rng(1).gamma(0.5, size=(2 * CLIP_FRAMES, 84)).astype(np.float32)]
    record = train_melody(
        [],
        sines,
        beds,
        config=MelodyConfig(
            batch=4, pool=4, fresh=4, new=0, processes=1, window=(15, 18), measured=4, shape=shape
        ),
        schedule=Schedule(steps=6, seconds=600.0, rate=0.02, warm_up=1, every=3),
        folder=tmp_path,
        device="cpu",
    )
    assert record.steps[-1]["loss"] < record.steps[1]["loss"]
    net: Any = MelodyNet(shape)
    load_weights(tmp_path / WEIGHTS, net)
    x = np.random.default_rng(2).gamma(0.5, size=(1, 84, 61)).astype(np.float32)
    with torch.no_grad():
        wanted = net.eval()(torch.from_numpy(x)).numpy()
    session = onnxruntime.InferenceSession(str(export_melody(tmp_path / WEIGHTS, tmp_path)))
    found = session.run(None, {"semitones": x})[0]
    assert found.shape == (1, 2, 12, 31)
    assert np.abs(found - wanted).max() < 1e-5
