"""Downloads over https from hosts we do not trust: one pinned address, bounded bytes and time."""

import http.client
import io
import socket
import ssl
from collections.abc import Callable
from typing import Any, BinaryIO
from urllib.parse import SplitResult, urljoin, urlsplit

from streams.edges.media_address import Resolve, canonical_host, resolve_host, safe_address
from streams.errors import ConfigError, MediaError, TransientError
from streams.ports import Clock

Connect = Callable[[str, int, float], socket.socket]

MAX_REDIRECTS = 3
MAX_HEADER_BYTES = 32 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BLOCK = 256 * 1024
_AGENT = "samesong/0.1 (media fetch)"


def connect(address: str, port: int, timeout_s: float) -> socket.socket:
    """Open a TCP connection to an address that was already checked."""
    return socket.create_connection((address, port), timeout=timeout_s)


class _Deadline:
    """What is left of one download's time."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._end = clock.monotonic() + seconds

    def left(self) -> float:
        """Seconds left, more than 0.

        Raises
        ------
        TimeoutError
            none are
        """
        left = self._end - self._clock.monotonic()
        if left <= 0:
            raise TimeoutError("the download took too long")
        return left


class _BoundedReader(io.RawIOBase):
    """Bytes of a connection, with the whole download's deadline and a limit on the header.

    A peer that sends one byte now and then never trips a socket's own time-out.
    """

    def __init__(self, connection: ssl.SSLSocket, deadline: _Deadline) -> None:
        super().__init__()
        self._connection = connection
        self._deadline = deadline
        self.budget: int | None = MAX_HEADER_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = len(buffer)
        if self.budget is not None:
            if self.budget <= 0:
                raise MediaError("the answer's header is too long", code="media_unreachable")
            size = min(size, self.budget)
        self._connection.settimeout(self._deadline.left())
        count = self._connection.recv_into(memoryview(buffer)[:size])
        if self.budget is not None:
            self.budget -= count
        return count


class _Stream:
    """The little of a socket that `http.client` needs to read an answer."""

    def __init__(self, reader: _BoundedReader) -> None:
        self._reader = reader

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._reader, 16 * 1024)


class HttpsDownload:
    """Fetch files over https.

    Parameters
    ----------
    allowed_hosts : tuple of str
        ``host`` or ``host:port``; empty: any host on port 443 whose addresses are global
    max_bytes : int > 0
    timeout_s : float > 0
        for one file: names, connections, redirects and bytes together
    clock : Clock
    resolve, connect_to, tls : optional
        name look-up, connection and certificates, for tests

    Notes
    -----
    No proxy and no netrc is read from the environment; no cookie or credential is ever sent.
    """

    def __init__(
        self,
        *,
        allowed_hosts: tuple[str, ...],
        max_bytes: int,
        timeout_s: float,
        clock: Clock,
        resolve: Resolve = resolve_host,
        connect_to: Connect = connect,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._hosts = frozenset(_allowed(host) for host in allowed_hosts)
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._clock = clock
        self._resolve = resolve
        self._connect = connect_to
        self._tls = tls or ssl.create_default_context()

    def fetch(self, uri: str, into: BinaryIO) -> int:
        """Write a file's bytes and return how many there were.

        Raises
        ------
        MediaError
            ``media_scheme``, ``media_host``, ``media_private_address``, ``media_redirects``,
            ``media_missing``, ``media_forbidden``, ``media_too_large``, ``media_unreachable``
        """
        deadline = _Deadline(self._clock, self._timeout_s)
        try:
            for _ in range(MAX_REDIRECTS + 1):
                target = self._visit(uri, into, deadline)
                if isinstance(target, int):
                    return target
                uri = urljoin(uri, target)
        except (OSError, http.client.HTTPException, ValueError) as exc:
            raise MediaError(f"{_host_of(uri)} cannot be read: {exc}", code="media_unreachable") from exc
        raise MediaError(f"more than {MAX_REDIRECTS} redirects", code="media_redirects")

    def _visit(self, uri: str, into: BinaryIO, deadline: _Deadline) -> int | str:
        """Read one address: the bytes written, or where it sends us."""
        parts = urlsplit(uri)
        host, port = self._check(parts)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        request = _request(host, port, path)
        address = safe_address(host, port, timeout_s=deadline.left(), resolve=self._resolve)
        plain = self._connect(address, port, deadline.left())
        with plain, self._tls.wrap_socket(plain, server_hostname=host) as connection:
            connection.settimeout(deadline.left())
            connection.sendall(request)
            reader = _BoundedReader(connection, deadline)
            # http.client asks its socket for a file and nothing else.
            answer = http.client.HTTPResponse(_Stream(reader), method="GET")  # type: ignore[arg-type]
            answer.begin()
            reader.budget = None
            location = answer.getheader("Location")
            if answer.status in _REDIRECTS and location:
                return location
            _check_status(host, answer.status)
            return self._save(answer, into)

    def _check(self, parts: SplitResult) -> tuple[str, int]:
        """Refuse what is not plain https to an allowed host."""
        if parts.scheme != "https":
            raise MediaError(f"{parts.scheme}: is not fetched, only https:", code="media_scheme")
        if parts.username is not None or parts.password is not None or not parts.hostname:
            raise MediaError("an address must name a host and no user", code="media_host")
        host, port = canonical_host(parts.hostname), 443 if parts.port is None else parts.port
        if (host, port) in self._hosts or (port == 443 and not self._hosts):
            return host, port
        raise MediaError(f"{host}:{port} is not an allowed host", code="media_host")

    def _save(self, answer: http.client.HTTPResponse, into: BinaryIO) -> int:
        """Copy the body, never more than allowed."""
        declared = answer.length
        if declared is not None and declared > self._max_bytes:
            raise MediaError(
                f"{declared} bytes are more than {self._max_bytes} allowed", code="media_too_large"
            )
        into.seek(0)
        into.truncate()
        size = 0
        while block := answer.read(_BLOCK):
            size += len(block)
            if size > self._max_bytes:
                raise MediaError(f"more than the {self._max_bytes} bytes allowed", code="media_too_large")
            _keep(into, block)
        if declared is not None and size < declared:
            raise MediaError(f"{size} of {declared} bytes came", code="media_unreachable")
        return size


def _allowed(entry: str) -> tuple[str, int]:
    """Read one allowed host, ``HOST`` or ``HOST:PORT``; an IPv6 address stands in brackets."""
    try:
        parts = urlsplit(f"//{entry}")
        if not parts.hostname or parts.path or parts.query or parts.fragment or "@" in entry:
            raise ConfigError(f"{entry!r} is not HOST or HOST:PORT")
        return canonical_host(parts.hostname), 443 if parts.port is None else parts.port
    except (ValueError, MediaError) as exc:
        raise ConfigError(f"{entry!r} is not HOST or HOST:PORT: {exc}") from exc


def _keep(into: BinaryIO, block: bytes) -> None:
    """Write to our own disk: when that fails it is not the uploader's fault."""
    try:
        into.write(block)
    except OSError as exc:
        raise TransientError(f"a download cannot be kept: {exc}") from exc


def _request(host: str, port: int, path: str) -> bytes:
    """Write the request; what does not belong into a request line is escaped."""
    safe = "".join(c if "!" <= c <= "~" else "".join(f"%{b:02X}" for b in c.encode()) for c in path)
    name = f"[{host}]" if ":" in host else host
    at = name if port == 443 else f"{name}:{port}"
    lines = (
        f"GET {safe} HTTP/1.1",
        f"Host: {at}",
        f"User-Agent: {_AGENT}",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def _check_status(host: str, status: int) -> None:
    if status == 200:
        return
    code = {404: "media_missing", 410: "media_missing", 401: "media_forbidden", 403: "media_forbidden"}
    raise MediaError(f"{host} answers {status}", code=code.get(status, "media_unreachable"))


def _host_of(uri: str) -> str:
    """Name the host for a message; the rest of an address may hold a secret."""
    return urlsplit(uri).hostname or "the host"
