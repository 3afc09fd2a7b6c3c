"""What holds no music is never matched by its sound: noise, tones, hum, clicks, speech."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import orjson
import pytest
from numpy.typing import NDArray
from scipy import signal
from typer.testing import CliRunner

from streams.cli.app import app
from tests.unit.media_files import RATE, melody, wav

pytestmark = pytest.mark.models

Sound = NDArray[np.float32]


def white(seed: int, seconds: float) -> Sound:
    return (0.1 * np.random.default_rng(seed).standard_normal(int(seconds * RATE))).astype(np.float32)


def pink(seed: int, seconds: float) -> Sound:
    spectrum = np.fft.rfft(white(100 + seed, seconds))
    y = np.fft.irfft(spectrum / np.sqrt(np.maximum(1.0, np.arange(len(spectrum)))))
    return np.asarray(0.1 * y / y.std(), dtype=np.float32)


def tone(seed: int, seconds: float) -> Sound:
    """Give a sine of 440 Hz, its phase and level by chance."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE)) / RATE
    return (rng.uniform(0.1, 0.5) * np.sin(2 * np.pi * (440.0 * t + rng.uniform()))).astype(np.float32)


def hum(seed: int, seconds: float) -> Sound:
    """Give 50 Hz and its partials over a little noise."""
    t = np.arange(int(seconds * RATE)) / RATE
    y = sum(np.sin(2 * np.pi * 50.0 * k * t + seed * k) / k for k in range(1, 8))
    return np.asarray(0.1 * y + 0.02 * white(200 + seed, seconds), dtype=np.float32)


def clicks(seed: int, seconds: float) -> Sound:
    """Give a metronome at 120 a minute, begun anywhere."""
    y = np.zeros(int(seconds * RATE), dtype=np.float32)
    first = int(np.random.default_rng(seed).integers(RATE // 2))
    for at in range(first, len(y) - 200, RATE // 2):
        y[at : at + 200] = 0.5 * np.hanning(200) * np.sin(np.arange(200) * 0.9)
    return y


def speech(seed: int, seconds: float) -> Sound:
    """Give syllables: a buzz of falling pitch through the resonances of vowels, with pauses and hisses."""
    rng = np.random.default_rng(seed)
    vowels = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))
    parts: list[Sound] = []
    while sum(map(len, parts)) < seconds * RATE:
        length = int(rng.uniform(0.08, 0.25) * RATE)
        pitch = rng.uniform(90, 140) * np.linspace(1.1, 0.9, length)
        buzz = (np.cumsum(pitch / RATE) % 1.0 < 0.1).astype(np.float64)
        voice = np.zeros(length)
        for hz in vowels[int(rng.integers(len(vowels)))]:
            b, a = signal.iirpeak(hz, hz / 90, fs=RATE)
            voice += signal.lfilter(b, a, buzz)
        parts.append((0.3 * voice * np.hanning(length)).astype(np.float32))
        hiss = rng.standard_normal(int(rng.uniform(0.02, 0.1) * RATE)) * 0.03
        parts.append((hiss * (rng.uniform() < 0.5)).astype(np.float32))
        if rng.uniform() < 0.15:
            parts.append(np.zeros(int(rng.uniform(0.2, 0.6) * RATE), dtype=np.float32))
    return np.concatenate(parts)[: int(seconds * RATE)]


def quiet(seed: int, seconds: float) -> Sound:
    """Give the noise of a room with nobody in it: -50 dB of full scale."""
    return np.asarray(10 ** (-50 / 20) / 0.1 * pink(300 + seed, seconds), dtype=np.float32)


def knocks(seed: int, seconds: float) -> Sound:
    """Give silence, and one knock after another at no time in particular."""
    y = np.zeros(int(seconds * RATE), dtype=np.float32)
    rng = np.random.default_rng(400 + seed)
    for at in rng.integers(0, len(y) - 400, 9):
        y[at : at + 400] = 0.4 * np.hanning(400) * np.sin(np.arange(400) * 0.11)
    return y


# Nothing but the sound could bring any two of them together.
NAMES = (
    "Amber Bicycle Canoe Dolphin Ember Falcon Glacier Harvest Island Juniper Kettle Lantern Meadow Nectar "
    "Orchid Pepper Quarry Raven Saddle Thistle Umbrella Velvet Willow Xylophone Yonder Zephyr Almond Bramble "
    "Cinder Dune Echo Fjord Gravel Hazel Ivory Jasmine Kiln Lagoon Mantle Nimbus Osprey Pebble Quartz Ribbon "
    "Spindle Timber Upland Vessel Walnut Yarrow"
).split()


KINDS: Mapping[str, Callable[[int, float], Sound]] = {
    "white": white,
    "pink": pink,
    "tone": tone,
    "hum": hum,
    "clicks": clicks,
    "speech": speech,
    "quiet": quiet,
    "knocks": knocks,
}


def upload(name: str, title: str, artist: str, path: Path, y: Sound) -> bytes:
    path.write_bytes(wav(y))
    fields = {
        "source": "s",
        "item_id": name,
        "kind": "recording",
        "title": title,
        "artists": [{"name": artist, "role": "main"}],
        "media": [{"role": "audio", "uri": path.as_uri()}],
    }
    return orjson.dumps(fields) + b"\n"


def resolved(folder: Path, lines: list[bytes], *, status: int = 0) -> list[dict[str, object]]:
    given, output = folder / "uploads.jsonl", folder / "decisions.jsonl"
    given.write_bytes(b"".join(lines))
    result = CliRunner().invoke(app, ["resolve", str(given), "--output", str(output)])
    assert result.exit_code == status, result.output
    return [orjson.loads(line) for line in output.read_bytes().splitlines()]


def test_what_holds_no_music_is_never_matched(tmp_path: Path) -> None:
    sounds = {"music": melody(30.0, seed=1)}
    for kind, make in KINDS.items():
        # Of other lengths, so that no two of a kind are the same samples.
        sounds |= {f"{kind} {number}": make(number, 25.0 + 4 * number) for number in (1, 2, 3)}
    names = iter(NAMES)
    lines = [
        upload(name, next(names), next(names), tmp_path / f"{name}.wav", y) for name, y in sounds.items()
    ]
    answers = resolved(tmp_path, lines)
    wrong = [each["item_id"] for each in answers if each["decision"] not in {"new", "review"}]
    assert wrong == []
    assert len({each["entity_id"] for each in answers}) == len(sounds)


def test_a_medium_in_which_nothing_sounds_is_refused_and_matches_nobody(tmp_path: Path) -> None:
    silence = np.zeros(20 * RATE, dtype=np.float32)
    # Beneath -60 dB nothing counts as sound, whatever the samples are.
    hiss = np.asarray(1e-4 * np.random.default_rng(1).standard_normal(20 * RATE), dtype=np.float32)
    sounds = {"music": melody(20.0, seed=1), "silence": silence, "silence again": silence, "hiss": hiss}
    lines = [
        upload(name, "Clear Water", "The Example Band", tmp_path / f"{name}.wav", y)
        for name, y in sounds.items()
    ]
    answers = resolved(tmp_path, lines, status=1)
    assert [each["decision"] for each in answers] == ["new", "rejected", "rejected", "rejected"]
    assert [each["entity_id"] for each in answers[1:]] == [None, None, None]
