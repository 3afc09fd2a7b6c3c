"""Folders that `samesong publish` was given: allowed roots of one installation, kept beside its data."""

import fcntl
import json
import os
from collections.abc import Iterable
from pathlib import Path

from streams.errors import ConfigError

# Not in run/: what lies there tells which processes run.
ROOTS_FILE = Path("media-roots.json")


def read_media_roots(data_dir: Path) -> tuple[Path, ...]:
    """Return the added roots; none when nothing was ever added.

    Raises
    ------
    ConfigError
        the file is damaged
    """
    path = data_dir / ROOTS_FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as exc:
        raise ConfigError(f"{path} cannot be read ({exc}); delete it and publish the folders again") from exc
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise ConfigError(f"{path} is not a list of folders; delete it and publish the folders again")
    return tuple(Path(item) for item in found)


def add_media_roots(data_dir: Path, roots: Iterable[Path]) -> tuple[Path, ...]:
    """Add folders (resolved, each once) and return all; two commands at once lose none."""
    path = data_dir / ROOTS_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = read_media_roots(data_dir)
        after = tuple(dict.fromkeys((*before, *(root.resolve() for root in roots))))
        if after != before:
            aside = path.with_suffix(".new")
            aside.write_text(json.dumps([str(root) for root in after], indent=1) + "\n", encoding="utf-8")
            os.replace(aside, path)
    return after
