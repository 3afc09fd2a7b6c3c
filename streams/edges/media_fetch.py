"""From the media an upload names to an open file, under the rules for hostile uploads."""

import contextlib
import hashlib
import os
import stat
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from streams.core.records import Media
from streams.errors import MediaError
from streams.ports import Clock

_BLOCK = 1024 * 1024
# A host that wasted two minutes within ten is not asked again until they have passed.
_HOST_WINDOW_S = 600.0
_HOST_BUDGET_S = 120.0


class Download(Protocol):
    """Something that writes what an address holds into a file."""

    def fetch(self, uri: str, into: BinaryIO) -> int:
        """Write the bytes, return their number; raises ``MediaError``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedMedia:
    """An open file whose bytes are the ones the upload means.

    Attributes
    ----------
    file : binary file, at its start
        read through this handle only: a name may lead elsewhere a moment later
    size : int > 0 [bytes]
    """

    file: BinaryIO
    size: int


class MediaFetcher:
    """Open the media of uploads.

    Parameters
    ----------
    roots : callable
        gives the folders under which ``file:`` media may be read, anew for each file
    download : Download
        for ``https:``
    max_bytes : int > 0
    scratch : Path
        folder for downloads; they have no name in it and vanish with their handle
    clock : Clock
    """

    def __init__(
        self,
        *,
        roots: Callable[[], Sequence[Path]],
        download: Download,
        max_bytes: int,
        scratch: Path,
        clock: Clock,
    ) -> None:
        self._roots = roots
        self._download = download
        self._max_bytes = max_bytes
        self._scratch = scratch
        self._patience = _HostPatience(clock)
        self._clock = clock
        scratch.mkdir(parents=True, exist_ok=True)

    @contextlib.contextmanager
    def fetch(self, media: Media) -> Iterator[FetchedMedia]:
        """Open a medium, check its size and digest, and close it afterwards.

        Raises
        ------
        MediaError
            with the refusal's code: ``media_missing``, ``media_outside_roots``, ``media_scheme``,
            ``media_empty``, ``media_too_large``, ``media_size_mismatch``, ``media_digest_mismatch`` and
            those of ``HttpsDownload``
        """
        with self._open(media.uri) as file:
            size = os.fstat(file.fileno()).st_size
            if size == 0:
                raise MediaError("the file is empty", code="media_empty")
            if size > self._max_bytes:
                raise MediaError(
                    f"{size} bytes are more than {self._max_bytes} allowed", code="media_too_large"
                )
            if media.bytes is not None and media.bytes != size:
                raise MediaError(
                    f"{size} bytes where {media.bytes} were declared", code="media_size_mismatch"
                )
            if media.sha256 is not None:
                _check_digest(file, media.sha256)
            yield FetchedMedia(file=file, size=size)

    def _open(self, uri: str) -> BinaryIO:
        try:
            parts = urlsplit(uri)
        except ValueError as exc:
            # Not the address itself: it may hold a user's name and password.
            raise MediaError("this is not an address", code="media_scheme") from exc
        match parts.scheme.lower():
            case "file":
                if parts.netloc not in {"", "localhost"}:
                    raise MediaError("file: media must be on this machine", code="media_outside_roots")
                return self._open_file(unquote(parts.path, errors="surrogateescape"))
            case "https":
                return self._open_https(uri, parts.hostname or "")
            case "s3":
                raise MediaError(
                    "s3: is not read by this installation; send an https: address (a signed one works)",
                    code="media_scheme",
                )
            case other:
                raise MediaError(f"{other or 'no'} scheme: only file: and https:", code="media_scheme")

    def _open_file(self, name: str) -> BinaryIO:
        if "\0" in name or not name.startswith("/"):
            raise MediaError("a file: address needs an absolute path", code="media_missing")
        try:
            path = Path(name).resolve()
        except (OSError, RuntimeError, ValueError) as exc:  # a loop of links, or no text at all
            raise MediaError(f"{name} cannot be resolved: {exc}", code="media_missing") from exc
        # Before asking whether it exists: a refusal must not tell what lies outside.
        self._check_inside(path)
        try:
            # NONBLOCK: opening a pipe would wait for its writer for ever.
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as exc:
            raise MediaError(f"{name}: {exc.strerror}", code="media_missing") from exc
        try:
            self._check_open(handle, name)
        except BaseException:  # Ctrl-C too leaves nothing behind
            os.close(handle)
            raise
        return os.fdopen(handle, "rb")

    def _check_open(self, handle: int, name: str) -> None:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise MediaError(f"{name} is not a plain file", code="media_missing")
        # A folder on the way may have been swapped for a link since it was resolved.
        at = Path(f"/proc/self/fd/{handle}")
        if at.exists():
            self._check_inside(Path(os.readlink(at)))

    def _check_inside(self, path: Path) -> None:
        if not any(path.is_relative_to(root.resolve()) for root in self._roots()):
            raise MediaError(
                "the path is outside the folders media may be read from", code="media_outside_roots"
            )

    def _open_https(self, uri: str, host: str) -> BinaryIO:
        self._patience.check(host)
        file = tempfile.TemporaryFile(dir=self._scratch)
        begun = self._clock.monotonic()
        try:
            self._download.fetch(uri, file)
            file.seek(0)
        except MediaError as exc:
            file.close()
            if exc.refusal_code == "media_unreachable":
                self._patience.wasted(host, self._clock.monotonic() - begun)
            raise
        except BaseException:  # Ctrl-C too leaves nothing behind
            file.close()
            raise
        return file


class _HostPatience:
    """Time wasted on each host lately: one dead host must not hold up everybody's uploads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wasted: dict[str, deque[tuple[float, float]]] = {}

    def check(self, host: str) -> None:
        """Refuse a host that has used its time up."""
        log = self._wasted.get(host)
        if log is None:
            return
        while log and log[0][0] < self._clock.monotonic() - _HOST_WINDOW_S:
            log.popleft()
        if not log:
            del self._wasted[host]
        elif sum(seconds for _, seconds in log) >= _HOST_BUDGET_S:
            raise MediaError(f"{host} did not answer lately and is not asked", code="media_unreachable")

    def wasted(self, host: str, seconds: float) -> None:
        """Note time spent for nothing."""
        if len(self._wasted) > 10_000:
            self._wasted.clear()
        self._wasted.setdefault(host, deque()).append((self._clock.monotonic(), seconds))


def _check_digest(file: BinaryIO, declared: str) -> None:
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
    file.seek(0)
    if digest.hexdigest() != declared.strip().lower():
        raise MediaError(
            f"sha256 is {digest.hexdigest()}, declared was {declared[:80]}", code="media_digest_mismatch"
        )
