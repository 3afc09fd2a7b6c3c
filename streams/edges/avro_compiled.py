"""Avro bodies of records, by functions that are made from a schema once: a straight line per type of record.

A decision has some 270 values. fastavro walks the schema anew for each of them, from and to dictionaries: 255
microseconds to write one and 195 to read it, and records are a fifth of what an upload costs. Functions
that know the schema write the same bytes (a test compares them) in a sixth of the time, and read them in
half. What another schema wrote is not for here: resolution is fastavro's.

The Avro specification, version 1.12, "Binary encoding". The types are those that `schemas.generate` makes:
records, enums, arrays, maps, unions of null and one other, and primitives.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from streams.core import records

Schema = Any  # an Avro schema as parsed JSON
Writer = Callable[[Any, bytearray], None]
Reader = Callable[[bytes, int], tuple[Any, int]]

_DOUBLE: Final = struct.Struct("<d")
_LONG_BITS: Final = 64
_ONE_BYTE: Final = 128
PRIMITIVES: Final = frozenset({"string", "long", "double", "boolean", "bytes"})


def varint(value: int) -> bytes:
    """Write an unsigned number of up to 64 bits, seven at a time, the lowest first.

    Raises
    ------
    OverflowError
        it has more
    """
    if value >> _LONG_BITS:
        raise OverflowError("a number of more than 64 bits")
    out = bytearray()
    while value >= _ONE_BYTE:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def rest_of_varint(first: int, data: bytes, at: int) -> tuple[int, int]:
    """Read on where a number did not end with its first byte; give it and where it ends.

    Raises
    ------
    IndexError
        the data end before it
    ValueError
        it has more than 64 bits
    """
    value, shift, byte = first & 0x7F, 7, first
    while byte >= _ONE_BYTE:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if shift > _LONG_BITS + 6:
            raise ValueError("a number of more than ten bytes")
    if value >> _LONG_BITS:
        raise ValueError("a number of more than 64 bits")
    return value, at


def refuse(what: str) -> None:
    """Refuse bytes that say something impossible."""
    raise ValueError(what)


class _Source:
    """Lines of a function, and the values that they name."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = {
            "varint": varint,
            "rest_of_varint": rest_of_varint,
            "refuse": refuse,
            "pack_double": _DOUBLE.pack,
            "unpack_double": _DOUBLE.unpack_from,
            "BOOLEANS": (False, True),
            "AS_BYTE": {False: 0, True: 1},
        }
        self._counted = 0

    def add(self, depth: int, *lines: str) -> None:
        self.lines += ["    " * depth + line for line in lines]

    def fresh(self) -> str:
        """Make the name of a new variable."""
        self._counted += 1
        return f"v{self._counted}"

    def made(self) -> Mapping[str, Any]:
        """Run the lines and return what they define."""
        exec("\n".join(self.lines), self.names)  # noqa: S102 - made here, of our own schemas alone
        return self.names


def _named_types(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Give every record and enum that a schema defines, by full name."""
    if isinstance(schema, list):
        for branch in schema:
            yield from _named_types(branch)
    elif isinstance(schema, dict):
        kind = schema["type"]
        if kind in ("record", "enum"):
            yield f"{schema['namespace']}.{schema['name']}", schema
        for field in schema.get("fields", ()):
            yield from _named_types(field["type"])
        yield from _named_types(schema.get("items") or schema.get("values"))


class CompiledSchema:
    """Writes and reads the records of one schema.

    Parameters
    ----------
    schema : dict
        of a record, as `schemas.generate` makes it

    Attributes
    ----------
    write : callable (record, bytearray) -> None
        appends the record's body
    read : callable (bytes, int) -> (record, int)
        reads a record that begins at a place, and says where it ends; beyond the data's end they were cut
    """

    def __init__(self, schema: Schema) -> None:
        self._types = dict(_named_types(schema))
        self._source = _Source()
        for name, each in self._types.items():
            cls = getattr(records, each["name"])
            if each["type"] == "enum":
                symbols = [cls(symbol) for symbol in each["symbols"]]
                self._source.names[f"SYMBOLS_{each['name']}"] = tuple(symbols)
                self._source.names[f"CODES_{each['name']}"] = {
                    s: varint(2 * n) for n, s in enumerate(symbols)
                }
            else:
                self._source.names[each["name"]] = cls
                self._define_writer(self._types[name])
                self._define_reader(self._types[name])
        made = self._source.made()
        self.write: Writer = made[f"write_{schema['name']}"]
        self.read: Reader = made[f"read_{schema['name']}"]

    def _define_writer(self, record: Schema) -> None:
        self._source.add(0, f"def write_{record['name']}(record, out):")
        for field in record["fields"]:
            self._write(field["type"], f"record.{field['name']}", 1)

    def _define_reader(self, record: Schema) -> None:
        self._source.add(0, f"def read_{record['name']}(data, at):")
        given = []
        for field in record["fields"]:
            name = self._source.fresh()
            self._read(field["type"], name, 1)
            given.append(f"{field['name']}={name}")
        self._source.add(1, f"return {record['name']}({', '.join(given)}), at")

    def _resolved(self, schema: Schema) -> Schema:
        """Return a type's definition; a primitive's is its name."""
        return self._types[schema] if isinstance(schema, str) and schema not in PRIMITIVES else schema

    # --- writing -------------------------------------------------------------------------------------

    def _write(self, schema: Schema, value: str, depth: int) -> None:
        """Append the lines that write ``value``, an expression."""
        add = self._source.add
        schema = self._resolved(schema)
        if isinstance(schema, list):
            name = self._source.fresh()
            add(
                depth,
                f"{name} = {value}",
                f"if {name} is None:",
                "    out.append(0)",
                "else:",
                "    out.append(2)",
            )
            self._write(schema[1], name, depth + 1)
        elif isinstance(schema, str):
            self._write_primitive(schema, value, depth)
        elif schema["type"] == "record":
            add(depth, f"write_{schema['name']}({value}, out)")
        elif schema["type"] == "enum":
            add(depth, f"out += CODES_{schema['name']}[{value}]")
        else:
            self._write_many(schema, value, depth)

    def _write_primitive(self, kind: str, value: str, depth: int) -> None:
        add = self._source.add
        if kind == "double":
            add(depth, f"out += pack_double({value})")
        elif kind == "boolean":
            add(depth, f"out.append(AS_BYTE[{value}])")
        elif kind == "long":
            add(depth, f"n = {value}", "n = n + n if n >= 0 else -n - n - 1")
            self._write_number(depth)
        else:
            add(depth, f"x = {value}.encode()" if kind == "string" else f"x = {value}", "n = len(x) << 1")
            self._write_number(depth)
            add(depth, "out += x")

    def _write_number(self, depth: int) -> None:
        self._source.add(depth, "if n < 128:", "    out.append(n)", "else:", "    out += varint(n)")

    def _write_many(self, schema: Schema, value: str, depth: int) -> None:
        add, many, each = self._source.add, self._source.fresh(), self._source.fresh()
        add(depth, f"{many} = {value}", f"if {many}:", f"    n = len({many}) << 1")
        self._write_number(depth + 1)
        if schema["type"] == "array":
            add(depth + 1, f"for {each} in {many}:")
            self._write(schema["items"], each, depth + 2)
        else:
            key = self._source.fresh()
            add(depth + 1, f"for {key}, {each} in {many}.items():")
            self._write_primitive("string", key, depth + 2)
            self._write(schema["values"], each, depth + 2)
        add(depth, "out.append(0)")

    # --- reading -------------------------------------------------------------------------------------

    def _read(self, schema: Schema, name: str, depth: int) -> None:
        """Append the lines that read a value into the variable ``name``."""
        add = self._source.add
        schema = self._resolved(schema)
        if isinstance(schema, list):
            add(depth, "n = data[at]", "at += 1", "if n == 0:", f"    {name} = None", "elif n == 2:")
            self._read(schema[1], name, depth + 1)
            add(depth, "else:", "    refuse('a union has two branches')")
        elif isinstance(schema, str):
            self._read_primitive(schema, name, depth)
        elif schema["type"] == "record":
            add(depth, f"{name}, at = read_{schema['name']}(data, at)")
        elif schema["type"] == "enum":
            self._read_size(depth)
            add(depth, f"{name} = SYMBOLS_{schema['name']}[n >> 1]")
        else:
            self._read_many(schema, name, depth)

    def _read_number(self, depth: int) -> None:
        self._source.add(
            depth, "n = data[at]", "at += 1", "if n > 127:", "    n, at = rest_of_varint(n, data, at)"
        )

    def _read_size(self, depth: int) -> None:
        self._read_number(depth)
        self._source.add(depth, "if n & 1:", "    refuse('a size or an index is negative')")

    def _read_primitive(self, kind: str, name: str, depth: int) -> None:
        add = self._source.add
        if kind == "double":
            add(depth, f"{name} = unpack_double(data, at)[0]", "at += 8")
        elif kind == "boolean":
            add(depth, f"{name} = BOOLEANS[data[at]]", "at += 1")
        elif kind == "long":
            self._read_number(depth)
            add(depth, f"{name} = (n >> 1) ^ -(n & 1)")
        else:
            self._read_size(depth)
            taken = "data[at:end].decode()" if kind == "string" else "data[at:end]"
            add(depth, "end = at + (n >> 1)", f"{name} = {taken}", "at = end")

    def _read_many(self, schema: Schema, name: str, depth: int) -> None:
        add, size, each = self._source.add, self._source.fresh(), self._source.fresh()
        array = schema["type"] == "array"
        self._read_number(depth)
        add(depth, f"{name} = {'[]' if array else '{}'}", "while n:", f"    {size} = n >> 1", "    if n & 1:")
        add(depth + 2, f"{size} += 1  # a negative count: the block's bytes come before its entries")
        self._read_size(depth + 2)
        add(depth + 1, f"for _ in range({size}):")
        if array:
            self._read(schema["items"], each, depth + 2)
            add(depth + 2, f"{name}.append({each})")
        else:
            key = self._source.fresh()
            self._read_primitive("string", key, depth + 2)
            self._read(schema["values"], each, depth + 2)
            add(depth + 2, f"{name}[{key}] = {each}")
        self._read_number(depth + 1)
        if array:
            add(depth, f"{name} = tuple({name})")
