"""From what a person points at (files of lines, folders of media, standard input) to uploads."""

from __future__ import annotations

import hashlib
import json
import mimetypes
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from streams.cli.tags import MEDIA_SUFFIXES, upload_of
from streams.core.records import Upload
from streams.errors import RecordError, UnreadableInput

_CHUNK = 1 << 20
Parser = Callable[[bytes], Upload]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One thing that was given: an upload, or why it is none.

    Attributes
    ----------
    where : str
        file and line, or file
    upload : Upload, optional
    code, problem : str, optional
        set when there is no upload
    """

    where: str
    upload: Upload | None = None
    code: str | None = None
    problem: str | None = None


def parse_line(
    raw: bytes, *, where: str, parse: Parser, source: str | None = None, source_kind: str | None = None
) -> Given:
    """Read one line.

    Parameters
    ----------
    raw : bytes
        without or with its line end
    where : str
        for messages
    parse : callable
        JSON bytes to Upload; raises RecordError
    source, source_kind : str, optional
        fill in what the line does not say
    """
    try:
        return Given(where=where, upload=parse(_filled(raw, source=source, source_kind=source_kind)))
    except RecordError as exc:
        return Given(where=where, code=exc.code, problem=str(exc))


def _filled(raw: bytes, *, source: str | None, source_kind: str | None) -> bytes:
    """Add the defaults of the command line; a line that is no JSON object stays as it is."""
    if source is None and source_kind is None:
        return raw
    try:
        value = json.loads(raw)
    except ValueError:
        return raw
    if not isinstance(value, dict):
        return raw
    for name, default in (("source", source), ("source_kind", source_kind)):
        if default is not None and value.get(name) is None:
            value[name] = default
    return json.dumps(value, ensure_ascii=False).encode()


def read_lines(
    stream: Iterable[bytes],
    *,
    name: str,
    parse: Parser,
    source: str | None = None,
    source_kind: str | None = None,
) -> Iterator[Given]:
    """Read JSON Lines; empty lines are skipped, a bad one does not stop the next."""
    for number, raw in enumerate(stream, start=1):
        line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        if line.strip():
            yield parse_line(
                line, where=f"{name}:{number}", parse=parse, source=source, source_kind=source_kind
            )


def media_files(folder: Path) -> list[Path]:
    """List the media below a folder in a stable order; hidden files and folders are left out."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in MEDIA_SUFFIXES)
    shown = (p for p in found if not any(part.startswith(".") for part in p.relative_to(folder).parts))
    return sorted(path for path in shown if path.is_file())


def read_media(
    path: Path, *, folder: Path, parse: Parser, source: str | None = None, source_kind: str | None = None
) -> Given:
    """Make an upload of one media file below a folder."""
    from streams.edges.media_tags import read_tags

    resolved = path.resolve()
    name = PurePosixPath(path.relative_to(folder).as_posix())
    try:
        digest, size = _digest(resolved)
    except OSError as exc:
        return Given(where=str(path), code="unreadable", problem=str(exc))
    value: dict[str, Any] = upload_of(
        read_tags(resolved),
        path=name,
        uri=resolved.as_uri(),
        sha256=digest,
        size=size,
        content_type=mimetypes.guess_type(path.name)[0],
        source=source or folder.resolve().name or "folder",
        source_kind=source_kind,
    )
    try:
        return Given(where=str(path), upload=parse(json.dumps(value, ensure_ascii=False).encode()))
    except RecordError as exc:
        return Given(where=str(path), code=exc.code, problem=str(exc))


def _digest(path: Path) -> tuple[str, int]:
    """Digest a file without holding it in memory."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def check_paths(paths: Iterable[str]) -> None:
    """Refuse a command whose input cannot be read, before anything is published.

    Raises
    ------
    UnreadableInput
    """
    for path in paths:
        if path != "-" and not Path(path).exists():
            raise UnreadableInput(f"{path}: no such file or folder")


def media_roots(paths: Iterable[str]) -> tuple[Path, ...]:
    """Return the folders whose media uploads will name: those given, and those of single media files."""
    return tuple(
        path if path.is_dir() else path.parent
        for path in (Path(given) for given in paths if given != "-")
        if path.is_dir() or path.suffix.lower() in MEDIA_SUFFIXES
    )


def read_given(
    paths: Iterable[str],
    *,
    parse: Parser,
    standard_input: IO[bytes],
    source: str | None = None,
    source_kind: str | None = None,
) -> Iterator[Given]:
    """Read everything that was given, in the order given.

    Raises
    ------
    UnreadableInput
        a file of lines cannot be opened
    """
    for given in paths:
        path = Path(given)
        if given == "-":
            yield from read_lines(
                standard_input, name="standard input", parse=parse, source=source, source_kind=source_kind
            )
        elif path.is_dir():
            files = media_files(path)
            if not files:
                known = " ".join(sorted(MEDIA_SUFFIXES))
                yield Given(where=given, code="no_media", problem=f"no media below this folder ({known})")
            for file in files:
                yield read_media(file, folder=path, parse=parse, source=source, source_kind=source_kind)
        elif path.suffix.lower() in MEDIA_SUFFIXES:
            yield read_media(path, folder=path.parent, parse=parse, source=source, source_kind=source_kind)
        else:
            try:
                with path.open("rb") as stream:
                    yield from read_lines(
                        stream, name=given, parse=parse, source=source, source_kind=source_kind
                    )
            except OSError as exc:
                raise UnreadableInput(f"{given}: {exc.strerror or exc}") from exc
