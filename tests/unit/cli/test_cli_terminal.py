"""What a person at a terminal sees while a bar is shown, and what a pipe gets meanwhile."""

import contextlib
import io
import os
import pty
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

import orjson
import pytest

from streams.cli.publish import publish
from streams.cli.publishing import PublishEvent
from streams.cli.reading import Given
from tests.unit.cli.test_cli_render import MATCH

UPLOADS = 3


class _Decided:
    """A service that decides each upload as soon as it is published."""

    published = 0

    def __init__(self, _settings: object, given: Iterable[Given], *, wait: bool) -> None:
        self._given = given

    def __iter__(self) -> Iterator[PublishEvent]:
        for one in self._given:
            assert one.upload is not None
            self.published += 1
            yield PublishEvent(published=self.published, decision=MATCH)


class _Terminal:
    """One screen: what was written to it, read along since a terminal holds little."""

    def __init__(self) -> None:
        self._master, self.slave = pty.openpty()
        self._shown = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        # The last writer's end is an error to the reader of a terminal.
        with contextlib.suppress(OSError):
            while part := os.read(self._master, 1 << 16):
                self._shown += part

    def shown(self) -> str:
        """Give what was shown; nobody writes any more."""
        os.close(self.slave)
        self._reader.join()
        os.close(self._master)
        return self._shown.decode()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> _Terminal:
    for name, value in {"TERM": "xterm", "COLUMNS": "80", "LINES": "24"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    return _Terminal()


@pytest.fixture
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("streams.cli.publishing.publish_all", _Decided)
    found = tmp_path / "uploads.jsonl"
    line = b'{"source": "s", "item_id": "i", "kind": "recording", "title": "T"}\n'
    found.write_bytes(line * UPLOADS)
    return found


@contextlib.contextmanager
def _screens(
    monkeypatch: pytest.MonkeyPatch, terminal: _Terminal, *, stdout: TextIO | None = None
) -> Iterator[None]:
    """Put standard error on the terminal, and standard output unless it goes elsewhere."""
    with (
        open(os.dup(terminal.slave), "w", encoding="utf-8") as errors,
        open(os.dup(terminal.slave), "w", encoding="utf-8") as results,
        monkeypatch.context() as patched,
    ):
        patched.setattr("sys.stderr", errors)
        patched.setattr("sys.stdout", stdout or results)
        yield


def _items(documents: Iterable[str]) -> list[str]:
    return [orjson.loads(document)["item_id"] for document in documents]


def test_a_pipe_gets_every_document_while_the_terminal_shows_a_bar(
    lines: Path, terminal: _Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = io.StringIO()
    with _screens(monkeypatch, terminal, stdout=pipe):
        publish([str(lines)], data_dir=lines.parent, wait=True, as_json=True)
    assert _items(pipe.getvalue().splitlines()) == [MATCH.item_id] * UPLOADS
    shown = terminal.shown()
    assert "decided" in shown
    assert MATCH.decision_id not in shown


def test_on_one_screen_each_decision_has_a_line_of_its_own(
    lines: Path, terminal: _Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _screens(monkeypatch, terminal):
        publish([str(lines)], data_dir=lines.parent, wait=True)
    shown = terminal.shown().splitlines()
    decisions = [line for line in shown if "match " in line]
    assert len(decisions) == UPLOADS
    assert not [line for line in decisions if "decided" in line or "0:00:0" in line]


def test_json_on_a_screen_has_no_bar(
    lines: Path, terminal: _Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _screens(monkeypatch, terminal):
        publish([str(lines)], data_dir=lines.parent, wait=True, as_json=True)
    shown = terminal.shown()
    assert _items(line for line in shown.splitlines() if line.startswith("{")) == [MATCH.item_id] * UPLOADS
    assert "decided  " not in shown
