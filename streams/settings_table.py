"""The settings page of the documentation, written from the settings themselves.

``python -m streams.settings_table`` writes it; with ``--check`` it only says whether the page is up to date.
"""

import argparse
import json
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from streams.config import Settings

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"
PREFIX = "SAMESONG_"
DELIMITER = "__"

HEAD = """\
# Settings

Read once at start from the environment. `__` separates a group from its setting; lists are JSON, such as
`SAMESONG_MEDIA__ALLOWED_ROOTS='["/srv/music"]'`. A value out of range or an unknown name stops the start
with a message that names it. Secrets are never logged. `--data-dir D` on a command stands above
`SAMESONG_DATA_DIR`.

This page is written by `make docs`; a test compares it with the program.

"""

GROUPS = {
    "": "Installation",
    "kafka": "Kafka",
    "registry": "Schema registry",
    "index": "Vector index",
    "media": "Media",
    "encode": "Encode",
    "refusals": "Dead-letter limits",
    "arbiter": "Arbiter",
    "drift": "Drift monitor",
    "disk": "Disk",
    "telemetry": "Telemetry",
    "faults": "Faults",
}


def _kind(annotation: object) -> str:
    """Name a type as the person who sets it needs it."""
    origin = get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_kind(part) for part in get_args(annotation) if part is not type(None))
    if origin is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(annotation))
    if origin is tuple:
        return f"list of {_kind(get_args(annotation)[0])}s"
    if annotation is SecretStr:
        return "secret"
    names: dict[object, str] = {bool: "true or false", int: "whole number", float: "number", str: "text"}
    return names.get(annotation, "folder" if annotation is Path else str(annotation))


def _bounds(field: FieldInfo) -> str:
    """Say which values are allowed, where not all of the type are."""
    signs = []
    for rule in field.metadata:
        match rule:
            case Ge():
                signs.append(f"≥ {rule.ge}")
            case Gt():
                signs.append(f"> {rule.gt}")
            case Le():
                signs.append(f"≤ {rule.le}")
            case Lt():
                signs.append(f"< {rule.lt}")
    return ", ".join(signs)


def _default(field: FieldInfo) -> str:
    """Show a default; one that depends on the machine is said in words."""
    if field.default_factory is not None:
        return "the user's data folder"
    if field.default is None or field.default == ():
        return "unset"
    if isinstance(field.default, str):
        return f"`{field.default}`"
    return f"`{json.dumps(field.default)}`"


def _rows(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            continue
        values = ", ".join(part for part in (_kind(field.annotation), _bounds(field)) if part)
        meaning = field.description or ""
        yield f"| `{PREFIX}{prefix}{name.upper()}` | {values} | {_default(field)} | {meaning} |"


def _groups() -> Iterator[tuple[str, type[BaseModel], str]]:
    yield "", Settings, ""
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield name, field.annotation, f"{name.upper()}{DELIMITER}"


def page() -> str:
    """Write the whole page."""
    parts = [HEAD]
    for name, model, prefix in _groups():
        parts.append(f"## {GROUPS.get(name, name.capitalize())}\n\n")
        parts.append("| variable | values | default | meaning |\n| --- | --- | --- | --- |\n")
        parts.append("".join(f"{row}\n" for row in _rows(model, prefix)) + "\n")
    return "".join(parts).rstrip("\n") + "\n"


def main() -> int:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description="write docs/settings.md")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when it is out of date")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
        print(f"{PAGE.name} is out of date: run `make docs`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
