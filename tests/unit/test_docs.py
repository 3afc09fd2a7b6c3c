"""Tables in the documentation equal the program, links lead somewhere, and nothing slips in that must not."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from streams.cli.app import app
from streams.core.importing.fields import FIELDS
from streams.settings_table import PAGE, page
from streams.topics import TOPICS

ROOT = Path(__file__).parents[2]
# Split, so that this file does not contain what it looks for.
REGISTRIES = (
    "pypi" + ".org", "python" + "hosted.org", "maven" + ".org", "maven" + ".apache.org", "npmjs" + ".org",
    "debian" + ".org", "crates" + ".io", "sonatype" + ".org",
)  # fmt: skip
MACHINE_PATHS = re.compile(r"(?<![\w.$}{/-])/(?:work|root|home|Users)/[\w.-]+")
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")


def _tracked() -> list[Path]:
    """List the files of the repository; in an unpacked archive, those of the source rooms."""
    git = shutil.which("git")
    if git is not None and (ROOT / ".git").exists():
        listed = subprocess.run(  # noqa: S603  a fixed command
            [git, "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        files = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        rooms = ("streams", "encoders", "schemas", "deploy", "docs", "tests", "benchmarks")
        files = [path for room in rooms for path in (ROOT / room).rglob("*")]
    return [path for path in files if path.is_file() and "__pycache__" not in path.parts]


def _texts() -> list[tuple[Path, str]]:
    found = []
    for path in _tracked():
        try:
            found.append((path.relative_to(ROOT), path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return found


PAGES = [path for path in _tracked() if path.suffix == ".md"]


def test_the_settings_page_is_what_the_program_reads() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_the_architecture_page_lists_every_topic_as_declared() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for spec in TOPICS:
        cells = (f"`{spec.name}`", str(spec.partitions), spec.key, spec.writer)
        row = r"^\| " + r" \| ".join(re.escape(cell) for cell in cells) + r" \|"
        assert re.search(row, text, re.MULTILINE), spec.name
    named = set(re.findall(r"^\| `([a-z.]+\.v\d+)`", text, re.MULTILINE))
    assert named == {spec.name for spec in TOPICS}


def test_the_importing_page_names_every_field() -> None:
    text = (ROOT / "docs" / "importing.md").read_text(encoding="utf-8")
    assert [name for name in FIELDS if f"`{name}`" not in text] == []


def _anchors(text: str) -> set[str]:
    """Give the anchors that headings get on the usual hosts."""
    headings = re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    broken = []
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        if not file.exists() or (anchor and anchor not in _anchors(file.read_text(encoding="utf-8"))):
            broken.append(target)
    assert broken == []


def test_no_path_of_a_machine_is_in_the_repository() -> None:
    assert {str(path): found for path, text in _texts() if (found := MACHINE_PATHS.findall(text))} == {}


def test_no_merge_was_left_unfinished() -> None:
    marks = re.compile("^(" + "<" * 7 + "|" + ">" * 7 + ") ", re.MULTILINE)
    assert [str(path) for path, text in _texts() if marks.search(text)] == []


def test_no_registry_is_named_in_the_repository() -> None:
    """Where packages come from is the configuration of the machine that installs them."""
    named = {
        str(path): [host for host in REGISTRIES if host in text]
        for path, text in _texts()
        if any(host in text for host in REGISTRIES)
    }
    assert named == {}


def test_every_make_target_in_the_docs_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for path in PAGES:
        used = set(re.findall(r"(?:^|`)make ([a-z-]+)", path.read_text(encoding="utf-8"), re.MULTILINE))
        assert used <= targets, path


def test_every_test_that_the_security_page_names_exists() -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", page))
    files = set(re.findall(r"`((?:unit|contract|integration)/[a-z0-9_/]+\.py)`", page))
    written = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert len(named) > 30
    assert {name for name in named if f"def {name}(" not in written} == set()
    assert {name for name in files if not (ROOT / "tests" / name).is_file()} == set()


COMMAND = re.compile(r"(?:^ *|`|[|;] |until |SAMESONG_\S+ )samesong ((?:\\\n|[^`|;&>#\n])*)", re.MULTILINE)


def _wrong(words: list[str]) -> str | None:
    """Say what the program would not take of a command as a page gives it; arguments may be left out."""
    command = get_command(app)
    while commands := getattr(command, "commands", None):
        if not words or words[0].startswith("-"):
            return None
        # A group that takes an id takes any word.
        if words[0] not in commands and "ID" not in commands:
            return f"no command {words[0]}"
        command = commands[words.pop(0)] if words[0] in commands else commands["ID"]
    options: dict[str, Any] = {
        name: each for each in command.params for name in each.opts if name.startswith("-")
    }
    options |= dict.fromkeys(("--help", "-h"))
    places = [each for each in command.params if not each.opts[0].startswith("-")]
    given = 0
    while words:
        word = words.pop(0)
        if word.startswith("-") and word != "-":
            if word not in options:
                return f"no option {word}"
            if not getattr(options[word], "is_flag", True) and words:
                words.pop(0)
        else:
            given += 1
    many = any(each.nargs == -1 for each in places)
    return None if many or given <= len(places) else f"{given} arguments where it takes {len(places)}"


def test_every_command_in_the_docs_is_one_the_program_takes() -> None:
    seen, wrong = 0, []
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "deploy").rglob("*.md")):
        if path.name == "CHANGELOG.md":  # it tells of what was
            continue
        for found in COMMAND.finditer(path.read_text(encoding="utf-8")):
            words = shlex.split(found[1].replace("\\\n", " "))
            seen += 1
            if said := _wrong(words):
                wrong.append(f"{path.name}: samesong {found[1]}: {said}")
    assert seen > 100
    assert wrong == []
