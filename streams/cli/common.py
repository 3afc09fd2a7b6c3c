"""What every command shares: options, settings, output and how an error becomes words and a status."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from streams.config import Settings

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="The installation to talk to (broker, index, state); default: the user's data folder.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output instead of a table.")]
Bootstrap = Annotated[
    str | None,
    typer.Option("--bootstrap", help="HOST:PORT of a cluster of your own.", show_default=False),
]

By = Annotated[str, typer.Option("--by", help="Who says so; by default you.", show_default=False)]
Note = Annotated[str | None, typer.Option("--note", help="Why, for those who look later.")]


def person(by: str) -> str:
    """Return who says so: the one named, or the user at the terminal."""
    import getpass

    return by or getpass.getuser()


def settings_for(data_dir: Path | None, *, bootstrap: str | None = None) -> Settings:
    """Read the settings for one command; an option goes over the environment."""
    from streams.config import load_settings

    settings = load_settings(data_dir=data_dir.expanduser().resolve() if data_dir is not None else None)
    if bootstrap is not None:
        kafka = settings.kafka.model_copy(update={"bootstrap": bootstrap})
        settings = settings.model_copy(update={"kafka": kafka})
    return settings


def writable(path: Path | None) -> Path | None:
    """Refuse a file that cannot be written, before anything is computed for it."""
    if path is not None and path.is_dir():
        raise typer.BadParameter(f"{path}: a folder, not a file")
    if path is not None and not path.parent.is_dir():
        raise typer.BadParameter(f"{path}: there is no folder {path.parent}")
    return path


def wiring() -> Any:
    """Return the composition root, imported late: it brings every edge with it."""
    return importlib.import_module("streams.wiring")


def output() -> Console:
    """Return the console of results; a pipe gets plain lines that are not wrapped at 80 columns."""
    return _console(stderr=False, soft_wrap=not sys.stdout.isatty())


def messages() -> Console:
    """Return the console of messages: standard error."""
    return _console(stderr=True, soft_wrap=not sys.stderr.isatty())


def _console(*, stderr: bool, soft_wrap: bool) -> Console:
    """Return a console that reads no markup and lets nothing through that would steer the terminal."""
    from rich.console import Console
    from rich.text import Text

    from streams.core.visible import visible_layout

    class Careful(Console):
        """Rich turns every text it is given, cells of tables too, into its own by this one method."""

        def render_str(self, text: str, **how: Any) -> Text:
            return super().render_str(visible_layout(text), **how)

    return Careful(stderr=stderr, soft_wrap=soft_wrap, highlight=False, markup=False, emoji=False)


def progress_bar(*, as_json: bool = False) -> Progress:
    """Return a bar on standard error; it shows nothing on anything but a terminal, and beside JSON on one."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    parts = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = messages()
    shown = console.is_terminal and not (as_json and sys.stdout.isatty())
    # Rich would take whatever is written to standard output for its own screen, also what goes into a pipe.
    return Progress(
        *parts,
        console=console,
        transient=True,
        disable=not shown,
        redirect_stdout=False,
        redirect_stderr=False,
    )


def above(bar: Progress, console: Console) -> Console:
    """Return the console to print on while a bar is shown: on one screen the bar's own keeps both whole."""
    return bar.console if console.is_terminal and not bar.disable else console


def print_lines(console: Console, text: str) -> None:
    """Print lines with columns; a terminal gets them at its width, anything else as they are."""
    from streams.cli.render import fitted

    console.print(fitted(text, console.width) if console.is_terminal else text)


def print_json(value: Any) -> None:
    """Write one JSON document, one line."""
    import orjson

    from streams.core.visible import visible_json

    sys.stdout.write(visible_json(orjson.dumps(value, default=plain).decode()) + "\n")
    sys.stdout.flush()


def plain(value: Any) -> Any:
    """Give what JSON has no word for: a record by its fields, bytes as size and digest, the rest as text."""
    from msgspec import Struct, structs

    if isinstance(value, Struct):
        return structs.asdict(value)
    if isinstance(value, bytes):
        import hashlib

        return {"bytes": len(value), "sha256": hashlib.sha256(value).hexdigest()}
    return str(value)
