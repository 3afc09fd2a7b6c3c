"""Codes are names that metrics, headers and dead letters carry: each class has its own."""

import importlib
import pkgutil
import re
from collections import Counter

import streams
from encoders.errors import EncoderError
from streams.errors import ResolverError


def _import_all() -> None:
    """Errors are also declared beside what raises them."""
    for module in pkgutil.walk_packages(streams.__path__, "streams."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def _tree(root: type[Exception]) -> list[type[Exception]]:
    return [root, *(found for child in root.__subclasses__() for found in _tree(child))]


def test_every_error_sets_its_own_code() -> None:
    _import_all()
    for error in dict.fromkeys(_tree(ResolverError)):
        assert "code" in vars(error), f"{error.__qualname__} inherits its code"
        assert re.fullmatch(r"[a-z][a-z0-9_]*", vars(error)["code"]), error.__qualname__


def test_codes_are_unique() -> None:
    _import_all()
    errors = list(dict.fromkeys(_tree(ResolverError)))
    counts = Counter(vars(error)["code"] for error in errors)
    assert {code: count for code, count in counts.items() if count > 1} == {}


def test_encoders_keep_their_own_tree() -> None:
    assert not issubclass(EncoderError, ResolverError)
    assert len(_tree(EncoderError)) > 1
