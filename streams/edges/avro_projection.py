"""A schema with as many fields of another as a class of records has: what is not wanted is passed over.

Avro's schema resolution skips the fields of a writer that a reader does not have (specification 1.12, "Schema
Resolution"), so a reader with few fields pays for few.
"""

import typing
from dataclasses import fields
from typing import Any

Schema = Any  # an Avro schema as fastavro takes it


def project(schema: Schema, part: type) -> Schema:
    """Leave of a record schema the fields that a class has, and so on below.

    Parameters
    ----------
    schema : Avro schema
        of a record, with every named type defined in it
    part : type
        a class of records; each of its fields has the name of one of the schema's

    Raises
    ------
    KeyError
        a field that the schema does not have
    """
    named: dict[str, Schema] = {}
    _collect(schema, named)
    return _narrowed(schema, part, named, set())


def _collect(schema: Schema, named: dict[str, Schema]) -> None:
    """Find every named type."""
    if isinstance(schema, list):
        for branch in schema:
            _collect(branch, named)
    elif isinstance(schema, dict):
        if "name" in schema:
            named[schema["name"]] = schema
        _collect(schema.get("items"), named)
        for field in schema.get("fields", ()):
            _collect(field["type"], named)


def _narrowed(schema: Schema, part: Any, named: dict[str, Schema], defined: set[str]) -> Schema:
    """Narrow one type; a named one is defined where it is first met."""
    if isinstance(schema, list):
        return [_narrowed(branch, part, named, defined) for branch in schema]
    if isinstance(schema, str):
        if schema not in named or schema in defined:
            return schema
        schema = named[schema]
    if "name" in schema:
        defined.add(schema["name"])
    if "items" in schema:
        return {**schema, "items": _narrowed(schema["items"], part, named, defined)}
    if "fields" not in schema:
        return schema
    whole = {field["name"]: field for field in schema["fields"]}
    hints = typing.get_type_hints(_record_in(part))
    kept = [
        {**whole[each.name], "type": _narrowed(whole[each.name]["type"], hints[each.name], named, defined)}
        for each in fields(_record_in(part))
    ]
    return {**schema, "fields": kept}


def _record_in(hint: Any) -> Any:
    """Give the class of records that a hint names, alone, optional or many."""
    below = [each for each in typing.get_args(hint) if each is not type(None) and each is not ...]
    return _record_in(below[0]) if below else hint
