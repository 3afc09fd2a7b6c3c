"""What a stranger wrote never steers the terminal of who reads it, nor hides or fakes a line."""

import dataclasses
import io
import json
import logging
from collections.abc import Callable

import pytest
from rich.console import Console

from streams.cli import main
from streams.cli.common import messages, output, print_json
from streams.cli.entities import EntityView
from streams.cli.render import decision_line, entity_text, explanation
from streams.core.records import Decision, EntityChanged, EntitySide, ItemKey, Origin, Outcome
from streams.core.visible import visible, visible_json, visible_layout
from streams.errors import SchemaError
from streams.telemetry import configure_logging

ATTACKS = (
    "\x1b[2J\x1b[H",  # clear the screen
    "\x1b]0;owned\x07",  # name the window
    "\x1b]52;c;ZWNobyBoaQ==\x07",  # write the clipboard
    "\x1b[6n\x1bP+q544e\x1b\\",  # make the terminal answer, as if typed
    "\x9b31m\x85",  # the same by C1 controls
    "\r\nmatch     label-a/A-1 -> recording 01234567",  # a second, faked line
    "\u202eevil\u2066\u200f",  # read from right to left
    "\u2028\u2029",
    "\x00\x08\x7f",
    "\ud800",
)
HOSTILE = "".join(ATTACKS)
MARKUP = "[bold red]x[/] [link=file:///etc/passwd]y[/link] :boom: [/]"
FINE = "Água Clara 水の歌 مرحبا עברית 👩\u200d🎤 e\u0301 🎵"

DECISION = Decision(
    decision_id="d-1",
    sequence=1,
    origin=Origin(topic="catalog.upload.v1", partition=0, offset=0),
    source=f"fans{HOSTILE}",
    item_id=f"x{HOSTILE}",
    revision=1,
    outcome=Outcome.rejected,
    code="schema_error",
    reason=f"{MARKUP}{HOSTILE}",
)


def steers(text: str) -> set[str]:
    """Give the characters of a text that no terminal should see; line feeds are ours."""
    return {c for c in text if c != "\n" and (ord(c) < 32 or 0x7F <= ord(c) < 0xA0)} | (
        set(text) & set("\u2028\u2029\u061c\u200e\u200f\u202a\u202e\u2066\u2069\ud800")
    )


@pytest.mark.parametrize("attack", ATTACKS)
def test_steering_characters_are_written_out(attack: str) -> None:
    assert steers(visible(attack)) == set()
    assert "\n" not in visible(attack)
    assert steers(visible_layout(attack)) == set()


def test_every_script_stays_as_it_is() -> None:
    assert visible(FINE) == visible_layout(FINE) == FINE
    assert visible_layout("a\n\tb") == "a\n\tb"


def test_json_says_the_same_in_characters_that_steer_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    said = f"{HOSTILE}{FINE}".replace("\ud800", "")
    print_json({"title": said})
    shown = capsys.readouterr().out
    assert steers(shown) == set()
    assert json.loads(shown) == {"title": said}
    assert json.loads(visible_json(json.dumps({"title": said}, ensure_ascii=False))) == {"title": said}


def test_a_decision_is_one_line_whatever_its_fields_hold() -> None:
    line = decision_line(DECISION)
    assert "\n" not in line
    assert steers(line) == set()
    told = explanation(DECISION)
    assert steers(told) == set()
    calm = dataclasses.replace(DECISION, source="fans", item_id="x", reason="r")
    assert told.count("\n") == explanation(calm).count("\n")


def test_an_entity_has_no_lines_of_its_members_making() -> None:
    def said(title: str, item_id: str) -> str:
        side = EntitySide(
            entity_id="e-1",
            kind="recording",
            status="live",
            title=title,
            artist=title,
            members=(ItemKey("label", item_id).text(),),
        )
        event = EntityChanged(
            event_id="ev", sequence=1, part=1, parts=1, change="minted", cause=title, sides=(side,)
        )
        view = EntityView(as_of=1, side=side, stands_for="e-1", relations=(), history=(event,))
        return entity_text(view)

    assert steers(said(HOSTILE, HOSTILE)) == set()
    assert said(HOSTILE, HOSTILE).count("\n") == said("calm", "A-1").count("\n")


@pytest.mark.parametrize("console", [output, messages], ids=["results", "messages"])
def test_no_console_lets_escapes_or_markup_through(
    console: Callable[[], Console], capsys: pytest.CaptureFixture[str]
) -> None:
    from rich.table import Table

    table = Table("item", "reason")
    table.add_row(HOSTILE, MARKUP)
    console().print(f"{MARKUP}{HOSTILE}")
    console().print(table)
    shown = "".join(capsys.readouterr())
    assert steers(shown) == set()
    assert shown.count(":boom:") >= 1
    assert MARKUP in shown


def test_an_error_is_said_without_escapes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise SchemaError(f"{HOSTILE}: unknown field")

    monkeypatch.setattr("streams.cli.app", fail)
    with pytest.raises(SystemExit):
        main()
    assert steers(capsys.readouterr().err) == set()


def test_a_crash_is_told_without_escapes_and_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def crash() -> None:
        raise ZeroDivisionError(f"{HOSTILE} password=hunter2")

    monkeypatch.setattr("streams.cli.app", crash)
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert "ZeroDivisionError" in said
    assert "hunter2" not in said
    assert steers(said) == set()


@pytest.mark.parametrize("as_json", [True, False])
def test_a_log_line_is_one_line_without_escapes(as_json: bool) -> None:
    out = io.StringIO()
    root = logging.getLogger()
    # Without pytest's own: what they catch travels between its processes, and a lone surrogate cannot.
    level, handlers, root.handlers = root.level, root.handlers, []
    try:
        configure_logging("info", "encode", as_json=as_json, stream=out)
        logging.getLogger("streams.x").warning("refused %s", HOSTILE)
    finally:
        root.handlers = handlers
        root.setLevel(level)
    assert steers(out.getvalue()) == set()
    assert out.getvalue().count("\n") == 1
