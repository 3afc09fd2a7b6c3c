"""Labelled tables as others keep them: where they lie, rows, lengths and years."""

import argparse
import csv
import gzip
import io
import re
from pathlib import Path

DATA = Path("../shared/data")


def labelled(name: str, within: str | Path, *, about: str | None) -> Path | None:
    """Find labelled data of a benchmark under the folder that ``--data`` names; say so where there is none.

    Parameters
    ----------
    name : str
        of the benchmark
    within : str or Path
        what is wanted, below the folder
    about : str, optional
        what the benchmark does, for ``--help``
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--data", type=Path, default=DATA)
    options, _ = parser.parse_known_args()
    path: Path = options.data / within
    if path.exists():
        return path
    print(f"{name}: skipped, there is no {path}; --data names the folder", flush=True)
    return None


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a table with a header, compressed or not."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8"))))


def duration_ms(text: str) -> int | None:
    """Read a length written in any of the ways that badly kept tables write it."""
    minutes = re.fullmatch(r"\s*(\d+):(\d\d)\s*", text)
    if minutes:
        return (int(minutes[1]) * 60 + int(minutes[2])) * 1000 or None
    words = re.fullmatch(r"(\d+)m (\d+)sec", text.strip())
    if words:
        return (int(words[1]) * 60 + int(words[2])) * 1000 or None
    try:
        value = float(text)
    except ValueError:
        return None
    # Units are told apart by size: decimal minutes below 30, seconds below 10,000, else milliseconds.
    scale = 60_000 if value < 30 else 1_000 if value < 10_000 else 1
    return int(value * scale) or None


def year(text: str) -> str:
    """Read a year of four or two digits; empty where there is none."""
    found = re.search(r"(?:19|20)\d\d", text)
    if found:
        return found.group()
    short = re.fullmatch(r"'?(\d\d)", text.strip())
    return "" if not short else f"{'20' if int(short[1]) < 30 else '19'}{short[1]}"
