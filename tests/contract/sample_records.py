"""Records of every class, made from their annotations: each field filled, or as little as possible."""

import dataclasses
import types
import typing
from enum import StrEnum
from typing import Any


def full(cls: Any, *, seed: int = 1) -> Any:
    """Make a record with every field filled, every list with two entries."""
    hints = typing.get_type_hints(cls)
    values = {}
    for number, field in enumerate(dataclasses.fields(cls)):
        values[field.name] = _value(hints[field.name], name=field.name, seed=seed * 7 + number)
    return cls(**values)


def least(cls: Any) -> Any:
    """Make a record with defaults wherever there are any, and None wherever it may stand."""
    hints = typing.get_type_hints(cls)
    values = {}
    for field in dataclasses.fields(cls):
        has_default = dataclasses.MISSING not in (field.default,) or (
            field.default_factory is not dataclasses.MISSING
        )
        if not has_default:
            hint = hints[field.name]
            optional = type(None) in typing.get_args(hint)
            values[field.name] = None if optional else _value(hint, name=field.name, seed=1)
    return cls(**values)


def _value(hint: Any, *, name: str, seed: int) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _value(next(a for a in arguments if a is not type(None)), name=name, seed=seed)
    if origin is tuple:
        return tuple(_value(arguments[0], name=name, seed=seed + n) for n in range(2))
    if origin is dict:
        return {"isni": _value(arguments[1], name=name, seed=seed), "none": None}
    if dataclasses.is_dataclass(hint):
        return full(hint, seed=seed % 97 + 1)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return list(hint)[seed % len(hint)]
    plain: dict[Any, Any] = {
        str: f"{name}-{seed} Água 水",
        bool: bool(seed % 2),
        bytes: bytes([seed % 256, 0, 255]),
        float: seed / 3,
        int: -seed * 1_000_003,
    }
    return plain[hint]
