"""Records in Confluent's wire format: a zero byte, the schema's registry id (four bytes, big-endian), Avro.

Used instead of single-object encoding when a registry URL is set. The registry gives ids for our committed
schemas; what others wrote with another version is resolved to ours.
"""

import json
import struct
import threading
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, Protocol

import httpx
from confluent_kafka.schema_registry import Schema as RegistrySchema
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError
from fastavro import parse_schema
from fastavro.schema import SchemaParseException, UnknownType

from streams.edges.avro import Schema, current_schema, fingerprint_of, read_body, schema_text, write_body
from streams.errors import ConfigError, DecodeError, RegistryUnavailable

MAGIC = b"\0"
HEADER_BYTES = 5
TIMEOUT_SECONDS = 10

Compatibility = Literal[
    "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Under which name a topic's schema is registered, and what may become of it.

    Attributes
    ----------
    name : str
        the topic's name and ``-value``
    record : str
        class in ``streams.core.records``
    compatibility : str
        the registry's mode
    public : bool
        whether others than Samesong read or write the topic
    """

    name: str
    record: str
    compatibility: Compatibility
    public: bool


@cache
def subjects() -> Mapping[str, Subject]:
    """Return the subject of each topic, as ``schemas/subjects.toml`` lists them."""
    table = tomllib.loads(resources.files("schemas").joinpath("subjects.toml").read_text(encoding="utf-8"))
    return {
        topic: Subject(
            name=entry["subject"],
            record=entry["record"],
            compatibility=entry["compatibility"],
            public=entry["public"],
        )
        for topic, entry in table.items()
    }


class SchemaRegistry(Protocol):
    """Ids for schemas. Both methods raise ``RegistryUnavailable`` when the registry does not answer."""

    def register(self, subject: str, schema: str) -> int:
        """Give the id of a schema under a subject; registering it again gives the same id.

        Raises
        ------
        ConfigError
            the registry refuses the schema: it is not compatible with what the subject holds
        """
        ...

    def schema(self, schema_id: int) -> str | None:
        """Give the text of a schema, None when nothing has this id."""
        ...


class MemoryRegistry:
    """A registry in memory."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def register(self, subject: str, schema: str) -> int:
        """Give the id of a schema."""
        if schema not in self._texts:
            self._texts.append(schema)
        return self._texts.index(schema) + 1

    def schema(self, schema_id: int) -> str | None:
        """Give the text of a schema."""
        return self._texts[schema_id - 1] if 0 < schema_id <= len(self._texts) else None


class ConfluentRegistry:
    """A registry that speaks Confluent's API: Confluent's own, Apicurio, Karapace, Redpanda."""

    def __init__(self, url: str, *, username: str | None = None, password: str | None = None) -> None:
        self.url = url
        settings: dict[str, Any] = {"url": url, "timeout": TIMEOUT_SECONDS}
        # The caller retries, and pauses meanwhile; here it would only hold up the poll.
        settings |= {"max.retries": 1, "retries.wait.ms": 100, "retries.max.wait.ms": 200}
        if username is not None:
            settings["basic.auth.user.info"] = f"{username}:{password or ''}"
        try:
            self._client = SchemaRegistryClient(settings)
        except ValueError as exc:
            raise ConfigError(f"the schema registry cannot be used: {exc}") from exc

    def register(self, subject: str, schema: str) -> int:
        """Give the id of a schema under a subject."""
        try:
            return int(self._client.register_schema(subject, RegistrySchema(schema, "AVRO")))
        except SchemaRegistryError as exc:
            if exc.http_status_code in (409, 422):
                raise ConfigError(f"the registry refuses the schema of {subject}: {exc}") from exc
            raise _unavailable(exc) from exc
        except (httpx.HTTPError, OSError) as exc:
            raise _unavailable(exc) from exc

    def schema(self, schema_id: int) -> str | None:
        """Give the text of a schema."""
        try:
            return self._client.get_schema(schema_id).schema_str or None
        except SchemaRegistryError as exc:
            if exc.http_status_code == 404:
                return None
            raise _unavailable(exc) from exc
        except (httpx.HTTPError, OSError) as exc:
            raise _unavailable(exc) from exc

    def protect(self, subject: str, compatibility: Compatibility) -> None:
        """Set what the registry lets become of a subject."""
        try:
            self._client.set_compatibility(subject, compatibility)
        except (SchemaRegistryError, httpx.HTTPError, OSError) as exc:
            raise _unavailable(exc) from exc

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _unavailable(exc: Exception) -> RegistryUnavailable:
    return RegistryUnavailable(f"the schema registry does not answer: {exc}")


def register_all(registry: ConfluentRegistry) -> Mapping[str, int]:
    """Register every topic's schema and its compatibility mode; give the ids by topic."""
    ids = {}
    for topic, subject in subjects().items():
        ids[topic] = registry.register(subject.name, schema_text(topic))
        registry.protect(subject.name, subject.compatibility)
    return ids


class ConfluentCodec:
    """Confluent's wire format over a registry; safe to share between threads."""

    def __init__(self, registry: SchemaRegistry) -> None:
        self._registry = registry
        self._heads: dict[str, bytes] = {}
        self._writers: dict[tuple[str, int], Schema] = {}
        self._lock = threading.Lock()

    def encode(self, topic: str, record: object) -> bytes:
        """Write a value of the class that belongs to ``topic``.

        Raises
        ------
        SchemaError
            the record does not fit
        RegistryUnavailable
            the first record of a topic needs its id, and the registry does not answer
        """
        head = self._heads.get(topic)
        if head is None:
            with self._lock:
                schema_id = self._registry.register(subjects()[topic].name, schema_text(topic))
                head = self._heads[topic] = MAGIC + struct.pack(">I", schema_id)
        return write_body(topic, record, head=head)

    def decode(self, topic: str, data: bytes, *, part: type | None = None) -> Any:
        """Read a value of the class that belongs to ``topic``, or a part of it.

        Raises
        ------
        DecodeError
            wrong magic, an id the registry does not know, or bytes that do not fit their schema
        RegistryUnavailable
            an id is met for the first time, and the registry does not answer
        """
        if data[:1] != MAGIC:
            raise DecodeError(f"not Confluent's wire format: begins with {data[:1].hex() or 'nothing'}")
        if len(data) < HEADER_BYTES:
            raise DecodeError(f"{len(data)} bytes: the schema's id is cut off")
        (schema_id,) = struct.unpack_from(">I", data, 1)
        writer = self._writers.get((topic, schema_id))
        if writer is None:
            with self._lock:
                writer = self._writers[topic, schema_id] = self._fetch(topic, schema_id)
        return read_body(topic, data, start=HEADER_BYTES, writer=writer, part=part)

    def _fetch(self, topic: str, schema_id: int) -> Schema:
        """Ask for a writer's schema; ours itself where it is the same, since that reads fastest."""
        text = self._registry.schema(schema_id)
        if text is None:
            raise DecodeError(f"the registry has no schema with id {schema_id}")
        try:
            writer = parse_schema(json.loads(text))
        except (SchemaParseException, UnknownType, ValueError) as exc:
            raise DecodeError(f"schema {schema_id} of the registry is not Avro") from exc
        current = current_schema(topic)
        return current if fingerprint_of(writer) == fingerprint_of(current) else writer
