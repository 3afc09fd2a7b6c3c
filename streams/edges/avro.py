"""Records to Avro and back: single-object encoding, schemas read from the ``schemas`` package.

A message is ``C3 01``, the CRC-64-AVRO fingerprint of its writer's schema (little-endian) and the bare Avro
body. Every committed schema, current and released, may have written what is read; it resolves to the current
one.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from io import BytesIO
from typing import Any

import msgspec
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from fastavro.read import SchemaResolutionError
from fastavro.schema import fingerprint, to_parsing_canonical_form

from streams.edges.avro_projection import project
from streams.edges.avro_unions import name_optional_records, optional_records
from streams.errors import DecodeError, SchemaError
from streams.records_by_topic import TOPIC_RECORDS

MAGIC = b"\xc3\x01"
HEADER_BYTES = 10

Schema = Any  # an Avro schema as fastavro takes it

# What fastavro raises on data that does not fit: it has no tree of its own for reading.
_UNREADABLE = (
    SchemaResolutionError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    OverflowError,
    AttributeError,
    MemoryError,  # a length that the bytes lie about
)


@cache
def current_schema(topic: str) -> Schema:
    """Return the parsed schema that records of a topic are written with.

    Raises
    ------
    KeyError
        no such topic
    """
    if topic not in TOPIC_RECORDS:
        raise KeyError(topic)
    return parse_schema(json.loads(schema_text(topic)))


def schema_text(topic: str) -> str:
    """Return the committed text of a topic's current schema."""
    return resources.files("schemas").joinpath(f"{topic}.avsc").read_text(encoding="utf-8")


def fingerprint_of(schema: Schema) -> bytes:
    """Return the CRC-64-AVRO (Rabin) fingerprint of a schema's parsing canonical form, little-endian."""
    return bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))


@cache
def writers_of(topic: str) -> Mapping[bytes, Schema]:
    """Return every schema that may have written to a topic, by fingerprint: released ones and the current."""
    found: dict[bytes, Schema] = {}
    baseline = resources.files("schemas").joinpath("baseline")
    if baseline.is_dir():
        for release in sorted(baseline.iterdir(), key=lambda entry: entry.name):
            file = release.joinpath(f"{topic}.avsc")
            if file.is_file():
                schema = parse_schema(json.loads(file.read_text(encoding="utf-8")))
                found[fingerprint_of(schema)] = schema
    found[fingerprint_of(current_schema(topic))] = current_schema(topic)
    return found


def write_body(topic: str, record: object, *, head: bytes) -> bytes:
    """Write a record of a topic after some first bytes.

    Raises
    ------
    SchemaError
        the record is not of the topic's class, or a value does not fit its field
    """
    cls = TOPIC_RECORDS[topic]
    if type(record) is not cls:
        raise SchemaError(f"{topic} carries {cls.__name__}, not {type(record).__name__}")
    buffer = BytesIO()
    buffer.write(head)
    try:
        plain = msgspec.to_builtins(record, builtin_types=(bytes,))
        name_optional_records(plain, optional_records(TOPIC_RECORDS[topic]))
        schemaless_writer(buffer, current_schema(topic), plain)
    except _UNREADABLE as exc:
        raise SchemaError(f"a record does not fit the schema of {topic}: {exc}") from exc
    return buffer.getvalue()


@cache
def schema_of_part(topic: str, part: type) -> Schema:
    """Return the schema by which as much of a topic's records is read as a class has fields for."""
    return parse_schema(project(json.loads(schema_text(topic)), part))


def read_body(topic: str, data: bytes, *, start: int, writer: Schema, part: type | None = None) -> Any:
    """Read a record of a topic, or a part of it, that begins at ``start`` and fills the rest of ``data``.

    Raises
    ------
    DecodeError
        the bytes end too early or too late, or do not make a record of the topic's class
    """
    buffer = BytesIO(data)
    buffer.seek(start)
    reader = current_schema(topic) if part is None else schema_of_part(topic, part)
    try:
        plain = schemaless_reader(buffer, writer, None if writer is reader else reader)
    except _UNREADABLE as exc:
        raise DecodeError(f"the body does not fit the schema of {topic}: {type(exc).__name__}") from exc
    if buffer.tell() != len(data):
        raise DecodeError(f"{len(data) - buffer.tell()} bytes after the end of a record of {topic}")
    try:
        return msgspec.convert(plain, part or TOPIC_RECORDS[topic], builtin_types=(bytes,))
    except msgspec.ValidationError as exc:
        raise DecodeError(f"not a record of {topic}: {exc}") from exc


class AvroCodec:
    """Avro single-object encoding: needs no registry, and every message says which schema wrote it."""

    def encode(self, topic: str, record: object) -> bytes:
        """Write a value of the class that belongs to ``topic``."""
        return write_body(topic, record, head=_head(topic))

    def decode(self, topic: str, data: bytes, *, part: type | None = None) -> Any:
        """Read a value of the class that belongs to ``topic``, or a part of it."""
        if data[:2] != MAGIC:
            raise DecodeError(
                f"not Avro single-object encoding: begins with {data[:2].hex(' ') or 'nothing'}"
            )
        if len(data) < HEADER_BYTES:
            raise DecodeError(f"{len(data)} bytes: the schema's fingerprint is cut off")
        writer = writers_of(topic).get(data[2:HEADER_BYTES])
        if writer is None:
            raise DecodeError(f"no schema of {topic} has fingerprint {data[2:HEADER_BYTES].hex()}")
        return read_body(topic, data, start=HEADER_BYTES, writer=writer, part=part)


@cache
def _head(topic: str) -> bytes:
    """Return the first bytes of every message written to a topic."""
    return MAGIC + fingerprint_of(current_schema(topic))
