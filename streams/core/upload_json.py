"""The JSON form of an upload: read strictly, checked by meaning, and its digest."""

import dataclasses
import hashlib
import types
import typing
from typing import Any, NoReturn

import msgspec
import orjson

from streams.core.records import Operation, Upload
from streams.core.records.record import Record
from streams.errors import SchemaError

MAX_DURATION_MS = 24 * 3_600_000
MAX_TEXT = 4_096
MAX_LONG_TEXT = 65_536
MAX_INT = 2**31 - 1
MAX_LIST = 1_000
ARTIST_ROLES = frozenset(
    "main featured remixer composer lyricist conductor orchestra performer producer other".split()
)
MEDIA_ROLES = frozenset({"audio", "video", "artwork"})


def _element_class(annotation: Any) -> type | None:
    """Find the dataclass inside ``X``, ``X | None`` or ``tuple[X, ...]``."""
    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        return annotation
    for part in typing.get_args(annotation):
        if part is not types.NoneType and part is not Ellipsis:
            found = _element_class(part)
            if found:
                return found
    return None


def _shape(cls: type) -> dict[str, type | None]:
    if cls not in _SHAPES:
        _SHAPES[cls] = {name: _element_class(hint) for name, hint in typing.get_type_hints(cls).items()}
    return _SHAPES[cls]


_SHAPES: dict[type, dict[str, type | None]] = {}


def _refuse(path: str, problem: str) -> NoReturn:
    raise SchemaError(f"{path}: {problem}")


def _known(value: Any, cls: type, path: str) -> Any:
    """Refuse unknown names and drop nulls, which mean absent."""
    if isinstance(value, list):
        # No field is a list of lists; thousands of them in each other would exhaust the stack below.
        if any(isinstance(item, list) for item in value):
            _refuse(path, "a list in a list")
        return [_known(item, cls, f"{path}[{index}]") for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    shape = _shape(cls)
    kept: dict[str, Any] = {}
    for name, item in value.items():
        inner = f"{path}.{name}" if path else name
        if name not in shape:
            _refuse(inner, "unknown field")
        if item is None:
            continue
        element = shape[name]
        kept[name] = _known(item, element, inner) if element else item
    return kept


def read_json(data: bytes) -> Any:  # whatever stands there
    """Read one JSON document.

    Raises
    ------
    SchemaError
        it is none; says at which character
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as exc:
        # Not its line and column: of a line of a file they would name another line than the reader sees.
        raise SchemaError(f"not JSON: {exc.msg} at character {exc.pos + 1}") from exc


def parse_upload(data: bytes) -> Upload:
    """Read one upload.

    Parameters
    ----------
    data : bytes
        one JSON object, UTF-8

    Raises
    ------
    SchemaError
        not JSON, or an unknown, missing, wrong or impossible field, named by its path
    """
    raw = read_json(data)
    if not isinstance(raw, dict):
        raise SchemaError("an upload is a JSON object")
    ext = raw.pop("ext", None)
    kept = _known(raw, Upload, "")
    if ext is not None:
        if not isinstance(ext, dict):
            _refuse("ext", "an object keyed by namespace is expected")
        try:
            kept["ext"] = orjson.dumps(ext, option=orjson.OPT_SORT_KEYS).decode()
        except orjson.JSONEncodeError as exc:  # it reads 1,024 levels and writes 254
            raise SchemaError(f"ext: nested too deeply: {exc}") from exc
    for name in ("source", "item_id"):
        if name not in kept:
            _refuse(name, "missing")
    if "kind" not in kept and kept.get("operation") != Operation.withdraw.value:
        _refuse("kind", "missing")
    try:
        upload = msgspec.convert(kept, Upload)
    except msgspec.ValidationError as exc:
        text, _, where = str(exc).partition(" - at `$")
        path = where.rstrip("`").lstrip(".")
        raise SchemaError(f"{path}: {text}" if path else text) from exc
    validate_upload(upload)
    return upload


def validate_upload(upload: Upload) -> None:
    """Check what the types cannot say; also for uploads that came as Avro.

    Raises
    ------
    SchemaError
        an impossible field, named by its path
    """
    for name, text in (("source", upload.source), ("item_id", upload.item_id)):
        if not text.strip():
            _refuse(name, "empty")
        if len(text) > 512:
            _refuse(name, "longer than 512 characters")
    if upload.revision is not None and not 1 <= upload.revision <= MAX_INT:
        _refuse("revision", "must be 1 or more, and fit 31 bits")
    if upload.duration_ms is not None and not 0 < upload.duration_ms <= MAX_DURATION_MS:
        _refuse("duration_ms", "must be above 0 and at most 24 hours")
    _check_texts(upload)
    for index, artist in enumerate(upload.artists):
        if artist.role not in ARTIST_ROLES:
            _refuse(f"artists[{index}].role", f"unknown role {artist.role!r}")
        if not artist.name.strip():
            _refuse(f"artists[{index}].name", "empty")
    for index, media in enumerate(upload.media):
        if media.role not in MEDIA_ROLES:
            _refuse(f"media[{index}].role", f"unknown role {media.role!r}")
        if not media.uri.strip():
            _refuse(f"media[{index}].uri", "empty")
        if media.sha256 is not None and not _is_sha256(media.sha256):
            _refuse(f"media[{index}].sha256", "64 hexadecimal digits are expected")
        if media.bytes is not None and media.bytes < 0:
            _refuse(f"media[{index}].bytes", "negative")
    for index, related in enumerate(upload.related):
        segment = related.segment
        if segment is not None and not 0 <= segment.start_ms < segment.end_ms:
            _refuse(f"related[{index}].segment", "must start at 0 or later and before its end")
    if upload.operation is Operation.upsert and not _is_told_by_something(upload):
        _refuse("title", "empty, and neither media with role audio or video nor a place on an album")


def _is_told_by_something(upload: Upload) -> bool:
    """Say whether there is a title, a sound, or a place on an album to know a recording by."""
    return (
        bool(upload.title and upload.title.strip())
        or any(media.role in {"audio", "video"} for media in upload.media)
        or any(
            release.title and release.title.strip() and release.track_number is not None
            for release in upload.releases
        )
    )


def _is_sha256(text: str) -> bool:
    return len(text) == 64 and all(character in "0123456789abcdefABCDEF" for character in text)


class _Impossible(Exception):
    """A value that no upload can have; the path to it grows on the way out."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.path = ""

    def under(self, step: str) -> "_Impossible":
        """Add the step that led to what is on the path already."""
        joint = "." if self.path and not self.path.startswith("[") else ""
        self.path = f"{step}{joint}{self.path}"
        return self


def _check_texts(upload: Upload) -> None:
    """Bound every text, list and number, and refuse NUL and lone surrogates."""
    try:
        _check(upload, "")
    except _Impossible as exc:
        _refuse(exc.path, str(exc))


def _check(value: Any, name: str) -> None:
    """Check one value of the field ``name``, and what is in it."""
    if isinstance(value, str):
        limit = MAX_LONG_TEXT if name in ("ext", "description") else MAX_TEXT
        if len(value) > limit:
            raise _Impossible(f"longer than {limit} characters")
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise _Impossible("holds a lone surrogate")
        if "\x00" in value:
            raise _Impossible("holds a NUL character")
    elif isinstance(value, tuple):
        if len(value) > MAX_LIST:
            raise _Impossible(f"more than {MAX_LIST} entries")
        for index, item in enumerate(value):
            try:
                _check(item, name)
            except _Impossible as exc:
                raise exc.under(f"[{index}]") from None
    elif isinstance(value, dict):
        for key, item in value.items():
            _check(key, name)
            try:
                _check(item, "")
            except _Impossible as exc:
                raise exc.under(key) from None
    elif isinstance(value, int) and not isinstance(value, bool):
        if abs(value) > 2**53:
            raise _Impossible("a number this large is impossible")
        if name in ("track_number", "disc_number") and not 0 <= value <= MAX_INT:
            raise _Impossible("must be 0 or more, and fit 31 bits")
    elif isinstance(value, Record):
        for field in _shape(type(value)):
            item = getattr(value, field)
            if item is None:
                continue
            try:
                _check(item, field)
            except _Impossible as exc:
                raise exc.under(field) from None


def _canonical(value: Any) -> Any:
    """Leave out what is absent or empty, at every level."""
    if isinstance(value, dict):
        return {
            name: kept
            for name, item in value.items()
            if item is not None and (kept := _canonical(item)) not in ([], {})
        }
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    return value


def upload_line(upload: Upload) -> bytes:
    """Write an upload as ``parse_upload`` reads it; what is absent or empty is left out."""
    raw = _canonical(msgspec.to_builtins(upload))
    if upload.ext is not None:
        raw["ext"] = orjson.loads(upload.ext)
    line: bytes = orjson.dumps(raw, option=orjson.OPT_SORT_KEYS)
    return line


def upload_digest(upload: Upload) -> str:
    """Sha256 of the canonical JSON without ``uploaded_at``; absent, null and empty are the same."""
    raw = msgspec.to_builtins(upload)
    raw["uploaded_at"] = None
    return hashlib.sha256(orjson.dumps(_canonical(raw), option=orjson.OPT_SORT_KEYS)).hexdigest()
