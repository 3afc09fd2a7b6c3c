"""Small files of facts, which others read while we write."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_json(path: Path, facts: Mapping[str, Any]) -> None:
    """Replace a small file in one step."""
    aside = path.with_suffix(".new")
    aside.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    os.replace(aside, path)


def read_json(path: Path) -> dict[str, Any] | None:
    """Read a small file; none when it is absent or torn."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None
