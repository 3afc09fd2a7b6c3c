"""Fetching hostile media: each rule has its refusal."""

import hashlib
import os
import socket
from pathlib import Path
from typing import BinaryIO

import pytest

from streams.core.records import Media
from streams.edges.clock import SystemClock
from streams.edges.media_address import is_global, safe_address
from streams.edges.media_fetch import MediaFetcher
from streams.errors import MediaError

GLOBAL = "93.184.216.34"


class FakeClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def now_ms(self) -> int:
        return int(self.now * 1000)

    def monotonic(self) -> float:
        return self.now


class Refusing:
    """A host that takes its time and never answers."""

    def __init__(self, clock: FakeClock, seconds: float) -> None:
        self.clock, self.seconds, self.asked = clock, seconds, 0

    def fetch(self, uri: str, into: BinaryIO) -> int:
        self.asked += 1
        self.clock.now += self.seconds
        raise MediaError("no answer", code="media_unreachable")


def fetcher(tmp_path: Path, **changes: object) -> MediaFetcher:
    (tmp_path / "music").mkdir(exist_ok=True)
    arguments: dict[str, object] = {
        "roots": lambda: (tmp_path / "music",),
        "download": Refusing(FakeClock(), 0.0),
        "max_bytes": 1000,
        "scratch": tmp_path / "scratch",
        "clock": SystemClock(),
    }
    return MediaFetcher(**(arguments | changes))  # type: ignore[arg-type]  # checked by the tests themselves


def refusal(fetch: MediaFetcher, uri: str, **fields: object) -> str:
    with pytest.raises(MediaError) as caught, fetch.fetch(Media(role="audio", uri=uri, **fields)):  # type: ignore[arg-type]
        pass
    return caught.value.refusal_code


def test_reads_a_file_under_a_root(tmp_path: Path) -> None:
    fetch = fetcher(tmp_path)
    path = tmp_path / "music" / "a song é.ogg"
    path.write_bytes(b"sound")
    media = Media(
        role="audio", uri=path.as_uri(), sha256=hashlib.sha256(b"sound").hexdigest().upper(), bytes=5
    )
    with fetch.fetch(media) as fetched:
        assert fetched.file.read() == b"sound"
        assert fetched.size == 5
    assert fetched.file.closed


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("file:///etc/passwd", "media_outside_roots"),
        ("file:///no/such/file", "media_outside_roots"),
        ("file://other.host/music/a.ogg", "media_outside_roots"),
        ("file:music/a.ogg", "media_missing"),
        ("file:///music/%00", "media_missing"),
        ("s3://bucket/a.ogg", "media_scheme"),
        ("http://example.com/a.ogg", "media_scheme"),
        ("data:audio/ogg;base64,AAAA", "media_scheme"),
        ("concat:/etc/passwd|/etc/hosts", "media_scheme"),
        ("", "media_scheme"),
        ("https://[::1", "media_scheme"),
    ],
)
def test_refuses_other_addresses(tmp_path: Path, name: str, code: str) -> None:
    assert refusal(fetcher(tmp_path), name) == code


def test_refuses_what_leads_outside(tmp_path: Path) -> None:
    fetch = fetcher(tmp_path)
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (tmp_path / "music" / "link.ogg").symlink_to(secret)
    (tmp_path / "music" / "folder").symlink_to(tmp_path)
    root = (tmp_path / "music").as_uri()
    for name in ("link.ogg", "folder/secret", "../secret", "%2e%2e/secret", "folder/../secret"):
        assert refusal(fetch, f"{root}/{name}") == "media_outside_roots"


def test_a_link_that_stays_inside_is_followed(tmp_path: Path) -> None:
    fetch = fetcher(tmp_path)
    (tmp_path / "music" / "real.ogg").write_bytes(b"sound")
    (tmp_path / "music" / "link.ogg").symlink_to("real.ogg")
    with fetch.fetch(Media(role="audio", uri=(tmp_path / "music" / "link.ogg").as_uri())) as fetched:
        assert fetched.file.read() == b"sound"


def test_refuses_what_is_no_plain_file(tmp_path: Path) -> None:
    fetch = fetcher(tmp_path)
    os.mkfifo(tmp_path / "music" / "pipe")
    for name in ("pipe", "", "missing.ogg"):
        assert refusal(fetch, f"{(tmp_path / 'music').as_uri()}/{name}") == "media_missing"


@pytest.mark.parametrize(
    ("data", "fields", "code"),
    [
        (b"", {}, "media_empty"),
        (b"x" * 1001, {}, "media_too_large"),
        (b"sound", {"sha256": "0" * 64}, "media_digest_mismatch"),
        (b"sound", {"sha256": "not a digest"}, "media_digest_mismatch"),
        (b"sound", {"bytes": 6}, "media_size_mismatch"),
    ],
)
def test_refuses_bytes_that_are_not_meant(
    tmp_path: Path, data: bytes, fields: dict[str, object], code: str
) -> None:
    fetch = fetcher(tmp_path)
    path = tmp_path / "music" / "a.ogg"
    path.write_bytes(data)
    assert refusal(fetch, path.as_uri(), **fields) == code


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",  # noqa: S104
        "224.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1",
        "ff02::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b:1::a00:1",
        "2002:7f00:1::1",
        "2001:0:53aa:64c:0:0:80ff:fffe", "not an address",
    ],
)  # fmt: skip
def test_addresses_inside_are_not_global(address: str) -> None:
    assert not is_global(address)


@pytest.mark.parametrize("address", [GLOBAL, "8.8.8.8", "2606:4700:4700::1111"])
def test_public_addresses_are_global(address: str) -> None:
    assert is_global(address)


def test_one_inner_address_among_the_answers_is_enough() -> None:
    with pytest.raises(MediaError) as caught:
        safe_address("h", 443, timeout_s=1, resolve=lambda *_: (GLOBAL, "127.0.0.1"))
    assert caught.value.refusal_code == "media_private_address"


def test_a_dead_host_is_left_alone_for_a_while(tmp_path: Path) -> None:
    clock = FakeClock()
    dead = Refusing(clock, 30.0)
    fetch = fetcher(tmp_path, clock=clock, download=dead)
    for _ in range(10):
        assert refusal(fetch, "https://dead.example/a.ogg") == "media_unreachable"
    assert dead.asked == 4
    assert refusal(fetch, "https://other.example/a.ogg") == "media_unreachable"
    assert dead.asked == 5
    clock.now += 700
    assert refusal(fetch, "https://dead.example/a.ogg") == "media_unreachable"
    assert dead.asked == 6


class Swapping:
    """Swaps a name for a link between the moment it is checked and the moment it is opened."""

    def __init__(self, name: Path, target: Path) -> None:
        self.name, self.target, self.open = name, target, os.open

    def __call__(self, path: Path, flags: int) -> int:
        self.name.rename(self.name.with_name("away"))
        self.name.symlink_to(self.target)
        return self.open(path, flags)


@pytest.mark.parametrize("swapped", ["song.ogg", "album"])
def test_a_name_swapped_for_a_link_after_its_check_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swapped: str
) -> None:
    music, outside = tmp_path / "music", tmp_path / "outside"
    fetch = fetcher(tmp_path)
    for folder in (music / "album", outside):
        folder.mkdir()
        (folder / "song.ogg").write_bytes(b"from " + folder.name.encode())
    (music / "song.ogg").write_bytes(b"from music")
    target = outside if swapped == "album" else outside / "song.ogg"
    asked = music / "album" / "song.ogg" if swapped == "album" else music / "song.ogg"
    monkeypatch.setattr("streams.edges.media_fetch.os.open", Swapping(music / swapped, target))
    assert refusal(fetch, asked.as_uri()) in {"media_outside_roots", "media_missing"}


def test_devices_and_sockets_are_no_files(tmp_path: Path) -> None:
    fetch = fetcher(tmp_path, roots=lambda: (tmp_path / "music", Path("/dev"), Path("/proc/self")))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "music" / "s"))
        assert refusal(fetch, (tmp_path / "music" / "s").as_uri()) == "media_missing"
    for name in ("file:///dev/zero", "file:///dev/null", "file:///dev/tty"):
        assert refusal(fetch, name) == "media_missing"


@pytest.mark.parametrize(
    "name",
    [
        "/../../etc/passwd", "/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/./../x",
        "/..%c0%af..%c0%afetc/passwd", "/....//....//etc/passwd", "/%2fetc%2fpasswd", "/a;/../../secret",
        "/..\\..\\etc\\passwd", "/%5c..%5cetc", "/\ud800", "/%ff", "/\u202e", "/a\nb", "/" + "x" * 5000,
        "/" + "x/" * 3000,
    ],
    ids=lambda name: ascii(name[:24]),
)  # fmt: skip
def test_no_spelling_of_a_path_leads_out_of_the_roots(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    fetch = fetcher(tmp_path)
    found = refusal(fetch, (tmp_path / "music").as_uri() + name)
    assert found in {"media_outside_roots", "media_missing"}


def test_a_refusal_repeats_no_address_that_may_hold_a_password(tmp_path: Path) -> None:
    fetch = fetcher(tmp_path)
    for uri in (
        "https://user:secret@[::1",
        "https://user:secret@host/",
        "secret:user@host",
        "ftp://u:secret@h",
    ):
        with pytest.raises(MediaError) as caught, fetch.fetch(Media(role="audio", uri=uri)):
            pass
        assert "user" not in str(caught.value)
