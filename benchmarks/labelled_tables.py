"""Labelled tables as others keep them: rows, lengths and years."""

import csv
import gzip
import io
import re
from pathlib import Path


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
