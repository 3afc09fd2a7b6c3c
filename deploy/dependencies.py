"""What the product is made of, and whether any of it is known to be vulnerable.

``python deploy/dependencies.py sbom FILE`` writes a CycloneDX bill of materials: every Python package that
serves, by the lock, and every jar of the embedded Kafka, each with its digests.

``python deploy/dependencies.py audit`` asks a vulnerability service about the same packages. A finding is an
error. A service that cannot be reached is none, and is said: then nothing was audited. With ``--required`` it
is an error too.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "deploy" / "locks" / "serve.lock"
JARS = ROOT / "streams" / "edges" / "kafka_jars.lock"
SBOM_TOOL = ("cyclonedx-bom==7.5.0", "cyclonedx-py")
AUDIT_TOOL = ("pip-audit==2.10.1", "pip-audit")
# In this order; the first that knows of anything is believed.
SERVICES = ("osv", "pypi")
LIMIT_S = 240.0
_UNREACHABLE = re.compile(
    r"ConnectionError|Timeout|NameResolution|Max retries|ProxyError|SSLError|Could not connect"
    r"|ServiceError|HTTPError"
)

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


class ToolFailed(Exception):
    """The tool ended in a way that is no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What a service said.

    Attributes
    ----------
    service : str
    known : int
        packages that it has heard of
    unknown : int
    findings : tuple of str
        one line each
    """

    service: str
    known: int
    unknown: int
    findings: tuple[str, ...]


def tool(wanted: tuple[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a tool in an environment of its own: it is no part of ours."""
    script = str(ROOT / "deploy" / "venv.sh")
    uv = subprocess.run(  # noqa: S603 - our own script
        [script, "--uv"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    package, command = wanted
    return subprocess.run(  # noqa: S603 - a pinned tool
        [uv, "tool", "run", "--python", sys.executable, "--from", package, command, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )


def jars(text: str) -> list[dict[str, Any]]:
    """Describe the jars of the lock."""
    found = []
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        coordinate, digest, _size = line.split()
        group, name, version, *rest = coordinate.split(":")
        purl = f"pkg:maven/{group}/{name}@{version}" + (f"?classifier={rest[0]}" if rest else "")
        found.append(
            {
                "type": "library",
                "bom-ref": purl,
                "group": group,
                "name": name,
                "version": version,
                "purl": purl,
                "hashes": [{"alg": "SHA-256", "content": digest}],
            }
        )
    return found


def with_jars(bom: dict[str, Any], added: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Put the jars beside the packages, and leave out what only repeats the lock."""
    packages = [
        {name: value for name, value in each.items() if name != "description"} for each in bom["components"]
    ]
    whole = sorted([*packages, *added], key=lambda each: str(each["purl"]))
    return {**bom, "components": whole}


def write_sbom(path: Path) -> int:
    """Write the bill of materials; give how many components it has."""
    done = tool(SBOM_TOOL, "requirements", str(LOCK), "--output-reproducible", "--of", "JSON", "-o", "-")
    if done.returncode != 0:
        raise ToolFailed(done.stderr[-2000:])
    bom = with_jars(json.loads(done.stdout), jars(JARS.read_text(encoding="utf-8")))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(bom, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return len(bom["components"])


def ask(service: str) -> "subprocess.CompletedProcess[str]":
    """Ask one service about every package of the lock."""
    options = (
        "--require-hashes",
        "--disable-pip",
        "--progress-spinner",
        "off",
        "--timeout",
        "10",
        "-f",
        "json",
    )
    return tool(AUDIT_TOOL, "-s", service, "-r", str(LOCK), *options)


def read_answer(service: str, done: "subprocess.CompletedProcess[str]") -> Audit | None:
    """Read what the tool said; None when the service cannot be reached.

    Raises
    ------
    ToolFailed
        it said something else
    """
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError) as exc:
        if _UNREACHABLE.search(done.stderr):
            return None
        raise ToolFailed(f"{service}: {done.stderr[-2000:] or done.stdout[-2000:]}") from exc
    known = [each for each in found if "skip_reason" not in each]
    findings = tuple(
        f"{each['name']} {each['version']}: {problem['id']}, "
        f"mended in {', '.join(problem['fix_versions']) or 'nothing yet'}"
        for each in known
        for problem in each["vulns"]
    )
    return Audit(service=service, known=len(known), unknown=len(found) - len(known), findings=findings)


def audit(*, required: bool, ask: Callable[[str], "subprocess.CompletedProcess[str]"] = ask) -> int:
    """Ask the services in turn until one knows our packages; give the exit status."""
    for service in SERVICES:
        answer = read_answer(service, ask(service))
        if answer is None:
            print(f"dependencies: {service} cannot be reached")
        elif answer.known == 0:
            print(f"dependencies: {service} answers, and knows none of {answer.unknown} packages")
        else:
            for line in answer.findings:
                print(f"dependencies: {line}", file=sys.stderr)
            print(
                f"dependencies: {answer.known} packages audited by {service}, "
                f"{len(answer.findings)} findings, {answer.unknown} packages unknown to it"
            )
            return 1 if answer.findings else 0
    print("dependencies: NOT AUDITED: no vulnerability service can be reached from here")
    return 1 if required else 0


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("sbom").add_argument("file", type=Path)
    commands.add_parser("audit").add_argument("--required", action="store_true")
    arguments = parser.parse_args()
    try:
        if arguments.command == "audit":
            return audit(required=arguments.required)
        print(f"dependencies: {write_sbom(arguments.file)} components in {arguments.file}")
    except (ToolFailed, subprocess.SubprocessError, OSError) as exc:
        print(f"dependencies: {exc}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
