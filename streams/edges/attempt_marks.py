"""Marks on disk that say which upload was being decoded when something died."""

import contextlib
import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from streams.core.records import Origin
from streams.errors import MediaError, TransientError

# The decoder runs in a child, so its death is seen and counted: two are a refusal. An attempt that never
# ended means that this process died; that is seldom the medium's doing (a restart, a machine that went
# down), so it takes more of them.
MAX_DEATHS = 2
MAX_UNFINISHED = 4
_KEEP_S = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """What is known of one origin: attempts begun and not ended, and the decoder's deaths."""

    unfinished: int = 0
    deaths: int = 0


class AttemptMarks:
    """One small file per origin whose decoding has begun and not yet ended well.

    Parameters
    ----------
    folder : Path
        made if missing
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        oldest = time.time() - _KEEP_S
        for path in folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < oldest:
                    path.unlink()

    def begin(self, origin: Origin) -> None:
        """Mark an attempt, durably, before it begins.

        Raises
        ------
        MediaError
            ``media_decoder_died``: this origin has used up its attempts; the mark stays, so that a replay
            says the same
        TransientError
            the mark cannot be written
        """
        path = self._path(origin)
        before = _read(path)
        if before.deaths >= MAX_DEATHS or before.unfinished >= MAX_UNFINISHED:
            raise MediaError("the decoder died of this medium before", code="media_decoder_died")
        self._write(path, Attempts(unfinished=before.unfinished + 1, deaths=before.deaths))

    def end(self, origin: Origin) -> None:
        """Clear the mark: the attempt gave a result or a clean refusal."""
        self._path(origin).unlink(missing_ok=True)

    def died(self, origin: Origin) -> bool:
        """Note that the decoder died; say whether it may be tried again."""
        path = self._path(origin)
        before = _read(path)
        self._write(path, Attempts(unfinished=0, deaths=before.deaths + 1))
        return before.deaths + 1 < MAX_DEATHS

    def _path(self, origin: Origin) -> Path:
        name = f"{origin.topic}/{origin.partition}/{origin.offset}"
        return self._folder / hashlib.sha256(name.encode()).hexdigest()[:32]

    def _write(self, path: Path, attempts: Attempts) -> None:
        text = json.dumps({"unfinished": attempts.unfinished, "deaths": attempts.deaths})
        try:
            with path.open("w", encoding="ascii") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            folder = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as exc:
            raise TransientError(f"an attempt cannot be marked: {exc}") from exc


def _read(path: Path) -> Attempts:
    try:
        found = json.loads(path.read_text(encoding="ascii"))
        return Attempts(unfinished=int(found["unfinished"]), deaths=int(found["deaths"]))
    except FileNotFoundError:
        return Attempts()
    except (OSError, ValueError, KeyError, TypeError):
        # A mark cut off by a crash still says that an attempt was begun.
        return Attempts(unfinished=1)
