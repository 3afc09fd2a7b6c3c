"""What a registry's answers become: a refusal of the schema, nothing under the id, or no registry."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from streams.core.records import Verdict
from streams.edges.registry import ConfluentCodec, ConfluentRegistry
from streams.errors import ConfigError, DecodeError, RegistryUnavailable
from tests.contract.sample_records import full

VERDICT = "review.verdict.v1"


@contextmanager
def answering(status: int, body: dict[str, object]) -> Iterator[ConfluentRegistry]:
    """Give a registry that always answers the same."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = answer

        def log_message(self, format: str, *args: object) -> None:
            """Stay silent."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    registry = ConfluentRegistry(f"http://127.0.0.1:{server.server_port}", username="somebody")
    try:
        yield registry
    finally:
        registry.close()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("status", [401, 404, 500, 503])
def test_no_id_means_no_registry(status: int) -> None:
    with (
        answering(status, {"error_code": status, "message": "no"}) as registry,
        pytest.raises(RegistryUnavailable),
    ):
        ConfluentCodec(registry).encode(VERDICT, full(Verdict))


@pytest.mark.parametrize("status", [409, 422])
def test_a_refused_schema_is_a_configuration_error(status: int) -> None:
    with answering(status, {"error_code": status, "message": "no"}) as registry, pytest.raises(ConfigError):
        ConfluentCodec(registry).encode(VERDICT, full(Verdict))


@pytest.mark.parametrize(
    ("status", "error"), [(404, DecodeError), (500, RegistryUnavailable), (401, RegistryUnavailable)]
)
def test_an_id_that_is_not_there_is_a_bad_record_but_silence_is_not(
    status: int, error: type[Exception]
) -> None:
    with answering(status, {"error_code": 40403, "message": "no"}) as registry, pytest.raises(error):
        ConfluentCodec(registry).decode(VERDICT, b"\0\0\0\0\x07body")


@pytest.mark.parametrize(
    "call",
    [
        lambda registry: registry.register("s", '"string"'),
        lambda registry: registry.schema(1),
        lambda registry: registry.protect("s", "FULL"),
    ],
)
def test_nobody_there_is_no_registry(call: Callable[[ConfluentRegistry], object]) -> None:
    with answering(200, {}) as registry:
        pass
    gone = ConfluentRegistry(registry.url)
    with pytest.raises(RegistryUnavailable):
        call(gone)
    gone.close()


def test_an_address_that_is_none_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError):
        ConfluentRegistry("ftp://registry")
