"""Films made by code: scenes drawn by a seed, in containers, codecs and frame rates that videos come in."""

import io
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from heapq import merge
from itertools import islice
from typing import Any, Final, NamedTuple

import av
import numpy as np

from benchmarks.altered_videos import clips
from benchmarks.damaged_queries import SR, Sound

WIDTH, HEIGHT = 160, 120
_SIZE: Final = f"size={WIDTH}x{HEIGHT}"
_SCENE_S: Final = (3.0, 8.0)


class Form(NamedTuple):
    """How a film is written.

    Attributes
    ----------
    late_s : float
        by how much its sound begins after its pictures; negative: before them
    """

    codec: str
    container: str
    sound: str
    rate: Fraction
    late_s: float = 0.0


FORMS: Final = (
    Form("libx264", "mp4", "aac", Fraction(24)),
    Form("libx264", "mp4", "aac", Fraction(30_000, 1_001), late_s=0.7),
    Form("libvpx", "webm", "libopus", Fraction(12)),
    Form("mpeg4", "avi", "libmp3lame", Fraction(15)),
    Form("mpeg2video", "mpegts", "mp2", Fraction(25)),
    Form("libvpx", "webm", "vorbis", Fraction(12)),
    Form("libx264", "matroska", "libmp3lame", Fraction(25), late_s=-0.4),
    Form("mpeg4", "mov", "aac", Fraction(10)),
    Form("libx264", "mpegts", "aac", Fraction(25), late_s=0.3),
    Form("libx264", "matroska", "flac", Fraction(5)),
)
_OPTIONS: Final = {
    "libx264": {"preset": "ultrafast", "crf": "30"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "b": "200000"},
}


def scene_kinds() -> list[str]:
    """Name what scenes are made of; clips only where there are some."""
    drawn = ["mandelbrot", "gradients", "shapes", "bars", "life", "perlin", "counter", "triangles"]
    return [*drawn, *(f"clip {number}" for number, _ in enumerate(clips()))]


def film(
    seed: int, form: Form, *, kinds: Sequence[str], y: Sound | None, seconds: float = 0.0, edit: str = ""
) -> bytes:
    """Make a film.

    Parameters
    ----------
    seed : int
        draws the scenes
    form : Form
    kinds : sequence of str
        what its scenes may be, of `scene_kinds`
    y : float32 [shape=(n,)], optional
        its sound at 22.05 kHz; without one it has no sound track
    seconds : float [s]
        how long a film without a sound is
    edit : str
        a filter of FFmpeg that all its pictures go through
    """
    out = io.BytesIO()
    seconds = len(y) / SR + max(form.late_s, 0.0) if y is not None else seconds
    with av.open(out, mode="w", format=form.container) as file:
        pictures: Any = file.add_stream(form.codec, rate=form.rate, options=_OPTIONS.get(form.codec, {}))
        pictures.pix_fmt, pictures.width, pictures.height = "yuv420p", WIDTH, HEIGHT
        pictures.codec_context.gop_size, pictures.codec_context.thread_count = round(2 * form.rate), 1
        streams = [_shown(pictures, _edited(_frames(seed, seconds, form.rate, kinds), edit), form)]
        if y is not None:
            streams.append(heard_packets(sound_stream(file, form.sound), y, max(form.late_s, 0.0)))
        for packet in merge(*streams, key=lambda packet: packet.dts * packet.time_base):
            file.mux(packet)
    return out.getvalue()


def recording(y: Sound) -> bytes:
    """Write a sound without loss."""
    out = io.BytesIO()
    with av.open(out, mode="w", format="flac") as file:
        for packet in heard_packets(sound_stream(file, "flac"), y, 0.0):
            file.mux(packet)
    return out.getvalue()


def sound_stream(file: Any, codec: str) -> Any:
    """Add a sound track to a file."""
    # FFmpeg's own writer of Vorbis knows two channels and calls itself an experiment.
    stream = file.add_stream(codec, rate=48_000, options={"strict": "-2"})
    stream.layout, stream.bit_rate = "stereo" if codec == "vorbis" else "mono", 96_000
    return stream


def _edited(frames: Iterator[Any], edit: str) -> Iterator[Any]:
    """Send pictures through a filter, and to the size they had."""
    if not edit:
        yield from frames
        return
    graph = av.filter.Graph()
    name, _, asked = edit.partition("=")
    begin = graph.add_buffer(
        width=WIDTH, height=HEIGHT, format=av.VideoFormat("yuv420p"), time_base=Fraction(1, 25)
    )
    graph.link_nodes(
        begin, graph.add(name, asked), graph.add("scale", f"{WIDTH}:{HEIGHT}"), graph.add("buffersink")
    ).configure()
    for number, frame in enumerate(frames):
        frame.pts, frame.time_base = number, Fraction(1, 25)
        graph.push(frame)
        yield graph.pull()


def _shown(stream: Any, frames: Iterator[Any], form: Form) -> Iterator[Any]:
    first = round(max(0.0, -form.late_s) * form.rate)
    for number, frame in enumerate(frames):
        frame.pts, frame.time_base = first + number, 1 / form.rate
        yield from stream.encode(frame)
    yield from stream.encode(None)


def heard_packets(stream: Any, y: Sound, late_s: float) -> Iterator[Any]:
    """Encode a sound that begins so much later."""
    resampler = av.AudioResampler(
        format=stream.format,
        layout=stream.layout,
        rate=48_000,
        frame_size=stream.codec_context.frame_size or 1_024,
    )
    whole = av.AudioFrame.from_ndarray(y[None, :], format="flt", layout="mono")
    whole.sample_rate = SR
    at = round(48_000 * late_s)
    for part in (*resampler.resample(whole), *resampler.resample(None)):
        part.pts, part.time_base = at, Fraction(1, 48_000)
        at += part.samples
        yield from stream.encode(part)
    yield from stream.encode(None)


def _frames(seed: int, seconds: float, rate: Fraction, kinds: Sequence[str]) -> Iterator[Any]:
    """Show scene after scene."""
    rng = np.random.default_rng([37, seed])
    left = round(seconds * rate)
    order: list[str] = []
    while left > 0:
        order = order or [str(kind) for kind in rng.permutation(list(kinds))]
        count = min(left, round(float(rng.uniform(*_SCENE_S)) * rate))
        shown = 0
        for frame in islice(_scene(order.pop(), rng, rate), count):
            shown += 1
            yield frame
        left -= shown


def _scene(kind: str, rng: np.random.Generator, rate: Fraction) -> Iterator[Any]:
    """Show one scene for as long as it is asked for; a clip as long as it lasts."""
    if kind.startswith("clip"):
        frames = _clip(int(kind.split()[1]))
        begin = int(rng.integers(0, max(1, len(frames) - 60)))
        return (
            av.VideoFrame.from_ndarray(each, format="rgb24").reformat(format="yuv420p")
            for each in frames[begin:]
        )
    return _drawn(_source(kind, rng, rate), rng)


def _source(kind: str, rng: np.random.Generator, rate: Fraction) -> tuple[str, str]:
    """Name the filter that draws a scene, and what it is asked for."""
    seed, colours = int(rng.integers(1, 2**31)), [f"0x{int(c):06x}" for c in rng.integers(0, 2**24, 4)]
    common = f"{_SIZE}:rate={rate}"
    x, y = rng.uniform(-0.8, -0.7), rng.uniform(0.05, 0.3)
    asked = {
        "mandelbrot": (
            "mandelbrot",
            f"{common}:maxiter=150:start_x={x:.4f}:start_y={y:.4f}:start_scale={rng.uniform(0.05, 1):.3f}",
        ),
        "gradients": (
            "gradients",
            f"{common}:seed={seed}:c0={colours[0]}:c1={colours[1]}:nb_colors=2:speed=0.02",
        ),
        "shapes": ("color", f"{common}:c={colours[0]}"),
        "bars": ("smptehdbars", common),
        "life": (
            "life",
            f"{common}:seed={seed}:ratio=0.3:mold=10:life_color={colours[0]}:death_color={colours[1]}:mold_color={colours[2]}",
        ),
        "perlin": (
            "perlin",
            f"{common}:random_seed={seed}:octaves=3:random_mode=seed:"
            f"xscale={rng.uniform(2, 12):.1f}:yscale={rng.uniform(2, 12):.1f}",
        ),
        "counter": ("testsrc", common),
        "triangles": ("sierpinski", f"{common}:seed={seed}:type={rng.choice(['triangle', 'carpet'])}"),
    }
    return asked[kind]


def _drawn(source: tuple[str, str], rng: np.random.Generator) -> Iterator[Any]:
    """Draw by FFmpeg's sources, coloured otherwise each time; over a plain ground move boxes."""
    graph = av.filter.Graph()
    steps = [graph.add(*source), graph.add("hue", f"h={int(rng.integers(0, 360))}")]
    if source[0] == "color":
        for _ in range(int(rng.integers(2, 7))):
            w, h, speed = rng.integers(10, 80), rng.integers(10, 60), rng.uniform(-30, 30)
            colour = int(rng.integers(0, 2**24))
            across = f"mod({rng.integers(0, WIDTH)}+{speed:.1f}*t+{10 * WIDTH}\\,{WIDTH})"
            place = f"x={across}:y={rng.integers(0, HEIGHT)}"
            steps.append(graph.add("drawbox", f"{place}:w={w}:h={h}:color=0x{colour:06x}:t=fill"))
    steps += [graph.add("format", "pix_fmts=yuv420p"), graph.add("buffersink")]
    graph.link_nodes(*steps).configure()
    while True:
        yield graph.pull()


@cache
def _clip(number: int) -> list[Any]:
    """Decode a clip, small."""
    with av.open(str(clips()[number]), mode="r") as file:
        frames = islice(file.decode(file.streams.video[0]), 0, 600, 2)
        return [each.to_ndarray(format="rgb24", width=WIDTH, height=HEIGHT) for each in frames]
