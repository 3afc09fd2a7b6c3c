"""Secrets that are planted in the settings stand in nothing that the program writes, whatever goes wrong."""

import base64
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.integration.installation import closed_port

pytestmark = pytest.mark.broker

SECRETS = {
    "SAMESONG_KAFKA__PASSWORD": "kafka/Qz81&wort =x",
    "SAMESONG_KAFKA__KEY_PASSWORD": "schluessel-Zr55-wort",
    "SAMESONG_INDEX__TOKEN": "root:milvus-Tk93-wort",
    "SAMESONG_REGISTRY__PASSWORD": "register-Lm47-wort",
}
USER = "planted-user"


class Echo(BaseHTTPRequestHandler):
    """A registry that refuses everybody, and repeats what it was sent."""

    def do_GET(self) -> None:
        body = f'{{"error_code": 40101, "message": "no: {self.headers.get("Authorization", "")}"}}'.encode()
        self.send_response(401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def environment(broker: str, registry: str, tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SAMESONG_")}
    return {
        **kept,
        **SECRETS,
        "SAMESONG_DATA_DIR": str(tmp_path / "data"),
        "SAMESONG_MODELS_DIR": str(tmp_path / "no-models"),
        "SAMESONG_TELEMETRY__LOG_LEVEL": "debug",
        "SAMESONG_KAFKA__BOOTSTRAP": broker,
        "SAMESONG_KAFKA__USERNAME": USER,
        "SAMESONG_KAFKA__SASL_MECHANISM": "SCRAM-SHA-512",
        "SAMESONG_REGISTRY__URL": registry,
        "SAMESONG_REGISTRY__USERNAME": USER,
        "SAMESONG_INDEX__URI": f"http://127.0.0.1:{closed_port()}",
    }


def forms(secret: str) -> Iterator[str]:
    """Give what a secret may look like in a text."""
    yield secret
    yield quote(secret, safe="")
    yield repr(secret)[1:-1]
    for pair in (secret, f"{USER}:{secret}"):
        yield base64.b64encode(pair.encode()).decode().rstrip("=")
    yield secret.partition(":")[2] or secret


def run(environment: Mapping[str, str], *arguments: str, seconds: float = 120.0) -> str:
    """Run a command, ended if it goes on, and give all that was written: by it, and into its folder."""
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "streams.cli", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
        try:
            said, _ = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
    data = Path(environment["SAMESONG_DATA_DIR"])
    files = [path for path in data.rglob("*") if path.is_file()] if data.is_dir() else []
    return "\n".join([said, *(path.read_bytes().decode("latin-1") for path in files)])


def holds(written: str) -> list[str]:
    return [name for name, secret in SECRETS.items() if any(form in written for form in forms(secret))]


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("settings",), "SAMESONG_KAFKA__PASSWORD"),
        (("settings", "--json"), "password"),
        (("doctor",), "registry"),
        (("doctor", "--json"), "registry"),
        (("topics",), "partitions"),
        (("acls", "--check"), "MISSING"),
        (("deadletters", "list"), "Nothing was refused"),
    ],
)
def test_no_command_shows_a_secret(
    environment: dict[str, str], arguments: tuple[str, ...], shown: str
) -> None:
    written = run(environment, *arguments)
    assert shown in written
    assert holds(written) == []


def test_no_refused_log_in_shows_a_secret(environment: dict[str, str], tmp_path: Path) -> None:
    lines = tmp_path / "uploads.jsonl"
    lines.write_text('{"source": "a", "item_id": "b", "kind": "recording", "title": "t"}\n')
    # The registry refuses; a broker that speaks no TLS does, for which each command waits half a minute.
    assert holds(run(environment, "publish", str(lines))) == []
    secured = environment | {"SAMESONG_KAFKA__SECURITY_PROTOCOL": "SASL_SSL"}
    del secured["SAMESONG_REGISTRY__URL"]
    commands = (("publish", str(lines)), ("topics",))
    with ThreadPoolExecutor(len(commands)) as beside:
        for written in beside.map(lambda arguments: run(secured, *arguments), commands):
            assert "samesong:" in written
            assert holds(written) == []


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["encode", "find", "index", "arbitrate", "drift", "audit"])
def test_no_stage_that_fails_shows_a_secret(environment: dict[str, str], stage: str) -> None:
    written = run(environment, "run", stage, seconds=10)
    assert holds(written) == []


@pytest.mark.slow
def test_no_crash_shows_a_secret(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    for arguments in (("run", "encode"), ("run", "arbitrate"), ("up",)):
        assert holds(run(environment, *arguments, seconds=20)) == []
    code = (
        "from streams.telemetry import configure_logging; import logging; configure_logging('info', 'x')\n"
        "from streams.config import load_settings; from streams.connection import kafka_extra\n"
        "settings = load_settings(); extra = kafka_extra(settings)\n"
        "logging.info('%s %r %s', settings, settings, {k: v for k, v in extra.items()})\n"
        "logging.error('failed with sasl.password=%s', extra['sasl.password'])\n"
        "try:\n    raise ValueError(extra)\nexcept ValueError:\n    logging.exception('crashed')\n"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert "crashed" in done.stderr
    assert holds(done.stdout + done.stderr) == []


def test_the_search_finds_what_is_there() -> None:
    for secret in SECRETS.values():
        for form in forms(secret):
            assert holds(f"x {form} y") != []
