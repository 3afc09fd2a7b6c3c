"""Every `samesong` command of the pages and runbooks exists, with its options."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from streams.cli import app

ROOT = Path(__file__).parents[2]
RUNBOOKS = ROOT / "deploy" / "runbooks"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted(RUNBOOKS.glob("*.md"))]
# In a block of code a command ends with its line, a pipe or a redirection; in a sentence with its backquotes.
BLOCK = re.compile(r"```(?:bash|sh)\n(.*?)```", re.DOTALL)
SPAN = re.compile(r"`(samesong [^`]+)`")
STARTED = re.compile(r"(?:^|[ (])samesong (.+)$")


def _written(text: str) -> Iterator[str]:
    for block in BLOCK.findall(text):
        for part in re.split(r"\n| [|>&]|;", block.replace("\\\n", " ")):
            if (found := STARTED.search(part)) is not None:
                yield found[1].split(" #")[0]
    for span in SPAN.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        yield " ".join(span.split()).removeprefix("samesong ")


def _wrong(said: str, command: Any) -> str | None:
    """Say what a written command names that is not there; ``a|b`` names several."""
    words = shlex.split(said.replace("…", ""))
    while words and getattr(command, "commands", None):
        if words[0].startswith("-"):
            break
        below = [command.commands.get(name) for name in words[0].split("|")]
        if None in below:
            # `samesong entity ID` shows an entity.
            if command.name == "entity" and len(below) == 1:
                below = [command.commands["ID"]]
            else:
                return f"no command {words[0]!r} in {said!r}"
        else:
            words = words[1:]
        command = below[0]
    known = {option for p in command.params for option in p.opts} | {"--help", "-h"}
    strange = [word for word in words if re.match(r"--?[a-z]", word) and word.split("=")[0] not in known]
    return f"{strange} in {said!r}" if strange else None


def _wrongs(text: str) -> list[str]:
    root = typer.main.get_command(app)
    return [wrong for said in _written(text) if (wrong := _wrong(said, root)) is not None]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_exists(page: Path) -> None:
    assert _wrongs(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "`samesong gone`",
        "`samesong stage stop encode`",
        "`samesong audit --twice`",
        "```bash\nsamesong import x.csv | samesong publish --wiat -\n```",
        "```bash\nSAMESONG_PRODUCTION=true \\\nsamesong run encode --fast\n```",
    ],
)
def test_a_command_that_is_not_there_is_found(text: str) -> None:
    assert len(_wrongs(text)) == 1


def test_the_operations_page_leads_to_every_runbook() -> None:
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(\.\./(deploy/runbooks/[a-z-]+\.md)\)", operations))
    assert {ROOT / name for name in linked} == set(RUNBOOKS.glob("*.md"))
