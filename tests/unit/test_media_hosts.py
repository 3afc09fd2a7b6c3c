"""No spelling of an address makes us talk to a machine inside; that is known before we connect."""

import socket
from collections.abc import Callable
from io import BytesIO

import pytest

from streams.edges.clock import SystemClock
from streams.edges.media_address import canonical_host, is_global, resolve_host, safe_address
from streams.edges.media_https import HttpsDownload
from streams.errors import ConfigError, MediaError

GLOBAL = "93.184.216.34"


class Network:
    """Names and connections that are counted; none is ever made."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self.answers = list(answers)
        self.resolved: list[str] = []
        self.connected: list[str] = []

    def resolve(self, host: str, _port: int, _timeout_s: float) -> tuple[str, ...]:
        self.resolved.append(host)
        return self.answers.pop(0) if self.answers else (GLOBAL,)

    def connect(self, address: str, _port: int, _timeout_s: float) -> socket.socket:
        self.connected.append(address)
        raise ConnectionRefusedError("nobody is there")


def refusal(
    uri: str,
    network: Network,
    *,
    allowed: tuple[str, ...] = (),
    resolve: Callable[[str, int, float], tuple[str, ...]] | None = None,
) -> str:
    download = HttpsDownload(
        allowed_hosts=allowed,
        max_bytes=100,
        timeout_s=5.0,
        clock=SystemClock(),
        resolve=resolve or network.resolve,
        connect_to=network.connect,
    )
    with pytest.raises(MediaError) as caught:
        download.fetch(uri, BytesIO())
    assert "secret" not in str(caught.value)
    return caught.value.refusal_code


INSIDE = {
    "loopback": "127.0.0.1",
    "all of loopback": "127.255.255.254",
    "this host": "0.0.0.0",  # noqa: S104
    "private 10": "10.1.2.3",
    "private 172": "172.31.255.255",
    "private 192": "192.168.0.1",
    "link-local": "169.254.1.1",
    "metadata of most clouds": "169.254.169.254",
    "metadata of Alibaba": "100.100.100.200",
    "metadata of Azure": "168.63.129.16",
    "metadata of Oracle": "192.0.0.192",
    "carrier-grade NAT": "100.64.0.1",
    "6to4 relay": "192.88.99.1",
    "benchmarks": "198.18.0.1",
    "documentation": "203.0.113.9",
    "multicast": "239.1.1.1",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "loopback 6": "::1",
    "unspecified 6": "::",
    "link-local 6": "fe80::1",
    "link-local 6 of an interface": "fe80::1%1",
    "site-local 6": "fec0::1",
    "unique local 6": "fd12:3456::1",
    "metadata of Amazon 6": "fd00:ec2::254",
    "multicast 6": "ff02::1",
    "discard 6": "100::1",
    "documentation 6": "2001:db8::1",
    "newer documentation 6": "3fff::1",
    "segment routing 6": "5f00::1",
    "ORCHID": "2001:20::1",
    "mapped": "::ffff:127.0.0.1",
    "mapped global": "::ffff:8.8.8.8",
    "compatible": "::127.0.0.1",
    "translated": "::ffff:0:127.0.0.1",
    "NAT64": "64:ff9b::10.0.0.1",
    "NAT64 global": "64:ff9b::8.8.8.8",
    "local NAT64": "64:ff9b:1::10.0.0.1",
    "6to4": "2002:7f00:1::1",
    "Teredo": "2001:0:53aa:64c::1",
    "no address": "localhost",
}


@pytest.mark.parametrize("address", INSIDE.values(), ids=INSIDE.keys())
def test_a_name_that_leads_inside_is_not_connected_to(address: str) -> None:
    assert not is_global(address)
    network = Network((address,))
    assert refusal("https://inside.example/a.ogg", network) == "media_private_address"
    mixed = Network((GLOBAL, address))
    assert refusal("https://inside.example/a.ogg", mixed) == "media_private_address"
    assert network.connected == mixed.connected == []


@pytest.mark.parametrize("address", [GLOBAL, "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001::200e"])
def test_a_public_address_is_asked_for(address: str) -> None:
    network = Network((address,))
    assert refusal("https://public.example/a.ogg", network) == "media_unreachable"
    assert network.connected == [address]


OTHER_SPELLINGS = (
    "https://2130706433/", "https://017700000001/", "https://0x7f000001/", "https://0x7F.1/",
    "https://0177.0.0.1/", "https://127.1/", "https://127.0.1/", "https://127.0.0.01/", "https://0/",
    "https://0x0a.0.0.1/", "https://1.2.3.4.5/", "https://256.1.1.1/", "https://127.0.0.0x1/",
    "https://[::1%25lo]/", "https://[::ffff:127.0.0.1%251]/", "https://a b/",
    "https://a%00b.example/", "https://a%0d%0aHost:%20evil/", "https://-a.example/", "https://a..example/",
    "https://.example/", "https://exa_mple..../", f"https://{'a' * 64}.example/", f"https://{'a.' * 200}b/",
    "https://\u2488\u2488\u2488/", "https://\ud800.example/", "https://a\u200d.example\u202e/",
)  # fmt: skip


@pytest.mark.parametrize("uri", OTHER_SPELLINGS, ids=ascii)
def test_a_host_that_is_spelt_to_hide_is_not_even_resolved(uri: str) -> None:
    network = Network()
    assert refusal(uri, network) in {"media_host", "media_unreachable", "media_scheme"}
    assert network.resolved == network.connected == []


def test_full_width_digits_are_the_address_they_show() -> None:
    assert canonical_host("\uff11\uff12\uff17.0.0.1") == "127.0.0.1"
    assert canonical_host("\u2460\u2461\u2466\u3002\u24ea\u3002\u24ea\u3002\u2460") == "127.0.0.1"
    network = Network()
    found = refusal("https://\uff11\uff12\uff17\uff0e0\uff0e0\uff0e1/", network, resolve=resolve_host)
    assert found == "media_private_address"
    assert network.connected == []


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("Media.Example", "media.example"),
        ("media.example.", "media.example"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("8.8.8.8", "8.8.8.8"),
        ("2606:4700:4700:0:0:0:0:1111", "2606:4700:4700::1111"),
        ("_sip.media.example", "_sip.media.example"),
    ],
)
def test_one_host_has_one_spelling(given: str, canonical: str) -> None:
    assert canonical_host(given) == canonical


LOOK_ALIKES = (
    "https://media.example.evil.test/", "https://evilmedia.example/", "https://media.example@evil.test/",
    "https://media.example:443@evil.test/", "https://evil.test#media.example", "https://evil.test?media.example",
    "https://evil.test\\@media.example/", "https://media.example:8443/", "https://media.example:80/",
    "https://media.example:0/", "https://sub.media.example/", "https://media\u3002example.evil.test/",
    "https://m\u0435dia.example/", "https://medi\u0430.example/", "https://xn--mdia-e4a.example/",
    "https://medla.example/", "https://media.examp1e/", "https://media-example/", "https://example/",
    "https://media.example%2eevil.test/", "https://media.example%00.evil.test/", "https:media.example/",
    "https:///media.example/", "//media.example/", "HTTP://media.example/", "ftp://media.example/",
    "gopher://media.example/", "data:audio/ogg,x", "file://media.example/a", "javascript:alert(1)",
    "https+file://media.example/", "https://user:secret@media.example/", "https://secret@media.example/",
)  # fmt: skip


@pytest.mark.parametrize("uri", LOOK_ALIKES, ids=ascii)
def test_a_host_that_looks_like_an_allowed_one_is_refused(uri: str) -> None:
    network = Network()
    assert refusal(uri, network, allowed=("media.example",)) in {"media_host", "media_scheme"}
    assert network.resolved == network.connected == []


@pytest.mark.parametrize(
    "uri", ["https://MEDIA.example./a", "https://media.example:443/a", "https://\uff4dedia.example/a"]
)
def test_other_spellings_of_an_allowed_host_are_that_host(uri: str) -> None:
    network = Network()
    assert refusal(uri, network, allowed=("Media.Example",)) == "media_unreachable"
    assert network.resolved == ["media.example"]
    assert network.connected == [GLOBAL]


def test_an_allowed_host_may_be_written_in_its_own_script() -> None:
    network = Network()
    assert refusal("https://xn--bcher-kva.example/a", network, allowed=("b\u00fccher.example:443",)) == (
        "media_unreachable"
    )
    assert network.resolved == ["xn--bcher-kva.example"]


@pytest.mark.parametrize(
    "entry", ["https://media.example", "media.example/path", "a@media.example", "", "h:x", "1.2"]
)
def test_an_allowed_host_that_is_none_stops_the_start(entry: str) -> None:
    with pytest.raises(ConfigError):
        HttpsDownload(allowed_hosts=(entry,), max_bytes=1, timeout_s=1, clock=SystemClock())


def test_a_name_that_changes_its_answer_is_resolved_once_and_the_answer_is_connected_to() -> None:
    network = Network((GLOBAL,), ("127.0.0.1",))
    assert refusal("https://rebinding.example/", network) == "media_unreachable"
    assert network.resolved == ["rebinding.example"]
    assert network.connected == [GLOBAL]


def test_a_name_with_no_address_is_unreachable() -> None:
    with pytest.raises(MediaError) as caught:
        safe_address("h", 443, timeout_s=1, resolve=lambda *_: ())
    assert caught.value.refusal_code == "media_unreachable"
