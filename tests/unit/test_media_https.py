"""Media over HTTPS: each rule has its refusal, over a real connection."""

import contextlib
import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote, unquote

import pytest

from streams.edges.clock import SystemClock
from streams.edges.media_https import HttpsDownload
from streams.errors import MediaError
from tests.certificates import authority, server_certificate

GLOBAL = "93.184.216.34"
# 64 MB in 64 KB.
BOMB = gzip.compress(bytes(64 << 20))


class Handler(BaseHTTPRequestHandler):
    body: ClassVar[bytes] = b"sound" * 100
    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        Handler.seen.append(self.headers["Host"] + self.path)
        if self.path.startswith("/again/"):
            left = int(self.path.rsplit("/", 1)[1])
            self.send_response(302)
            self.send_header("Location", f"/again/{left - 1}" if left > 1 else "/a.ogg")
            self.end_headers()
        elif self.path == "/inside":
            self.send_response(302)
            self.send_header("Location", "https://inside.example/a.ogg")
            self.end_headers()
        elif self.path == "/plain":
            self.send_response(301)
            self.send_header("Location", "http://media.example/a.ogg")
            self.end_headers()
        elif self.path == "/long-header":
            self.send_response(200)
            for number in range(60):
                self.send_header(f"X-{number}", "y" * 1000)
            self.end_headers()
        elif self.path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "999")
            self.end_headers()
            self.wfile.write(b"few")
        elif self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(b"x" * 10_000)
        # A server that gives a byte now and then: the time between two bytes is what is tested.
        elif self.path == "/drips":
            with contextlib.suppress(OSError):
                for byte in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1000:
                    self.wfile.write(bytes([byte]))
                    time.sleep(0.05)
        elif self.path == "/drips-body":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            with contextlib.suppress(OSError):
                for _ in range(1000):
                    self.wfile.write(b"x")
                    time.sleep(0.05)
        elif self.path == "/continues":
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        elif self.path == "/huge":
            self.send_response(200)
            self.send_header("Content-Length", str(10**15))
            self.end_headers()
        elif self.path == "/negative":
            self.send_response(200)
            self.send_header("Content-Length", "-1")
            self.end_headers()
            self.wfile.write(b"x" * 200_000)
        elif self.path == "/chunks":
            self.chunked(b"ffffffffffffff\r\n" + b"x" * 600_000)
        elif self.path == "/chunk-cut":
            self.chunked(b"100\r\nfew")
        elif self.path == "/chunk-text":
            self.chunked(b"-5\r\nxxxxx\r\n0\r\n\r\n")
        elif self.path == "/chunk-line":
            self.chunked(b"1" * 200_000)
        elif self.path == "/squeezed":
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(BOMB)
        elif self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", unquote(self.path.removeprefix("/to/")))
            self.end_headers()
        elif self.path in {"/404", "/403", "/500"}:
            self.send_response(int(self.path[1:]))
            self.end_headers()
        elif self.path == "/stalls":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.connection.recv(1)
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.body)))
            self.end_headers()
            self.wfile.write(self.body)

    def chunked(self, body: bytes) -> None:
        self.protocol_version = "HTTP/1.1"
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


Download = Callable[[str], bytes]


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@pytest.fixture
def get(tmp_path: Path) -> Iterator[Download]:
    trusted = authority(tmp_path)
    public, private = server_certificate(tmp_path, trusted, "media.example")
    server = _QuietServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    Handler.seen.clear()
    names = {"media.example": GLOBAL, "other.example": GLOBAL, "inside.example": "169.254.169.254"}

    def connect(address: str, port: int, timeout_s: float) -> socket.socket:
        assert (address, port) == (GLOBAL, 443)
        return socket.create_connection(server.server_address[:2], timeout=timeout_s)  # type: ignore[arg-type]

    def fetch(uri: str) -> bytes:
        download = HttpsDownload(
            allowed_hosts=("media.example", "other.example", "inside.example"),
            max_bytes=100_000,
            timeout_s=1.0,
            clock=SystemClock(),
            resolve=lambda host, *_: (names[host],),
            connect_to=connect,
            tls=ssl.create_default_context(cafile=str(trusted.public)),
        )
        path = tmp_path / "out"
        with path.open("w+b") as file:
            assert download.fetch(uri, file) == file.tell()
        return path.read_bytes()

    yield fetch
    server.shutdown()
    server.server_close()
    thread.join()


def test_downloads_over_https(get: Download) -> None:
    assert get("https://media.example/a%20b/c é.ogg?x=1") == Handler.body
    assert Handler.seen == ["media.example/a%20b/c%20%C3%A9.ogg?x=1"]


def test_follows_three_redirects(get: Download) -> None:
    assert get("https://media.example/again/3") == Handler.body


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        ("https://media.example/again/4", "media_redirects"),
        ("https://media.example/inside", "media_private_address"),
        ("https://media.example/plain", "media_scheme"),
        ("https://media.example/long-header", "media_unreachable"),
        ("https://media.example/short", "media_unreachable"),
        ("https://media.example/endless", "media_too_large"),
        ("https://media.example/stalls", "media_unreachable"),
        ("https://media.example/drips", "media_unreachable"),
        ("https://media.example/drips-body", "media_unreachable"),
        ("https://media.example/continues", "media_unreachable"),
        ("https://media.example/huge", "media_too_large"),
        ("https://media.example/negative", "media_too_large"),
        ("https://media.example/chunks", "media_too_large"),
        ("https://media.example/chunk-cut", "media_unreachable"),
        ("https://media.example/chunk-text", "media_unreachable"),
        ("https://media.example/chunk-line", "media_unreachable"),
        ("https://media.example/404", "media_missing"),
        ("https://media.example/403", "media_forbidden"),
        ("https://media.example/500", "media_unreachable"),
        ("https://other.example/a.ogg", "media_unreachable"),  # its certificate is not for this name
        ("https://inside.example/a.ogg", "media_private_address"),
        ("https://stranger.example/a.ogg", "media_host"),
        ("https://media.example:8443/a.ogg", "media_host"),
        ("https://user:secret@media.example/a.ogg", "media_host"),
        ("https://media.example:99999/a.ogg", "media_unreachable"),
    ],
)
def test_refuses_over_https(get: Download, uri: str, code: str) -> None:
    with pytest.raises(MediaError) as caught:
        get(uri)
    assert caught.value.refusal_code == code
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("https://inside.example/a.ogg", "media_private_address"),
        ("//inside.example/a.ogg", "media_private_address"),
        ("https://169.254.169.254/latest/meta-data/", "media_host"),
        ("https://2852039166/", "media_host"),
        ("https://[::1]/", "media_host"),
        ("https://media.example.evil.test/", "media_host"),
        ("https://user:secret@media.example/a.ogg", "media_host"),
        ("http://media.example/a.ogg", "media_scheme"),
        ("file:///etc/passwd", "media_scheme"),
        ("gopher://media.example/_GET", "media_scheme"),
        ("data:audio/ogg;base64,AAAA", "media_scheme"),
        ("concat:/etc/passwd|/etc/hosts", "media_scheme"),
        ("https://media.example:0/", "media_host"),
    ],
)
def test_where_a_redirect_leads_is_checked_anew(get: Download, target: str, code: str) -> None:
    with pytest.raises(MediaError) as caught:
        get(f"https://media.example/to/{quote(target, safe='')}")
    assert caught.value.refusal_code == code
    assert "secret" not in str(caught.value)
    assert len(Handler.seen) == 1


def test_what_comes_squeezed_is_kept_squeezed(get: Download) -> None:
    assert get("https://media.example/squeezed") == BOMB


def test_no_line_of_an_address_becomes_a_line_of_the_request(get: Download) -> None:
    # Python drops line breaks from an address; whatever else does not belong into a request is escaped.
    assert get("https://media.example/a\r\nHost: evil\x00\x85\u2028?q=\r\nX: y") == Handler.body
    assert Handler.seen == ["media.example/aHost:%20evil%00%C2%85%E2%80%A8?q=X:%20y"]
