"""Decode sound and pictures with PyAV and Pillow. Runs only inside the limited child process."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import av
from PIL import Image, ImageFile

from streams.edges.media_formats import DEMUXERS
from streams.edges.media_pictures import PICTURE_SIDE, Picture, beginning, check_pixels, moving, pictures_of
from streams.errors import MediaError

SAMPLE_RATE = 22_050
# Containers that say of each packet when it is heard; others count bytes.
_TIMED = frozenset({"mov", "matroska", "mpegts", "flv"})
# Less is how encoders round; more is a clock that was set anew, and no player waits for it.
_LEAST_GAP_S, _LONGEST_GAP_S = 0.05, 10.0

_PICTURES = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
# First bytes of files that are media, whatever is wrong with the rest.
_MAGIC = (
    *((0, magic) for magic in (b"RIFF", b"RF64", b"FORM", b"fLaC", b"OggS", b"ID3", b"caff")),
    *((0, magic) for magic in (b"\xff\xfb", b"\xff\xf3", b"\x1aE\xdf\xa3", b"0&\xb2u")),
    (4, b"ftyp"),
)
# These guess their length from the bit rate; the others know it.
_GUESSED = frozenset({"mp3", "aac", "ac3", "eac3", "mpeg", "mpegts", "amr"})
_BUFFER = 1 << 18
# What is written together: more would be given back to the system and be cleared anew each time.
_BLOCK = 1 << 16
# Samples that are resampled together: frames of 20 ms, one by one, cost a seventh of decoding more.
_AT_ONCE = 8_192
_PLACEHOLDER = 0x7FFF_0000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much may come out of one file."""

    max_seconds: int
    max_pixels: int
    max_pictures: int


@dataclass(slots=True, kw_only=True)
class Decoded:
    """What was written to the output: 16-bit mono samples at ``SAMPLE_RATE``, then pictures."""

    samples: int = 0
    has_sound: bool = True
    pictures: list[Picture] = field(default_factory=list)
    declared_ms: int | None = None
    tags: dict[str, str] = field(default_factory=dict)
    format: str = ""


def decode_medium(file: BinaryIO, out: BinaryIO, *, sound: bool, limits: Limits) -> Decoded:
    """Decode the sound of a file, then pictures spread over it.

    Both are placed as a player shows them: where the sound of a film begins later than its pictures, silence
    comes first. A film without a sound track gives pictures alone.

    Raises
    ------
    MediaError
        ``media_not_audio``, ``media_truncated``, ``media_too_long``, ``media_image_bomb``
    """
    decoded = Decoded()
    with _opened(file) as container:
        decoded.format = container.format.name.split(",")[0]
        decoded.tags = _tags(container)
        length = container.duration
        decoded.declared_ms = round(length / 1000) if length and length > 0 else None
        if decoded.declared_ms is not None and decoded.declared_ms > limits.max_seconds * 1000:
            raise _too_long(limits)
        decoded.has_sound = bool(container.streams.audio) or not (limits.max_pictures and moving(container))
        if sound and decoded.has_sound:
            _decode_sound(container, out, decoded, limits)
            _check_whole(file, decoded)
    if limits.max_pictures:
        with _opened(file) as container:
            shown = pictures_of(container, most=limits.max_pictures, max_pixels=limits.max_pixels)
            for picture, pixels in shown:
                write_all(out, pixels)
                decoded.pictures.append(picture)
    return decoded


def decode_picture(file: BinaryIO, out: BinaryIO, *, limits: Limits) -> Decoded:
    """Decode a still picture.

    Raises
    ------
    MediaError
        ``media_not_image``, ``media_image_bomb``, ``media_truncated``
    """
    Image.MAX_IMAGE_PIXELS = limits.max_pixels
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with warnings.catch_warnings():
            # Pillow only warns up to twice the limit.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(file, formats=_PICTURES)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise MediaError(str(exc), code="media_image_bomb") from exc
    except (OSError, ValueError, SyntaxError) as exc:  # UnidentifiedImageError is an OSError
        raise MediaError(f"this is no picture that can be read: {exc}", code="media_not_image") from exc
    check_pixels(image.width, image.height, limits.max_pixels)
    try:
        image.draft("RGB", (PICTURE_SIDE, PICTURE_SIDE))
        small = image.convert("RGB")
        small.thumbnail((PICTURE_SIDE, PICTURE_SIDE))
    except (OSError, ValueError, SyntaxError, EOFError, IndexError) as exc:
        raise MediaError(f"the picture is damaged: {exc}", code="media_truncated") from exc
    write_all(out, small.tobytes())
    return Decoded(pictures=[Picture(start_ms=0, width=small.width, height=small.height)])


def _why(error: Exception) -> str:
    """Say what the library says, without its number and its name for a file that has none."""
    return getattr(error, "strerror", None) or str(error)


def _opened(file: BinaryIO) -> Any:
    """Open a file with the demuxers that are allowed."""
    file.seek(0)
    try:
        return av.open(
            file,
            mode="r",
            options={"format_whitelist": DEMUXERS},
            metadata_errors="replace",
            buffer_size=_BUFFER,
        )
    except (av.FFmpegError, OSError, ValueError) as exc:
        file.seek(0)
        head = file.read(16)
        if any(head[at : at + len(magic)] == magic for at, magic in _MAGIC):
            raise MediaError(
                f"the file begins like a medium and breaks off: {_why(exc)}", code="media_truncated"
            ) from exc
        raise MediaError(f"this is no medium that can be read: {_why(exc)}", code="media_not_audio") from exc


def _tags(container: Any) -> dict[str, str]:
    """Collect tags; the container's win over a stream's."""
    found: dict[str, str] = {}
    for metadata in (*(stream.metadata for stream in container.streams), container.metadata):
        for name, value in metadata.items():
            if len(found) < 100:
                found[str(name).lower()[:100]] = str(value)[:1000]
    return found


def _decode_sound(container: Any, out: BinaryIO, decoded: Decoded, limits: Limits) -> None:
    """Write mono samples; 16 bits are enough for every encoder and halve what is written."""
    stream = container.streams.best("audio")
    if stream is None:
        raise MediaError("the file holds no sound", code="media_not_audio")
    if stream.codec_context is None:
        raise MediaError("the sound is in a form that cannot be decoded", code="media_not_audio")
    stream.codec_context.thread_count = 1
    most = limits.max_seconds * SAMPLE_RATE
    timed = bool(moving(container)) and container.format.name.split(",")[0] in _TIMED
    samples = _Samples(out, begins=beginning(container) if timed else None)
    packets = damaged = 0
    problem = ""
    for packet in _packets(container, stream):
        packets += 1
        try:
            for frame in packet.decode():
                samples.add(frame)
        except av.FFmpegError as exc:
            damaged += 1
            problem = str(exc)
        if samples.count > most:
            raise _too_long(limits)
    try:
        samples.finish()
    except av.FFmpegError as exc:
        raise MediaError(f"the sound cannot be resampled: {_why(exc)}", code="media_truncated") from exc
    decoded.samples = samples.count
    if decoded.samples == 0:
        code = "media_truncated" if packets > damaged else "media_not_audio"
        raise MediaError(f"nothing could be decoded: {problem or 'the file ends too early'}", code=code)
    if damaged > max(3, packets // 10):
        raise MediaError(f"{damaged} of {packets} packets are damaged: {problem}", code="media_truncated")


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    """Read packets up to the end, or to where the file cannot be read any further."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError, IndexError):
            # IndexError: a packet of a stream that the container never announced.
            return
        yield packet


def write_all(out: BinaryIO, data: bytes | bytearray) -> None:
    """Write to an unbuffered file, which may take only a part at a time."""
    with memoryview(data) as view:
        done = 0
        while done < len(view):
            done += out.write(view[done:])


class _Samples:
    """Resamples frames and writes them; a stream may change its rate or channels on the way.

    Parameters
    ----------
    out : file
    begins : float [s], optional
        the time of the first sample in the clock of the file: silence fills what no frame does. None takes
        the frames one after another, whatever their times
    """

    def __init__(self, out: BinaryIO, *, begins: float | None) -> None:
        self._out = out
        self._reached = begins
        self._block = bytearray()
        self._resampler: Any = None
        self._waiting = av.AudioFifo()
        self.count = 0

    def add(self, frame: Any) -> None:
        """Write one frame."""
        if self._reached is not None:
            self._reached = self._wait_for(frame, self._reached)
        # Broken time stamps would make the resampler invent or drop sound.
        frame.pts = None
        if self._resampler is None:
            self._begin()
        try:
            self._waiting.write(frame)
        except ValueError:  # it knows its rate and channels; asking each frame for them costs 3 %
            self.finish()
            self._begin()
            self._waiting.write(frame)
        if self._waiting.samples >= _AT_ONCE:
            self._write(self._resampler.resample(self._waiting.read()))

    def _wait_for(self, frame: Any, reached: float) -> float:
        """Write silence up to where a frame is heard; give the time at its end."""
        at = float(frame.time) if frame.time is not None else reached
        gap = at - reached
        # How late a sound begins is told by the edit list of its file; a jump later on may be an error.
        begun = self.count > 0 or self._waiting.samples > 0
        if gap >= _LEAST_GAP_S and (not begun or gap <= _LONGEST_GAP_S):
            self.finish()
            self._silence(round(gap * SAMPLE_RATE))
        return at + float(frame.samples) / float(frame.sample_rate)

    def _silence(self, samples: int) -> None:
        self.count += samples
        while samples > 0:
            write_all(self._out, bytes(2 * min(samples, _BLOCK)))
            samples -= _BLOCK

    def _begin(self) -> None:
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
        self._waiting = av.AudioFifo()

    def finish(self) -> None:
        """Write what the resampler still holds back."""
        if self._resampler is not None:
            if self._waiting.samples:
                self._write(self._resampler.resample(self._waiting.read()))
            self._write(self._resampler.resample(None))
            self._resampler = None
        write_all(self._out, self._block)
        self._block.clear()

    def _write(self, frames: list[Any]) -> None:
        for frame in frames:
            self._block += memoryview(frame.planes[0])[: frame.samples * 2]
            self.count += frame.samples
        if len(self._block) >= _BLOCK:
            write_all(self._out, self._block)
            self._block.clear()


def _check_whole(file: BinaryIO, decoded: Decoded) -> None:
    """Refuse a file of which much less came out than it says it holds."""
    declared, length = decoded.declared_ms, decoded.samples * 1000 // SAMPLE_RATE
    if declared is not None:
        share = 0.5 if decoded.format in _GUESSED else 0.9
        if length < declared * share and declared - length > 1000:
            raise MediaError(f"{length} of {declared} ms could be decoded", code="media_truncated")
    if (decoded.format == "ogg" and _ogg_breaks_off(file)) or (
        decoded.format == "wav" and _wave_breaks_off(file)
    ):
        raise MediaError("the end of the file is missing", code="media_truncated")


def _wave_breaks_off(file: BinaryIO) -> bool:
    """Say whether a wave file is shorter than its header says: FFmpeg then goes by what is there.

    Programs that write to a pipe put a placeholder of 2 GB or more in the header.
    """
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(8)
    declared = int.from_bytes(head[4:8], "little")
    return head[:4] == b"RIFF" and declared < _PLACEHOLDER and declared * 0.9 > size


def _ogg_breaks_off(file: BinaryIO) -> bool:
    """Say whether the last Ogg page reaches beyond the end: such a file gives its shortened length."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 70_000))
    tail = file.read()
    at = tail.rfind(b"OggS")
    if at < 0:
        return False
    page = tail[at:]
    if len(page) < 27:
        return True
    table = page[27 : 27 + page[26]]
    return len(table) < page[26] or len(page) < 27 + len(table) + sum(table)


def _too_long(limits: Limits) -> MediaError:
    return MediaError(f"the medium lasts longer than {limits.max_seconds} s", code="media_too_long")
