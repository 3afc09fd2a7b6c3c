"""Videos: whose recording is heard in them and where, which of them are one, and what looking costs."""

import io
import os
import tempfile
import time
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from PIL import Image

from benchmarks.altered_videos import COPIES, clips, copied, film, frames_of
from benchmarks.decided_videos import decided_videos
from benchmarks.film_pairs import film_pair
from benchmarks.intervals import share
from benchmarks.machine import machine_facts
from benchmarks.placed_videos import placed_videos
from benchmarks.resung_videos import resung_videos
from benchmarks.rows import Row, write_rows
from benchmarks.yardstick import yardstick
from streams.core.bundle import Bundle
from streams.core.compare import compare_uploads
from streams.core.filming import OTHER_VIDEO
from streams.core.pictures import SAME, compare_pictures
from streams.core.records import Artist, Kind, Origin, Pictures, SoundEvidence, Upload
from streams.core.scoring import Scorer
from streams.edges.attempt_marks import AttemptMarks
from streams.edges.encoder import BundleEncoder
from streams.edges.media_decode import MediaDecoder
from streams.edges.media_pictures import pictures_of
from streams.stages.encode_media import PICTURES

_SECONDS: Final = 240
PAIRS: Final = int(os.environ.get("SAMESONG_BENCH_FILM_PAIRS", "20"))
"""Films beside another one and beside a copy, under one sound; the centre was measured on none of them."""
_FILM_S: Final = 20.0
_SONG: Final = Upload(
    source="videos",
    item_id="x",
    kind=Kind.music_video,
    title="Clear Water",
    artists=(Artist(name="The Example Band"),),
)
_ONE_SOUND: Final = SoundEvidence(
    bit_error=0.04,
    offset_ms=0,
    overlap_ms=200_000,
    start_ms=0,
    coverage_left=0.99,
    coverage_right=0.99,
    speed_ratio=1.0,
    windows=0.99,
    harmony=0.95,
)
_ORIGIN: Final = Origin(topic="bench", partition=0, offset=0)


class Watcher:
    """Decodes in the limited child and looks with the real model."""

    def __init__(self, folder: Path) -> None:
        self.encoder = BundleEncoder.load()
        self.decoder = MediaDecoder(
            marks=AttemptMarks(folder / "marks"),
            scratch=folder / "scratch",
            max_seconds=3_600,
            max_pixels=64_000_000,
            timeout_s=600,
            memory_mb=1_024,
        )

    def look(self, data: bytes) -> Pictures | None:
        """Mark the pictures of a video."""
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.flush()
            shown = self.decoder.medium(file, origin=_ORIGIN, sound=False, pictures=PICTURES).pictures
        seen = self.encoder.see([each.pixels for each in shown])
        if seen is None:
            return None
        starts = tuple(each.start_ms for each in shown)
        return Pictures(model=seen.marks_model, starts_ms=starts, marks=seen.marks)


def near_copies(watcher: Watcher) -> dict[str, Any]:
    """Ask whether a clip written anew is the same video; then all clips beside each other."""
    levels: dict[str, list[str]] = defaultdict(list)
    originals = []
    for path in clips():
        original = watcher.look(path.read_bytes())
        originals.append(original)
        frames, rate = frames_of(path)
        for name, how in COPIES.items():
            levels[name].append(compare_pictures(original, watcher.look(copied(frames, rate, how))))
    strangers = Counter(compare_pictures(one, two) for one, two in combinations(originals, 2))
    return {
        "clips": len(originals),
        "same": {name: share(level == SAME for level in found) for name, found in levels.items()},
        "strangers": {"pairs": sum(strangers.values()), **strangers},
    }


def films_under_one_sound(watcher: Watcher) -> dict[str, Any]:
    """Say what becomes of two videos with one sound: of other films, and of a film and its edited copy."""
    scorer = Scorer(Bundle.packaged())
    told: dict[str, Counter[str]] = {"another film": Counter(), "a copy": Counter()}
    levels: dict[str, Counter[str]] = {"another film": Counter(), "a copy": Counter()}
    apart: list[bool] = []
    one: list[bool] = []
    for number in range(PAIRS):
        pair = film_pair(100 + number, _FILM_S)
        seen = watcher.look(pair.film)
        for name, data, right in (("another film", pair.other, apart), ("a copy", pair.copy, one)):
            other = watcher.look(data)
            found = compare_uploads(_SONG, _SONG, _ONE_SOUND, scorer, seen=(seen, other))
            levels[name][compare_pictures(seen, other)] += 1
            told[name][found.relation or "one video"] += 1
            right.append((found.relation == OTHER_VIDEO) is (name == "another film"))
    return {
        "another_film_is_another_video": share(apart),
        "a_copy_is_one_video": share(one),
        "pictures": {name: dict(found) for name, found in levels.items()},
        "told": {name: dict(found) for name, found in told.items()},
    }


def cost(watcher: Watcher) -> dict[str, Any]:
    """Look at four minutes of 1080p, the same seconds over and over, and at what the child takes for it."""
    frames, rate = frames_of(clips()[0])
    large = (Image.fromarray(each).resize((1_920, 1_080)) for each in frames)
    options = {"preset": "ultrafast", "crf": "23"}
    once = film(large, rate, codec="libx264", container="mp4", gop=round(2 * rate), options=options)
    data = repeated(once, _SECONDS)
    took, shown = [], []
    for _ in range(3):
        began = time.process_time()
        with av.open(io.BytesIO(data), mode="r") as container:
            shown = list(pictures_of(container, most=PICTURES, max_pixels=64_000_000))
        took.append(time.process_time() - began)
    images = [
        np.frombuffer(pixels, dtype=np.uint8).reshape(each.height, each.width, 3) for each, pixels in shown
    ]
    began = time.process_time()
    watcher.encoder.see(images)
    embedding = time.process_time() - began
    watcher.look(data)
    measured = yardstick()
    decoding = sorted(took)[1]
    return {
        "seconds": _SECONDS,
        "pictures": len(shown),
        "decoding_cpu_s": round(decoding, 3),
        "encoding_cpu_s": round(embedding, 3),
        "decoding_times_real_time": round(_SECONDS / decoding),
        "whole_times_real_time": round(_SECONDS / (decoding + embedding)),
        "child_peak_mb": child_peak_mb(watcher),
        "yardstick_ms": measured["one_core_ms"],
    }


def repeated(data: bytes, seconds: int) -> bytes:
    """Write the packets of a video again and again."""
    out = io.BytesIO()
    with av.open(out, mode="w", format="mp4") as target:
        stream: Any = None
        begin = 0
        while stream is None or begin * stream.time_base < seconds:
            with av.open(io.BytesIO(data), mode="r") as source:
                given = source.streams.video[0]
                stream = stream or target.add_stream_from_template(given)
                last = 0
                for packet in source.demux(given):
                    if packet.dts is None or packet.pts is None:
                        continue
                    last = max(last, packet.pts + (packet.duration or 0))
                    packet.pts, packet.dts = packet.pts + begin, packet.dts + begin
                    packet.stream = stream
                    target.mux(packet)
                begin += last
                stream_base = given.time_base
                if stream_base is not None and begin * stream_base >= seconds:
                    break
    return out.getvalue()


def child_peak_mb(watcher: Watcher) -> int | None:
    """Read the peak resident memory of the decoding child."""
    child = watcher.decoder.child_id
    if child is None:
        return None
    status = Path(f"/proc/{child}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def main() -> None:
    started = machine_facts()
    with tempfile.TemporaryDirectory() as folder:
        watcher = Watcher(Path(folder))
        rows: tuple[Row, ...] = (
            ("placed", placed_videos),
            ("films_under_one_sound", lambda: films_under_one_sound(watcher)),
            ("near_copies", lambda: near_copies(watcher)),
            ("decided", lambda: decided_videos(Path(folder))),
            ("resung", lambda: resung_videos(Path(folder))),
            ("cost_1080p", lambda: cost(watcher)),
        )
        write_rows(
            "video",
            "films made of real tracks by a seed, beside their recordings through every stage with the "
            "real models; real clips written anew; no metadata but titles",
            rows,
            started=started,
        )
        watcher.decoder.close()


if __name__ == "__main__":
    main()
