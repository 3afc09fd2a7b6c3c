"""An hour of music in one file, and what memory it takes to hear it."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import psutil

_SAMPLES_PER_S = 48_000
_WATCH_S = 0.02


def long_medium(paths: Sequence[Path], path: Path, *, seconds: float) -> None:
    """Put opus files one behind the other, again and again, without encoding anything anew."""
    with av.open(str(path), "w") as out, av.open(str(paths[0])) as first:
        stream: Any = out.add_stream_from_template(first.streams.audio[0])
        at, number = 0, 0
        while at < seconds * _SAMPLES_PER_S:
            with av.open(str(paths[number % len(paths)])) as source:
                for packet in source.demux(audio=0):
                    if packet.size and packet.duration:
                        length = int(packet.duration * packet.time_base * _SAMPLES_PER_S)
                        packet.stream = stream
                        packet.pts = packet.dts = at
                        at += length
                        out.mux(packet)
            number += 1


def peak_rss(work: Callable[[], object]) -> tuple[int, int]:
    """Return the most memory that this process, and its children together, held during a call: bytes."""
    own, ended = psutil.Process(), threading.Event()
    peaks = [0, 0]

    def watch() -> None:
        while not ended.is_set():
            peaks[0] = max(peaks[0], own.memory_info().rss)
            children = (_rss(child) for child in own.children(recursive=True))
            peaks[1] = max(peaks[1], sum(children))
            time.sleep(_WATCH_S)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        work()
    finally:
        ended.set()
        watcher.join()
    return peaks[0], peaks[1]


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
