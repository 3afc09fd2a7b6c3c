"""Works, performances and their spectrograms need no torch; the loss and the loop do."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from encoders.features.semitones import halved, semitone_frames, version_input
from encoders.training.arranging import DRUMS, Freedom, performance
from encoders.training.composing import BASS, CHORDS, MELODY, harmonised, invented
from encoders.training.quilts import excerpt, quilt
from encoders.training.scores import named
from encoders.training.tellings import told_otherwise
from encoders.training.works import NOTE, Work, digest_of, distinct, load_works, save_works


def tune(pitches: list[int]) -> Work:
    rows = [(float(at), 1.0, pitch, 0) for at, pitch in enumerate(pitches)]
    return Work(name="a/tune#0", source="a", notes=np.array(rows, dtype=NOTE))


def test_a_number_is_one_work_and_another_number_is_another() -> None:
    assert digest_of([invented(7)]) == digest_of([invented(7)])
    assert digest_of([invented(7)]) != digest_of([invented(8)])
    assert set(np.unique(invented(7).notes["voice"]).tolist()) == {MELODY, CHORDS, BASS}


def test_works_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    works = (invented(1), tune([60, 64, 67] * 8), invented(2))
    save_works(tmp_path / "works.npz", works)
    again = load_works(tmp_path / "works.npz")
    assert [work.name for work in again] == [work.name for work in works]
    assert digest_of(again) == digest_of(works)
    assert again[1].draw == works[1].draw


def test_two_movements_of_one_name_are_two_works() -> None:
    first, second = (Path(f"/corpus/mozart/{quartet}/movement1.mxl") for quartet in ("k155", "k156"))
    assert named(first, "mozart") == "mozart/k155/movement1.mxl"
    assert named(second, "mozart") != named(first, "mozart")


def test_a_work_in_two_editions_is_there_once() -> None:
    works = [invented(number) for number in (1, 2)]
    notes = works[0].notes.copy()
    notes["pitch"] += 2
    raised = Work(name="the first in another key", source="another edition", notes=notes)
    assert [work.name for work in distinct([*works, raised])] == [work.name for work in works]


def test_a_tune_gets_the_chords_it_outlines() -> None:
    song = harmonised(
        tune([60, 64, 67, 64] * 4 + [67, 71, 74, 71] * 4 + [65, 69, 72, 69, 60, 64, 67, 72] * 2)
    )
    chords = song.notes[song.notes["voice"] == CHORDS]
    first = {int(note["pitch"]) % 12 for note in chords[chords["start"] == 0.0]}
    later = {int(note["pitch"]) % 12 for note in chords[chords["start"] == 16.0]}
    assert first == {0, 4, 7}
    assert later == {7, 11, 2}


def test_a_performance_is_drawn_from_its_seed_and_keeps_its_limits() -> None:
    work = invented(3)
    first, again, other = (performance(work, np.random.default_rng(seed), seconds=30.0) for seed in (5, 5, 6))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()
    assert (first["start"] + first["length"]).max() <= 30.001
    assert np.all(np.diff(first["start"]) >= 0)
    tonal = first[first["program"] != DRUMS]
    assert tonal["pitch"].min() >= 21
    assert tonal["pitch"].max() <= 108


def test_without_freedom_only_instruments_and_time_change() -> None:
    work = invented(4)
    strict = Freedom(semitones=0, tempo=(1.0, 1.0), drop_voice=0.0, edits=0.0, drums=0.0, dropped_notes=0.0)
    notes = performance(work, np.random.default_rng(1), seconds=1_000.0, freedom=strict)
    melody = work.notes[work.notes["voice"] == MELODY]["pitch"] % 12
    assert set(melody.tolist()) <= set((notes["pitch"] % 12).tolist())


def test_semitones_ignore_gain_and_put_a_tone_where_it_is() -> None:
    magnitude = np.full((40, 252), 1e-3, dtype=np.float32)
    magnitude[:, 3 * 45] = 1.0  # in tune, 45 semitones above C1
    frames = semitone_frames(magnitude)
    assert frames.shape == (20, 84)
    assert np.allclose(halved(frames), frames[:10], atol=1e-5)
    assert int(frames.mean(axis=0).argmax()) == 45
    assert np.allclose(version_input(frames), version_input(frames * np.float32(7.0)), atol=1e-5)
    assert not version_input(np.zeros((4, 84), dtype=np.float32)).any()


def test_a_quilt_is_sewn_from_sections_and_is_none_of_them() -> None:
    pieces = [invented(number) for number in range(4)]
    first, again, other = (quilt(pieces, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.notes.tobytes() == again.notes.tobytes()
    assert first.notes.tobytes() != other.notes.tobytes()
    assert np.all(np.diff(first.notes["start"]) >= 0)
    assert first.beats >= 40.0
    assert len(list(distinct([*pieces, first, other]))) == 6


def test_an_excerpt_begins_at_its_beginning() -> None:
    work = invented(5)
    part = excerpt(work, 8.0, 16.0)
    assert part.name == work.name
    whole = work.notes[(work.notes["start"] >= 8.0) & (work.notes["start"] < 24.0)]
    assert part.notes["pitch"].tolist() == whole["pitch"].tolist()
    assert float(part.notes["start"][0]) == pytest.approx(float(whole["start"][0]) - 8.0)


def test_a_performance_is_put_together_from_notes_where_they_sound() -> None:
    pytest.importorskip("torch")
    from encoders.training.arranging import SOUND
    from encoders.training.note_bank import FRAMES, Names, NoteBank, joined
    from encoders.training.templates import LONG, Templates

    # One instrument: every third pitch sounds in the middle bin of its semitone, all the time.
    pitches = np.arange(24, 109, 3, dtype=np.uint8)
    coded = np.zeros((len(pitches), LONG, 252), dtype=np.uint8)
    coded[np.arange(len(pitches)), :, np.minimum(3 * (pitches.astype(int) - 24), 251)] = 200
    templates = [Templates(coded, np.zeros(len(pitches), dtype=np.uint8), pitches)]
    names = Names(templates)
    notes = np.array([(1.0, 1.0, 60, 0, 100), (20.0, 30.0, 64, 0, 100)], dtype=SOUND)

    rng = np.random.default_rng(1)
    both = joined([names.written([notes], rng), names.written([notes[:1]], rng)])
    both.rows[:, 2] = 3  # in tune
    frames, lengths = NoteBank(templates, names, "cpu").rendered(both)
    assert frames.shape == (2, FRAMES, 84)
    assert lengths[0] == pytest.approx(50.0 / 0.18576, abs=2)
    loudest = frames[0].float().numpy()
    assert int(loudest[8].argmax()) == 36
    assert int(loudest[115].argmax()) == int(loudest[250].argmax()) == 40
    assert loudest[60].max() == 0.0
    assert loudest[int(lengths[0]) + 2 :].max() == 0.0
    assert frames[1, 100:].max() == 0.0


def test_chord_steps_of_torch_and_numpy_agree() -> None:
    torch = pytest.importorskip("torch")
    from encoders.features.harmony import chord_steps, pitch_classes
    from encoders.training.harmony_views import steps_of

    frames = np.random.default_rng(2).gamma(0.3, size=(200, 84)).astype(np.float32)
    wanted = chord_steps(pitch_classes(version_input(halved(frames))))
    assert np.abs(steps_of(torch.from_numpy(frames[None]))[0].numpy() - wanted).max() < 1e-5


def test_a_song_is_told_otherwise_and_stays_that_song() -> None:
    rng = random.Random(1)  # noqa: S311 - the same on every run
    told = [told_otherwise(("The Long Way Home", "Ada Brook"), rng) for _ in range(400)]
    titles = [title for title, _ in told]
    assert len(set(titles)) > 100
    near = [title for title in titles if {"long", "way", "home", "lng"} & set(title.split())]
    assert len(near) > 380
    assert sum("ada" in title for title in titles) > 20
    assert sum(not artist for _, artist in told) > 20
    assert told_otherwise(("", "x"), rng)[0] != ""


def test_tellings_of_one_song_are_read_as_one() -> None:
    lines = ["b\tada\tsong 1", "a\tada\tsong 1", "a\tada\tsong 1", "b\tada\t", "c\tcora"]
    pytest.importorskip("torch")
    from encoders.training.text_training import songs_of

    assert songs_of(lines) == [(("a", "ada"), ("b", "ada")), (("b", "ada"),), (("c", "cora"),)]


def test_the_text_network_learns_which_songs_are_one(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("matplotlib")
    from encoders.export import export_text
    from encoders.models.text_net import TextShape
    from encoders.text import TextEncoder
    from encoders.training.loop import WEIGHTS, Schedule
    from encoders.training.text_training import TextConfig, train_text

    words = [f"{one}{other}" for one in ("kar", "lum", "ves", "ot") for other in ("in", "ola", "ek", "ay")]
    songs = [((f"{one} {other}", f"{other} {one}"),) for one in words for other in words if one != other]
    record = train_text(
        songs,
        config=TextConfig(songs_per_batch=32, held_out=0.2, shape=TextShape(bits=10, width=16)),
        schedule=Schedule(steps=30, seconds=600.0, rate=0.03, warm_up=2, every=15),
        folder=tmp_path,
        device="cpu",
    )
    assert record.steps[-1]["loss"] < record.steps[1]["loss"]
    export_text(tmp_path / WEIGHTS, tmp_path, version="0")
    found = TextEncoder.load(tmp_path).encode(
        ["karin lumek\nlumek karin", "karin lumk\nlumek karin", "otay vesola"]
    )
    assert found[0] @ found[1] > 0.6 > found[0] @ found[2]


def test_an_average_of_weights_comes_after_them() -> None:
    torch = pytest.importorskip("torch")
    from encoders.training.averaging import Averaged

    net = torch.nn.Linear(1, 1)
    averaged = Averaged(net)
    before = averaged.net.weight.item()
    with torch.no_grad():
        net.weight.add_(1.0)
    averaged.follow(net)
    first = averaged.net.weight.item()
    averaged.follow(net)
    assert before < first < averaged.net.weight.item() < net.weight.item()


def test_the_loss_falls_when_what_is_the_same_is_near() -> None:
    torch = pytest.importorskip("torch")
    from encoders.training.contrast import contrastive_loss

    labels = torch.tensor([0, 0, 1, 1])
    apart = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1], [0.1, 1.0]])
    near = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    assert contrastive_loss(near, labels, temperature=0.1) < contrastive_loss(apart, labels, temperature=0.1)


def tiny_run(
    folder: Path, steps: int, *, resume: bool, every: int = 5, data: str = "a", stop_at: int | None = None
) -> tuple[Any, Any]:
    """Train two weights; the score is the same at every measurement."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("matplotlib")
    from encoders.training.loop import Schedule, train
    from encoders.training.run_record import RunRecord

    torch.manual_seed(0)
    net = torch.nn.Linear(2, 1)
    x = torch.tensor([[1.0, 2.0], [3.0, -1.0]])

    def losses() -> Iterator[Callable[[], Any]]:
        for number in itertools.count():
            if number == stop_at:
                raise KeyboardInterrupt
            yield lambda: (net(x) - 1.0).square().mean()

    record = RunRecord(
        task="version", configuration={}, data={"sha256": data}, commit="unknown", device="cpu"
    )
    schedule = Schedule(steps=steps, seconds=600.0, every=every, warm_up=1)
    done = train(
        net,
        losses(),
        lambda: 0.5,
        schedule=schedule,
        record=record,
        folder=folder,
        device="cpu",
        resume=resume,
    )
    return net, done


def test_a_run_that_is_resumed_goes_on_where_it_was(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from encoders.training.loop import load_weights
    from encoders.training.run_record import RunRecord

    tiny_run(tmp_path, 10, resume=False)
    net, record = tiny_run(tmp_path, 20, resume=True)
    # The first is of the untrained network.
    assert [row["step"] for row in record.steps] == [0, 5, 10, 15, 20]
    assert RunRecord.load(tmp_path / "run.json").best == record.best
    assert (tmp_path / "curves.png").stat().st_size > 1_000
    again = torch.nn.Linear(2, 1)
    load_weights(tmp_path / "weights.npz", again)
    assert torch.equal(again.weight, net.weight)


def test_a_run_that_ends_between_two_measurements_leaves_weights(tmp_path: Path) -> None:
    _, record = tiny_run(tmp_path, 3, resume=False)
    assert [row["step"] for row in record.steps] == [0, 3]
    assert (tmp_path / "weights.npz").is_file()


def test_a_run_that_was_interrupted_loses_no_step(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        tiny_run(tmp_path, 20, resume=False, stop_at=8)
    whole, _ = tiny_run(tmp_path / "other", 20, resume=False, every=20)
    net, record = tiny_run(tmp_path, 20, resume=True)
    assert [row["step"] for row in record.steps] == [0, 5, 10, 15, 20]
    # The rate falls with the time that has passed too, which is next to nothing of ten minutes.
    assert net.weight.tolist()[0] == pytest.approx(whole.weight.tolist()[0], abs=1e-3)


def test_a_checkpoint_of_other_data_is_refused(tmp_path: Path) -> None:
    from encoders.errors import CheckpointMismatch

    tiny_run(tmp_path, 5, resume=False)
    with pytest.raises(CheckpointMismatch):
        tiny_run(tmp_path, 10, resume=True, data="b")


def test_music_that_cannot_be_read_is_left_out_and_named(tmp_path: Path) -> None:
    from encoders.training.material import recordings_in
    from tests.unit.media_files import melody, wav

    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "good.wav").write_bytes(wav(melody(2.0, seed=1)))
    (tmp_path / "source" / "bad.ogg").write_bytes(b"no music")
    said: list[str] = []
    assert [each[:2] for each in recordings_in(tmp_path, said.append)] == [("good", "source")]
    assert any("bad.ogg" in line for line in said)
