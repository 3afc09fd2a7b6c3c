"""Videos: whose recording is heard in them and where, which of them are one, and what looking costs."""

import io
import os
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Any, Final, NamedTuple

import av
import numpy as np
from PIL import Image

from benchmarks.alignment import FAST, of_each_source, placed_right
from benchmarks.altered_pairs import Made, Part, filmed
from benchmarks.altered_videos import COPIES, clips, copied, film, frames_of
from benchmarks.damaged_queries import Sound, decoded
from benchmarks.decoded_sounds import MUSIC
from benchmarks.machine import machine_facts, write_result
from benchmarks.yardstick import yardstick
from streams.core.compare import compare_uploads
from streams.core.hearing import hear
from streams.core.pictures import SAME, compare_pictures
from streams.core.records import Artist, Kind, Origin, Pictures, SoundEvidence, Upload
from streams.core.scoring import Bundle, Scorer
from streams.edges.attempt_marks import AttemptMarks
from streams.edges.encoder import BundleEncoder, compare_features, unpack
from streams.edges.media_decode import MediaDecoder
from streams.edges.media_pictures import pictures_of
from streams.edges.media_sound import HeldSound
from streams.stages.encode import PICTURES

CROWDS_DB: Final = (40.0, 10.0)
"""Level of the music over the crowd; at 40 dB there is none to be heard."""
OFFSET_S, ENDS_S = 0.1, 0.5
FORMS: Final[tuple[tuple[str, str, str], ...]] = (
    ("libx264", "mp4", "aac"),
    ("libvpx", "webm", "libopus"),
    ("mpeg4", "avi", "libmp3lame"),
    ("mpeg2video", "mpegts", "mp2"),
)
TRACKS: Final = int(os.environ.get("SAMESONG_BENCH_TRACKS", "3"))
"""Most tracks of each source."""
_LATE_S: Final = 0.7
_SECONDS: Final = 240
_ORIGIN: Final = Origin(topic="bench", partition=0, offset=0)


class Known(NamedTuple):
    """An upload as the encode stage would know it."""

    upload: Upload
    features: bytes
    pictures: Pictures | None = None


class Watcher:
    """Decodes in the limited child and encodes with the real models."""

    def __init__(self, folder: Path) -> None:
        self.encoder = BundleEncoder.load()
        self.scorer = Scorer(Bundle.packaged())
        self.decoder = MediaDecoder(
            marks=AttemptMarks(folder / "marks"),
            scratch=folder / "scratch",
            max_seconds=3_600,
            max_pixels=64_000_000,
            timeout_s=600,
            memory_mb=1_024,
        )

    def recording(self, title: str, y: Sound) -> Known:
        """Hear a recording."""
        return Known(
            _upload(title, Kind.recording), self.encoder.encode_sound(HeldSound.of(y, sr=22_050)).features
        )

    def video(self, title: str, data: bytes) -> Known:
        """Hear and see a video."""
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.flush()
            medium = self.decoder.medium(file, origin=_ORIGIN, pictures=PICTURES)
        features = self.encoder.encode_sound(medium.sound).features
        return Known(_upload(title, Kind.music_video), features, self.seen(medium.pictures))

    def seen(self, shown: Any) -> Pictures | None:
        """Mark pictures."""
        seen = self.encoder.see([each.pixels for each in shown])
        if seen is None:
            return None
        starts = tuple(each.start_ms for each in shown)
        return Pictures(model=seen.marks_model, starts_ms=starts, marks=seen.marks)

    def look(self, data: bytes) -> Pictures | None:
        """Mark the pictures of a video."""
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.flush()
            return self.seen(
                self.decoder.medium(file, origin=_ORIGIN, sound=False, pictures=PICTURES).pictures
            )

    def relation(self, left: Known, right: Known, sound: SoundEvidence) -> str | None:
        """Relate two uploads, by their titles too."""
        seen = left.pictures, right.pictures
        return compare_uploads(left.upload, right.upload, sound, self.scorer, seen=seen).relation


def _upload(title: str, kind: Kind) -> Upload:
    return Upload(
        source="s", item_id=title, kind=kind, title=title, artists=(Artist(name="The Example Band"),)
    )


def _heard(left: Known, right: Known) -> SoundEvidence:
    return compare_features(unpack(left.features), unpack(right.features))


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
        "same": {name: _share(level == SAME for level in found) for name, found in levels.items()},
        "strangers": {"pairs": sum(strangers.values()), **strangers},
    }


def _images(number: int, seconds: float) -> Iterator[Image.Image]:
    """Show another colour every two seconds, five pictures a second."""
    rng = np.random.default_rng([11, number])
    for _ in range(int(seconds / 2) + 1):
        tile = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)
        shown = Image.fromarray(tile).resize((160, 120), Image.Resampling.NEAREST)
        for _ in range(10):
            yield shown


def muxed(number: int, y: Sound, *, late_s: float = 0.0) -> bytes:
    """Make a film of a sound, in one of four forms."""
    codec, container, sound = FORMS[number % len(FORMS)]
    return film(
        _images(number, len(y) / 22_050),
        Fraction(5 if codec != "mpeg2video" else 25),
        codec=codec,
        container=container,
        gop=20,
        options={"preset": "veryfast"} if codec == "libx264" else {},
        y=y,
        sound_codec=sound,
        late_s=late_s if container != "avi" else 0.0,
    )


def moved(made: Made, late_s: float) -> Made:
    """Say where the parts are in a film whose sound begins later."""
    parts = tuple(
        Part(
            start=each.start,
            end=each.end,
            other_start=each.other_start + late_s,
            other_end=each.other_end + late_s,
        )
        for each in made.parts
    )
    return Made(of=made.of, y=made.y, parts=parts)


def films(watcher: Watcher, tracks: Sequence[Sound], recordings: Sequence[Known]) -> dict[str, Any]:
    """Mux each track into a film with an intro, a cut or skit, and a crowd: how it is related, and where."""
    found: dict[str, Any] = {}
    for crowd in CROWDS_DB:
        related, offsets, placed, wrong = [], [], [], []
        for made in filmed(tracks, crowd):
            data = muxed(made.of, made.y, late_s=_LATE_S)
            video = watcher.video(f"Song {made.of} (Official Video)", data)
            said = _heard(recordings[made.of], video)
            truth = moved(made, 0.0 if FORMS[made.of % len(FORMS)][1] == "avi" else _LATE_S)
            relation = watcher.relation(video, recordings[made.of], _heard(video, recordings[made.of]))
            related.append(relation == "music_video_of")
            offsets.append(placed_right(said, truth, offset_s=OFFSET_S, ends_s=1e9))
            placed.append(placed_right(said, truth, offset_s=OFFSET_S, ends_s=ENDS_S))
            if not placed[-1] or not related[-1]:
                wrong.append(
                    {
                        "track": made.of,
                        "relation": relation,
                        "heard": hear(said).level,
                        "parts": [
                            [round(v, 2) for v in (p.start, p.end, p.other_start)] for p in truth.parts
                        ],
                        "spans": [
                            [s.start_ms / 1000, s.end_ms / 1000, s.other_start_ms / 1000]
                            for s in (said.alignment.spans if said.alignment else ())
                        ],
                    }
                )
        found[f"{crowd:g} dB"] = {
            "relation": _share(related),
            "offset_within_100_ms": _share(offsets),
            "and_boundaries_within_500_ms": _share(placed),
            "wrong": wrong,
        }
        print(crowd, {k: v for k, v in found[f"{crowd:g} dB"].items() if k != "wrong"}, flush=True)
    return found


def negatives(watcher: Watcher, tracks: Sequence[Sound], recordings: Sequence[Known]) -> dict[str, Any]:
    """Films with another song's sound, with a remake's, and the same sound in another film."""
    replaced, others, remakes = [], [], []
    for number, y in enumerate(tracks):
        other = tracks[(number + 1) % len(tracks)]
        video = watcher.video(f"Song {number} (Official Video)", muxed(number, other))
        replaced.append(watcher.relation(video, recordings[number], _heard(video, recordings[number])))
        if number % 4 == 0:
            one, two = (watcher.video(f"Song {number}", muxed(number + step, y)) for step in (0, 4))
            others.append(watcher.relation(one, two, _heard(one, two)))
    for name, fast in FAST.items():
        folder = _music() / "supertuxkart"
        if not folder.is_dir():
            break
        original = watcher.recording(name, decoded(str(folder / f"{name}.ogg")))
        video = watcher.video(name, muxed(0, decoded(str(folder / f"{fast}.ogg"))))
        remakes.append(watcher.relation(video, original, _heard(video, original)))
    return {
        "replaced_sound": dict(Counter(map(str, replaced))),
        "same_sound_in_another_video": dict(Counter(map(str, others))),
        "fast_versions_under_the_same_title": dict(Counter(map(str, remakes))),
    }


def _music() -> Path:
    return Path(os.environ.get(MUSIC, "/nowhere"))


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


def _share(values: Any) -> dict[str, Any]:
    values = list(values)
    return {"of": len(values), "right": round(float(np.mean(values)), 4) if values else None}


def main() -> None:
    started = machine_facts()
    with tempfile.TemporaryDirectory() as folder:
        watcher = Watcher(Path(folder))
        tracks = of_each_source(TRACKS)
        recordings = [watcher.recording(f"Song {number}", y) for number, y in enumerate(tracks)]
        figures: dict[str, Any] = {"tracks": len(tracks)}
        steps: tuple[tuple[str, Callable[[], dict[str, Any]]], ...] = (
            ("cost_1080p", lambda: cost(watcher)),
            ("films", lambda: films(watcher, tracks, recordings)),
            ("negatives", lambda: negatives(watcher, tracks, recordings)),
            ("near_copies", lambda: near_copies(watcher)),
        )
        for name, step in steps:
            figures[name] = step()
            print(name, figures[name] if name != "films" else "", flush=True)
            write_result(
                "video",
                "real tracks muxed into films with intro, cut or skit and crowd, decoded in the child, "
                "heard and seen by the real models; real clips written anew; no metadata but titles",
                figures,
                started=started,
            )
        watcher.decoder.close()


if __name__ == "__main__":
    main()
