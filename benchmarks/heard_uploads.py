"""Uploads of real music and what is made of it, told in ways that names or sound alone get wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy import signal

from benchmarks.damaged_queries import SR
from benchmarks.damaged_queries import Sound as Mono
from benchmarks.decoded_sounds import decoded_sounds
from encoders.features.audio import resample
from streams.core.records import ItemKey
from streams.demo.sound import RATE, Sound, add_noise, crop, encode, speed_up
from streams.demo.titles import ENGLISH
from streams.demo.truth import Expectation, Truth

LABEL, USERS = "label", "users"
_DECODED_S: Final = 60.0
_SECONDS: Final = 45.0
Publication = tuple[dict[str, Any], Expectation]
# What it is, in words, its sound, and what is told otherwise.
_Variants = dict[str, tuple[Truth, str, Sound | None, dict[str, Any]]]


def heard_uploads(folder: Path, count: int) -> tuple[Publication, ...]:
    """Make media of so many recordings, from all sources in turn, and their uploads in order.

    Parameters
    ----------
    folder : Path
        gets the media
    count : int
        recordings; those with an odd number have an ISRC
    """
    sounds = [resample(y, SR, RATE)[None] for y in _spread(count)]
    originals, copies = [], []
    for number, y in enumerate(sounds):
        names = _Names(number)
        originals.append(names.upload(LABEL, "original", Truth.original, "as the label sends it"))
        _write(folder, originals[-1], y, codec="libopus", bit_rate=96_000)
        for kind, (truth, what, sound, more) in _variants(number, sounds, names).items():
            made = names.upload(USERS, kind, truth, what, **more)
            _write(folder, made, sound, codec="aac", bit_rate=96_000)
            copies.append(made)
    return (*originals, *copies)


def as_lines(made: tuple[Publication, ...]) -> list[bytes]:
    """Give the uploads as JSON Lines."""
    return [json.dumps(upload, ensure_ascii=False).encode() + b"\n" for upload, _ in made]


def _spread(count: int) -> list[Mono]:
    """Take recordings of all sources in turn."""
    by_source: dict[str, list[Mono]] = {}
    for sound in decoded_sounds(_DECODED_S):
        if len(sound.y) >= _SECONDS * SR:
            by_source.setdefault(sound.source, []).append(sound.y[: int(_SECONDS * SR)].astype(np.float32))
    turns = (own[turn] for turn in range(count) for own in by_source.values() if turn < len(own))
    return [y for y, _ in zip(turns, range(count), strict=False)]


def _variants(number: int, sounds: list[Sound], names: _Names) -> _Variants:
    """Give what users send of a recording: truth, words, sound and what they say."""
    y, other = sounds[number], sounds[(number + 1) % len(sounds)]
    narrow = np.asarray(signal.sosfilt(signal.butter(6, 4_000.0, fs=RATE, output="sos"), y), dtype=np.float32)
    return {
        "copy": (Truth.same, "another codec, its names", y, {}),
        "renamed": (
            Truth.same,
            "in a narrow band, with noise, under names of nobody",
            add_noise(narrow, snr_db=20.0, seed=number),
            {"title": f"my favourite song {number}", "artists": []},
        ),
        "part": (Truth.part, "60 % of it, its names", crop(y, start=0.2, share=0.6), {}),
        # One of the two: they would be one sound, and so each other's copies.
        **(_said_fast(y, names) if number % 2 else _unsaid_fast(y)),
        "namesake": (Truth.original, "other music under its names", _namesake(other), {}),
        "row": (Truth.same, "its names and length, no sound", None, {"duration_ms": int(1_000 * _SECONDS)}),
    }


def _said_fast(y: Sound, names: _Names) -> _Variants:
    fast = speed_up(y, ratio=1.25)
    return {
        "fast": (
            Truth.sped_up,
            "1.25 times as fast, and says so",
            fast,
            {"title": f"{names.title} (Sped Up)"},
        )
    }


def _unsaid_fast(y: Sound) -> _Variants:
    return {"fast, unsaid": (Truth.sped_up, "1.25 times as fast, its names", speed_up(y, ratio=1.25), {})}


def _namesake(y: Sound) -> Sound:
    """Give a piece of other music that is nobody's copy: backwards."""
    return np.ascontiguousarray(y[:, ::-1])


class _Names:
    """Title, artist and ISRC of one recording."""

    def __init__(self, number: int) -> None:
        rng = np.random.default_rng([4, number])

        def one(words: tuple[str, ...]) -> str:
            return words[int(rng.integers(len(words)))]

        self.number = number
        self.title = f"{one(ENGLISH.qualities)} {one(ENGLISH.things)} {one(ENGLISH.places)}"
        self.artist = one(ENGLISH.names)

    def upload(self, source: str, kind: str, truth: Truth, what: str, **more: Any) -> Publication:
        item_id = f"{self.number:03d} {kind}"
        fields: dict[str, Any] = {
            "source": source,
            "source_kind": "label_feed" if source == LABEL else "user_upload",
            "item_id": item_id,
            "kind": "recording",
            "title": self.title,
            "artists": [{"name": self.artist, "role": "main"}],
        }
        if self.number % 2 and kind in {"original", "row"}:
            fields["identifiers"] = {"isrc": [f"GBXYZ26{self.number:05d}"]}
        of = None if truth is Truth.original else ItemKey(LABEL, f"{self.number:03d} original")
        return {**fields, **more}, Expectation(source=source, item_id=item_id, truth=truth, what=what, of=of)


def _write(folder: Path, made: Publication, y: Sound | None, *, codec: str, bit_rate: int) -> None:
    """Write the medium of an upload and name it there."""
    if y is None:
        return
    upload, _ = made
    suffix = ".opus" if codec == "libopus" else ".m4a"
    path = folder / f"{upload['item_id'].replace(' ', '-').replace(',', '')}{suffix}"
    if not path.is_file():
        encode(path, np.clip(np.concatenate([y, y]), -1.0, 1.0), codec=codec, bit_rate=bit_rate, tags={})
    upload["media"] = [{"role": "audio", "uri": path.as_uri()}]


def kinds(made: tuple[Publication, ...]) -> Iterator[tuple[str, Expectation]]:
    """Give each expectation with the kind of its upload."""
    for _, expectation in made:
        yield expectation.item_id.partition(" ")[2], expectation
