"""DDEX messages that are imported, and the media that lie beside them."""

from __future__ import annotations

import datetime
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import IO
from urllib.parse import unquote, urlsplit

from streams.core.ddex.message import PURGE, MessageReader
from streams.core.importing.rows import RowResult
from streams.edges.ddex_xml import read_parts
from streams.errors import UnreadableInput

_IN_MEMORY = 16 << 20
_AHEAD_YEARS = 2
"""Releases are announced before they appear."""


def import_message(
    message: str, *, source: str | None, source_kind: str | None, delivered: tuple[Path, ...] = ()
) -> Iterator[RowResult]:
    """Turn a message into uploads, or withdrawals.

    Parameters
    ----------
    message : str
        a path, or ``-`` for standard input
    source, source_kind : str, optional
        over what the message says
    delivered : tuple of Path
        messages that had delivered what is purged

    Raises
    ------
    UnreadableInput
        also `MessageError` and `UnsafeMessage`
    """
    items: dict[str, set[str]] = {}
    for path in delivered:
        with ExitStack() as closing:
            reading = MessageReading(closing.enter_context(_seekable(str(path))), source=source)
            for _ in reading.results():
                pass
            for key, made in reading.items.items():
                items.setdefault(key, set()).update(made)
    with ExitStack() as closing:
        stream = closing.enter_context(_seekable(message))
        folder = None if message == "-" else Path(message).resolve().parent
        reading = MessageReading(stream, folder=folder, source=source, source_kind=source_kind)
        yield from reading.results(items)


class MessageReading:
    """The reading of one message.

    Parameters
    ----------
    stream : binary stream
        read twice
    folder : Path, optional
        where its media are
    source, source_kind : str, optional
        over what the message says

    Attributes
    ----------
    items : mapping
        names of releases to the items made of what they hold, once all is read
    """

    def __init__(
        self,
        stream: IO[bytes],
        *,
        folder: Path | None = None,
        source: str | None = None,
        source_kind: str | None = None,
    ) -> None:
        self._stream, self._folder = stream, folder
        self._source, self._source_kind = source, source_kind
        self.items: Mapping[str, Set[str]] = {}

    def results(self, delivered: Mapping[str, Set[str]] = MappingProxyType({})) -> Iterator[RowResult]:
        """Give the results of each part; all of it is read before the first upload.

        Parameters
        ----------
        delivered : mapping
            names of releases to items, for what is purged
        """
        parts = read_parts(self._stream)
        _, root = next(parts)
        reader = MessageReader(
            root,
            source=self._source,
            source_kind=self._source_kind,
            latest_year=datetime.datetime.now(tz=datetime.UTC).year + _AHEAD_YEARS,
            locate=media_beside(self._folder),
        )
        yield RowResult(reports=reader.opening)
        for above, part in parts:
            yield reader.note(part, above=above)
        reader.check()
        self._stream.seek(0)
        for _, part in read_parts(self._stream):
            if reader.name == PURGE and part.name == "PurgedRelease":
                yield reader.purged(part, delivered=delivered)
            else:
                yield reader.resource(part)
        self.items = reader.items


def _seekable(name: str) -> IO[bytes]:
    """Open a message so that it can be read twice."""
    if name != "-":
        try:
            return Path(name).open("rb")
        except OSError as exc:
            raise UnreadableInput(f"{name}: {exc.strerror or exc}") from exc
    spooled = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)
    shutil.copyfileobj(sys.stdin.buffer, spooled)
    spooled.seek(0)
    return spooled


def media_beside(folder: Path | None) -> Callable[[str], str | None]:
    """Find media that a message names: addresses as they are, files only below the message's own folder."""

    def locate(uri: str) -> str | None:
        if urlsplit(uri).scheme in {"https", "s3"}:
            return uri
        if folder is None or urlsplit(uri).scheme:
            return None
        for path in dict.fromkeys((uri, unquote(uri))):
            try:
                found = (folder / path).resolve()
                if found.is_relative_to(folder) and found.is_file():
                    return found.as_uri()
            except (OSError, ValueError):  # too long, or a NUL
                continue
        return None

    return locate
