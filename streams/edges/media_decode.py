"""Decoding of hostile media in a child process that is limited, watched, and replaced when it dies."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from streams.core.records import Origin
from streams.edges.attempt_marks import AttemptMarks
from streams.edges.media_sound import SpooledSound
from streams.errors import MediaError, TransientError
from streams.ports import DecodedMedium, TimedPicture

SAMPLE_RATE = 22_050
_PICTURE_SIDE = 640
# The child's memory grows a little with each file; a fresh one costs 0.3 s.
_FILES_PER_CHILD = 200
_MAX_ANSWER = 4 << 20
_KEPT_VARIABLES = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "SYSTEMROOT")


class DecoderDied(Exception):
    """The child ended, or was ended because it took too long."""


class MediaDecoder:
    """Decode one file at a time in a child process.

    Parameters
    ----------
    marks : AttemptMarks
        survive this process too
    scratch : Path
        folder for decoded samples on their way here; they have no name in it
    max_seconds, max_pixels, timeout_s, memory_mb : limits
        see ``streams.config.MediaSettings``
    """

    def __init__(
        self,
        *,
        marks: AttemptMarks,
        scratch: Path,
        max_seconds: int,
        max_pixels: int,
        timeout_s: float,
        memory_mb: int,
    ) -> None:
        self._marks = marks
        self._scratch = scratch
        self._max_seconds = max_seconds
        self._max_pixels = max_pixels
        self._timeout_s = timeout_s
        self._memory_bytes = memory_mb * 1024 * 1024
        self._lock = threading.Lock()
        self._child: _Child | None = None
        scratch.mkdir(parents=True, exist_ok=True)

    def medium(
        self, file: BinaryIO, *, origin: Origin, sound: bool = True, pictures: int = 0
    ) -> DecodedMedium:
        """Decode the sound of a file, and pictures spread over it; a film may have no sound track.

        Raises
        ------
        MediaError
            ``media_not_audio``, ``media_truncated``, ``media_too_long``, ``media_image_bomb``,
            ``media_too_large``, ``media_decoder_died``
        TransientError
            no child can be started, or the scratch folder is full
        """
        return self._decode(file, origin, {"op": "medium", "sound": sound}, pictures)

    def picture(self, file: BinaryIO, *, origin: Origin) -> NDArray[np.uint8]:
        """Decode a still picture as RGB [shape=(h, w, 3)], its longest side at most 640.

        Raises
        ------
        MediaError
            ``media_not_image``, ``media_image_bomb``, ``media_truncated``, ``media_decoder_died``
        TransientError
            as for ``medium``
        """
        return self._decode(file, origin, {"op": "picture"}, 1).pictures[0].pixels

    @property
    def child_id(self) -> int | None:
        """Process id of the child; none while there is none."""
        return self._child.process_id if self._child is not None else None

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._drop()

    def _decode(
        self, file: BinaryIO, origin: Origin, request: dict[str, Any], pictures: int
    ) -> DecodedMedium:
        limits = {
            "max_seconds": self._max_seconds,
            "max_pixels": self._max_pixels,
            "max_pictures": pictures,
        }
        room = (self._max_seconds + 60) * SAMPLE_RATE * 2 + (pictures + 1) * _PICTURE_SIDE**2 * 3
        whole = {
            **request,
            "limits": limits,
            "cpu_s": max(1, round(self._timeout_s)),
            "memory_bytes": self._memory_bytes,
            "file_bytes": room,
        }
        with self._lock:
            while True:
                self._marks.begin(origin)
                with tempfile.TemporaryFile(dir=self._scratch) as out:
                    try:
                        answer = self._ask(whole, file, out)
                    except DecoderDied as exc:
                        self._drop()
                        if self._marks.died(origin):
                            continue
                        raise MediaError(f"the decoder died: {exc}", code="media_decoder_died") from exc
                    except BaseException:  # a decoder that lived counts as an attempt that ended
                        self._marks.end(origin)
                        raise
                    self._marks.end(origin)
                    return _take(answer, out)

    def _ask(self, request: dict[str, Any], file: BinaryIO, out: BinaryIO) -> dict[str, Any]:
        if self._child is None or self._child.files >= _FILES_PER_CHILD:
            self._drop()
            self._child = _Child()
        return self._child.ask(request, (file.fileno(), out.fileno()), self._timeout_s)

    def _drop(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None


class _Child:
    """One decoding process and the socket to it."""

    def __init__(self) -> None:
        self.files = 0
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                # A session of its own: Ctrl-C at the terminal is for the parent, which lets it finish.
                self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                    [sys.executable, "-P", "-m", "streams.edges.media_child", str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
                    start_new_session=True,
                )
            except OSError as exc:
                ours.close()
                raise TransientError(f"no decoder can be started: {exc}") from exc
        self._channel = ours
        self.process_id = self._process.pid

    def ask(self, request: dict[str, Any], handles: tuple[int, int], timeout_s: float) -> dict[str, Any]:
        """Send one request and wait for its answer.

        Raises
        ------
        DecoderDied
            it ended, took too long, or answered nonsense
        """
        self.files += 1
        end = time.monotonic() + timeout_s
        line = b""
        try:
            socket.send_fds(self._channel, [json.dumps(request).encode() + b"\n"], handles)
            while not line.endswith(b"\n"):
                ready, _, _ = select.select([self._channel], [], [], max(0.0, end - time.monotonic()))
                if not ready:
                    raise DecoderDied(f"it took longer than {timeout_s:g} s")
                part = self._channel.recv(65_536)
                if not part or len(line) > _MAX_ANSWER:
                    raise DecoderDied(self._cause())
                line += part
        except OSError as exc:
            raise DecoderDied(self._cause()) from exc
        answer: dict[str, Any] = json.loads(line)
        return answer

    def end(self) -> None:
        """Kill the process, if it still lives, and wait for it."""
        self._channel.close()
        with suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()

    def _cause(self) -> str:
        try:
            code = self._process.wait(timeout=5.0)
        except subprocess.TimeoutExpired:
            return "it hung up"
        return signal.Signals(-code).name if code < 0 else f"exit status {code}"


def _take(answer: dict[str, Any], out: BinaryIO) -> DecodedMedium:
    """Read what the child wrote; it may have been taken over, so its sizes are checked."""
    if "failure" in answer:
        raise TransientError(str(answer["failure"]))
    if "refusal" in answer:
        raise MediaError(str(answer["reason"]), code=str(answer["refusal"]))
    found = answer["decoded"]
    samples = int(found["samples"])
    shapes = [(int(p["start_ms"]), int(p["height"]), int(p["width"])) for p in found["pictures"]]
    size = os.fstat(out.fileno()).st_size
    if samples < 0 or samples * 2 + sum(h * w * 3 for _, h, w in shapes) != size:
        raise MediaError("the decoder wrote something else than it said", code="media_decoder_died")
    pictures = []
    out.seek(samples * 2)
    for start_ms, height, width in shapes:
        pixels = np.frombuffer(out.read(height * width * 3), dtype=np.uint8)
        pictures.append(TimedPicture(start_ms=start_ms, pixels=pixels.reshape(height, width, 3)))
    declared = found["declared_ms"]
    return DecodedMedium(
        sound=SpooledSound(out.fileno(), samples=samples, sr=SAMPLE_RATE),
        duration_ms=round(samples * 1000 / SAMPLE_RATE),
        has_sound=bool(found["has_sound"]),
        declared_ms=int(declared) if declared is not None else None,
        pictures=tuple(pictures),
        tags={str(name): str(value) for name, value in found["tags"].items()},
    )
