"""Rows of a result: measured where they are asked for, kept where they are not."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import machine, rows


def _row(value: int) -> dict[str, Any]:
    return {"value": value}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in (machine, rows):
        monkeypatch.setattr(module, "RESULTS", tmp_path)
    monkeypatch.setattr(machine, "yardstick", dict)
    return tmp_path


def _write(values: dict[str, int], commit: str) -> None:
    made = [(name, lambda value=value: _row(value)) for name, value in values.items()]
    rows.write_rows("some", "numbers", made, started={"commit": commit}, tracks=3)


def test_a_row_that_is_not_asked_for_stays_with_the_commit_it_was_measured_at(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(rows.ROWS, raising=False)
    _write({"one": 1, "two": 2}, "first")
    monkeypatch.setenv(rows.ROWS, "two")
    _write({"one": 10, "two": 20}, "second")
    found = json.loads((folder / "some.json").read_text(encoding="utf-8"))
    assert (found["one"], found["two"]) == (_row(1), _row(20))
    assert found["measured_at"] == {"one": "first", "two": "second"}
    assert found["tracks"] == 3


def test_a_row_that_there_is_not_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(rows.ROWS, "three")
    with pytest.raises(ValueError, match="the rows are one"):
        _write({"one": 1}, "first")
    assert not list(folder.iterdir())
