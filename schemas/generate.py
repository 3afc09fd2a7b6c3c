"""Write one Avro schema per topic from the frozen records: ``python -m schemas.generate [--check]``.

A field's text comes from the comment beside it in ``streams/core/records/``, else from ``docs.toml``:
``[Record] field``, else ``[any] field``. A field with neither is an error. What a record's field defaults to
is its Avro default, so a field that is added reads what was written before it, and the reverse.
"""

import argparse
import ast
import dataclasses
import inspect
import json
import sys
import tomllib
import types
import typing
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from streams.core import records
from streams.errors import ConfigError
from streams.records_by_topic import TOPIC_RECORDS

HERE = Path(__file__).parent
NAMESPACE = "samesong"
Json = Any  # a JSON value, as the json module reads and writes it

_PRIMITIVES: dict[Any, str] = {str: "string", int: "long", float: "double", bool: "boolean", bytes: "bytes"}


@cache
def _comments() -> Mapping[str, Mapping[str, str]]:
    """Read the comment beside each field of the records, by class and field."""
    found: dict[str, dict[str, str]] = {}
    for name in records.__all__:
        source = inspect.getsource(getattr(records, name))
        lines = source.splitlines()
        for field in ast.walk(ast.parse(source)):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                _, mark, comment = lines[(field.end_lineno or field.lineno) - 1].partition("  # ")
                if mark:
                    found.setdefault(name, {})[field.target.id] = comment.strip()
    return found


@cache
def _written_docs() -> Mapping[str, Mapping[str, str]]:
    """Read the committed descriptions."""
    with (HERE / "docs.toml").open("rb") as file:
        return tomllib.load(file)


def describe(record: str, field: str) -> str:
    """Return what a field means.

    Raises
    ------
    ConfigError
        nobody has described it
    """
    for text in (
        _written_docs().get(record, {}).get(field),
        _comments().get(record, {}).get(field),
        _written_docs()["any"].get(field),
    ):
        if text:
            return text
    raise ConfigError(f"schemas/docs.toml has no text for field {field!r} of {record}")


def _default(field: "dataclasses.Field[Any]") -> tuple[bool, Json]:
    """Return whether a field has a default, and the default as JSON."""
    if field.default is not dataclasses.MISSING:
        value = field.default
    elif field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    else:
        return False, None
    plain = msgspec.to_builtins(value, builtin_types=(bytes,))
    # Avro writes the default of a bytes field as text, one character per byte.
    return True, plain.decode("latin-1") if isinstance(plain, bytes) else plain


def _type(hint: Any, *, known: set[str]) -> Json:
    """Return the Avro type of an annotation; a named type is defined where it is first met."""
    if hint in _PRIMITIVES:
        return _PRIMITIVES[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union) and len(arguments) == 2 and type(None) in arguments:
        inner = next(argument for argument in arguments if argument is not type(None))
        return ["null", _type(inner, known=known)]
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return {"type": "array", "items": _type(arguments[0], known=known)}
    if origin is dict and arguments[0] is str:
        return {"type": "map", "values": _type(arguments[1], known=known)}
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _named(hint, known=known, define=_enum)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _named(hint, known=known, define=_record)
    raise ConfigError(f"no Avro type for {hint!r}")


def _named(cls: Any, *, known: set[str], define: Callable[..., Json]) -> Json:
    """Define a named type once and refer to it from then on."""
    if cls.__name__ in known:
        return f"{NAMESPACE}.{cls.__name__}"
    known.add(cls.__name__)
    return define(cls, known=known)


def _enum(cls: type[StrEnum], *, known: set[str]) -> Json:
    """Return the definition of an enum."""
    return {
        "type": "enum",
        "name": cls.__name__,
        "namespace": NAMESPACE,
        "doc": inspect.cleandoc(cls.__doc__ or "").partition("\n")[0],
        "symbols": [member.value for member in cls],
    }


def _record(cls: Any, *, known: set[str]) -> Json:
    """Return the definition of a record."""
    hints = typing.get_type_hints(cls)
    fields: list[Json] = []
    for field in dataclasses.fields(cls):
        entry: dict[str, Json] = {
            "name": field.name,
            "type": _type(hints[field.name], known=known),
            "doc": describe(cls.__name__, field.name),
        }
        has_default, default = _default(field)
        optional = isinstance(entry["type"], list)
        if optional and default is not None:
            raise ConfigError(f"{cls.__name__}.{field.name} may be null: its default must be None")
        if has_default or optional:
            entry["default"] = default
        fields.append(entry)
    return {
        "type": "record",
        "name": cls.__name__,
        "namespace": NAMESPACE,
        "doc": inspect.cleandoc(cls.__doc__ or "").partition("\n")[0],
        "fields": fields,
    }


def schema_of(cls: type) -> Json:
    """Return the Avro schema of a record class."""
    return _named(cls, known=set(), define=_record)


def text_of(cls: type) -> str:
    """Return the schema as it is committed."""
    return json.dumps(schema_of(cls), indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write every schema, or with ``--check`` say which ones are not what the records say."""
    parser = argparse.ArgumentParser(
        prog="python -m schemas.generate", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 if a file would change")
    check = parser.parse_args(arguments).check
    stale = []
    for topic, cls in TOPIC_RECORDS.items():
        path, text = HERE / f"{topic}.avsc", text_of(cls)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(path.name)
            if not check:
                path.write_text(text, encoding="utf-8")
    known = {f"{topic}.avsc" for topic in TOPIC_RECORDS}
    stale += [f"{path.name} (no such topic)" for path in HERE.glob("*.avsc") if path.name not in known]
    for name in stale:
        print(f"{'stale' if check else 'written'}: {name}", file=sys.stderr)
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
