"""`samesong deadletters`: what was refused, and sending it again."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.common import (
    AsJson,
    Bootstrap,
    DataDir,
    messages,
    output,
    print_json,
    print_lines,
    settings_for,
)

if TYPE_CHECKING:
    from streams.cli.replaying import Chosen
    from streams.core.records import Origin

deadletters = typer.Typer(help="Refused records.", no_args_is_help=True)

Code = Annotated[list[str] | None, typer.Option("--code", help="Only this code; once for each.")]
Source = Annotated[list[str] | None, typer.Option("--source", help="Only of this sender; once for each.")]
Since = Annotated[
    str | None, typer.Option("--since", help="Only since then: 90m, 2d, or 2026-01-31T12:00:00+00:00.")
]
ORIGIN = "TOPIC/PARTITION/OFFSET"


@deadletters.command(name="list")
def list_(
    data_dir: DataDir = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
    code: Code = None,
    source: Source = None,
    since: Since = None,
) -> None:
    """List refused records with code, reason and where they stand in the log."""
    from streams.cli.replaying import read_letters
    from streams.core.replays import origin_text

    found = [
        each.record
        for each in read_letters(settings_for(data_dir, bootstrap=bootstrap), _chosen(code, source, since))
    ]
    if as_json:
        for letter in found:
            print_json(letter)
        return
    console = output()
    for letter in found:
        # No table: at 80 columns it would cut what is to be copied.
        item = f"{letter.source}/{letter.item_id}" if letter.source else "unknown"
        console.print(f"{origin_text(letter.origin)}  {letter.code}  {item}", style="bold")
        again = f"attempt {letter.attempt}, " if letter.attempt > 1 else ""
        print_lines(console, f"    {again}{letter.body_bytes} bytes: {letter.reason}")
    counts = Counter(letter.code for letter in found)
    told = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    hint = "\n`samesong deadletters show TOPIC/PARTITION/OFFSET` shows one with its bytes."
    messages().print(f"{told}.{hint}" if told else "Nothing was refused.")


@deadletters.command()
def show(
    origin: Annotated[str, typer.Argument(metavar=ORIGIN, help="As `list` names it.")],
    data_dir: DataDir = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
    raw: Annotated[bool, typer.Option("--raw", help="Only the record's bytes, as they are.")] = False,
) -> None:
    """Show one refused record: why, its headers, and its bytes as they were sent."""
    import sys

    from streams.cli.replaying import Bodies, Chosen, read_letters

    settings = settings_for(data_dir, bootstrap=bootstrap)
    letters = list(read_letters(settings, Chosen(origins=[_origin(origin)])))
    if not letters:
        messages().print(f"{origin} was not refused.")
        raise typer.Exit(1)
    letter = letters[-1]
    with Bodies(settings) as bodies:
        body = bodies.of(letter.record)
    if raw:
        if body is None:
            messages().print("Its bytes are nowhere any more.")
            raise typer.Exit(1)
        sys.stdout.buffer.write(body)
        return
    headers = {name: value.decode("utf-8", "replace") for name, value in letter.headers}
    if as_json:
        import base64
        import dataclasses

        whole = None if body is None else base64.b64encode(body).decode()
        print_json({**dataclasses.asdict(letter.record), "headers": headers, "body": whole})
        return
    console = output()
    record = letter.record
    console.print(f"code      {record.code}")
    console.print(f"reason    {record.reason}")
    console.print(f"item      {record.source}/{record.item_id}" if record.source else "item      unknown")
    console.print(f"attempt   {record.attempt}")
    console.print(f"sha256    {record.body_sha256 or 'unknown'}")
    for name, value in headers.items():
        console.print(f"header    {name}: {value}")
    console.print("bytes     nowhere any more" if body is None else f"bytes     {len(body)}")
    if body:
        console.print(_readable(body))


@deadletters.command()
def replay(
    origins: Annotated[
        list[str] | None, typer.Argument(metavar=f"[{ORIGIN}...]", help="Only these; by default all.")
    ] = None,
    data_dir: DataDir = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
    code: Code = None,
    source: Source = None,
    since: Since = None,
    rate: Annotated[float, typer.Option("--rate", min=0.01, help="Records a second, at most.")] = 50.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; say what would be.")] = False,
) -> None:
    """Send refused records again as they were, once what refused them is mended.

    What was decided meanwhile becomes a duplicate, so replaying twice changes nothing. Exit status 1: some
    could not be sent (listed on standard error), the others were.
    """
    import time

    from streams.cli.replaying import Bodies, paced, plan_replay, read_letters, write_replays
    from streams.core.replays import origin_text

    settings = settings_for(data_dir, bootstrap=bootstrap)
    chosen = _chosen(code, source, since, tuple(map(_origin, origins or ())))
    talk = messages()
    with Bodies(settings) as bodies:
        plan = list(plan_replay(read_letters(settings, chosen), bodies.of))
    good = [each for each in plan if each.refused is None]
    bad = [each for each in plan if each.refused is not None]
    for each in bad:
        talk.print(f"{origin_text(each.letter.origin)} [{each.letter.code}]: {each.refused}")
    if dry_run:
        for each in good:
            if not as_json:
                output().print(
                    f"{origin_text(each.letter.origin)} [{each.letter.code}] {len(each.body)} bytes"
                )
        sent = 0
    else:
        sent = write_replays(settings, paced(good, rate, now=time.monotonic, wait=time.sleep))
    if as_json:
        print_json({"replayed": sent, "would_replay": len(good) - sent, "left_out": len(bad)})
    else:
        counts = Counter(each.letter.code for each in good)
        codes = ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "none"
        said = "would be replayed" if dry_run else "replayed"
        talk.print(f"{len(good)} {said} ({codes}), {len(bad)} left out. `samesong watch` shows decisions.")
    if bad:
        raise typer.Exit(1)


def _chosen(
    codes: list[str] | None, sources: list[str] | None, since: str | None, origins: tuple[Origin, ...] = ()
) -> Chosen:
    from datetime import UTC, datetime

    from streams.cli.replaying import Chosen, since_ms

    try:
        first = since_ms(since, now=datetime.now(UTC)) if since is not None else 0
    except (ValueError, OverflowError) as exc:
        raise typer.BadParameter(f"{since!r} is neither a time nor such as 90m or 2d") from exc
    return Chosen(
        codes=frozenset(codes or ()),
        sources=frozenset(sources or ()),
        since_ms=first,
        origins=frozenset(origins),
    )


def _origin(text: str) -> Origin:
    from streams.core.replays import parse_origin

    found = parse_origin(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is not {ORIGIN}")
    return found


def _readable(body: bytes) -> str:
    """Write bytes as text where they are text, else as a hex dump."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        rows = [body[at : at + 16] for at in range(0, len(body), 16)]
        lines = []
        for number, row in enumerate(rows):
            shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
            lines.append(f"{number * 16:08x}  {row.hex(' '):<47}  {shown}")
        return "\n".join(lines)
